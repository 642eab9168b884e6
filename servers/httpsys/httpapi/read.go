package httpapi

import (
	"crypto/tls"
	"encoding/binary"
	"net/netip"
	"unsafe"
)

// Method gives the request's method.
func (r *Request) Method() string {
	if r.Verb == UnknownVerb {
		return text(r.UnknownVerb, r.UnknownVerbLen)
	}
	return r.Verb.String()
}

// Target gives the request's target as the client has sent it.
func (r *Request) Target() string { return text(r.RawURL, r.RawURLLen) }

// HTTP gives the protocol's version. That of HTTP/2 and HTTP/3 is in the flags.
func (r *Request) HTTP() (major, minor int) {
	switch {
	case r.Flags&RequestHTTP3 != 0:
		return 3, 0
	case r.Flags&RequestHTTP2 != 0:
		return 2, 0
	}
	return int(r.Version.Major), int(r.Version.Minor)
}

// RemoteAddr and LocalAddr give the connection's ends. The zero AddrPort stands for one that is not told.
func (r *Request) RemoteAddr() netip.AddrPort { return address(r.Remote) }

// LocalAddr is described at RemoteAddr.
func (r *Request) LocalAddr() netip.AddrPort { return address(r.Local) }

// Families of socket addresses on Windows.
const (
	familyIPv4 = 2
	familyIPv6 = 23
)

func address(p unsafe.Pointer) netip.AddrPort {
	if p == nil {
		return netip.AddrPort{}
	}
	switch *(*uint16)(p) {
	case familyIPv4:
		raw := (*[8]byte)(p)
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(raw[4:8])), binary.BigEndian.Uint16(raw[2:]))
	case familyIPv6:
		raw := (*[24]byte)(p)
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(raw[8:24])).Unmap(), binary.BigEndian.Uint16(raw[2:]))
	}
	return netip.AddrPort{}
}

// The server's bits of SChannel's protocols.
var tlsVersions = map[uint32]uint16{
	0x40: tls.VersionTLS10, 0x100: tls.VersionTLS11, 0x400: tls.VersionTLS12, 0x1000: tls.VersionTLS13,
}

// TLSVersion gives the version in crypto/tls's numbers; 0 when the system does not tell.
func (r *Request) TLSVersion() uint16 {
	for i := range r.RequestInfoCount {
		info := at(r.RequestInfo, i)
		if info.Type == SSLProtocolInfo && uintptr(info.Len) >= unsafe.Sizeof(SSLProtocol{}) && info.Info != nil {
			return tlsVersions[(*SSLProtocol)(info.Info).Protocol]
		}
	}
	return 0
}

// DER gives a copy of the certificate; nil when there is none.
func (c *SSLClientCert) DER() []byte {
	if c == nil || c.Encoded == nil {
		return nil
	}
	return append([]byte(nil), unsafe.Slice(c.Encoded, c.EncodedSize)...)
}

// text copies the bytes at p.
func text(p *byte, n uint16) string { return string(bytesAt(p, n)) }

func bytesAt(p *byte, n uint16) []byte {
	if p == nil {
		return nil
	}
	return unsafe.Slice(p, n)
}

// at gives a copy of the one at place i of those that begin at first. They need not be aligned: Wine's are not.
func at[T any](first *T, i uint16) (value T) {
	size := unsafe.Sizeof(value)
	from := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(first), uintptr(i)*size)), size)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&value)), size), from)
	return value
}
