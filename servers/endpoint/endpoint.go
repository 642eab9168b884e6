// Package endpoint holds one URL to listen on or to reach, as a plain value that is compared with ==.
//
// It knows the URLs that Kestrel binds: http and https, *, +, localhost and *.localhost, IPv4, [IPv6], a host name
// (which binds every address), http://unix:/path, port 0, a path base. It opens no socket, asks no resolver and reads no
// environment: package servers listens, gorun looks for the listener. All values may be copied and used from
// several goroutines.
package endpoint

import (
	"net/netip"
	"strconv"
	"strings"
)

// Endpoint is one address of a server, as Parse makes it from a URL. The zero Endpoint is none.
type Endpoint struct {
	Scheme string `json:"scheme"`         // "http" or "https"
	Host   string `json:"host,omitempty"` // as written, without brackets: localhost, *, +, 0.0.0.0, ::1, fe80::1%eth0, api.local; "" with Unix
	Port   uint16 `json:"port"`           // 0 is any free port; 80 or 443 when the URL has none; 0 with Unix
	Path   string `json:"path,omitempty"` // the path base: "", or begins with / and does not end with one
	Unix   string `json:"unix,omitempty"` // absolute path of a unix socket (c:/run/x.sock on Windows), "" for TCP
}

// String gives the URL, which Parse reads back to the same value. The port is always written.
// It gives "" for the zero Endpoint.
func (e Endpoint) String() string {
	switch {
	case e.Unix != "":
		s := e.Scheme + "://unix:/" + strings.TrimPrefix(e.Unix, "/")
		if e.Path != "" {
			s += ":" + e.Path
		}
		return s
	case e.Host == "":
		return ""
	default:
		return e.Scheme + "://" + urlHost(e.Host) + ":" + strconv.Itoa(int(e.Port)) + e.Path
	}
}

// Browse gives the URL with which a program on this machine reaches e: *, +, 0.0.0.0 and [::] become localhost,
// any other host stays as it is written. It gives "" for a unix socket, which has no URL that a browser could open.
// Port 0 stays: use WithPort first.
func (e Endpoint) Browse() string {
	if e.Unix != "" {
		return ""
	}
	if e.anyHost() {
		e.Host = "localhost"
	}
	return e.String()
}

// WithPort gives e with another port. A unix socket has none and stays as it is.
func (e Endpoint) WithPort(port uint16) Endpoint {
	if e.Unix == "" {
		e.Port = port
	}
	return e
}

// urlHost gives host as it stands in a URL: IPv6 in brackets, its zone after an escaped percent sign (RFC 6874).
func urlHost(host string) string {
	if !strings.Contains(host, ":") {
		return host
	}
	return "[" + strings.Replace(host, "%", "%25", 1) + "]"
}

// IsLocal reports whether the host is localhost or a name below it (RFC 6761), which is bound on the loopback
// addresses and nowhere else. Kestrel does so for names below it since .NET 10.
func (e Endpoint) IsLocal() bool {
	host := strings.ToLower(e.Host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// IsWildcard reports whether a server binds e on every address of the machine: *, +, 0.0.0.0, [::], and any host that
// is neither local nor an IP address, since Kestrel does not look names up (reference: servers.md, 3.5).
func (e Endpoint) IsWildcard() bool {
	if e.Host == "" || e.IsLocal() {
		return false
	}
	ip, isIP := e.ip()
	return !isIP || ip.IsUnspecified()
}

// anyHost reports whether the host stands for every address and is no name that could be reached.
func (e Endpoint) anyHost() bool {
	ip, isIP := e.ip()
	return isIP && ip.IsUnspecified() || e.Host == "+" || strings.HasPrefix(e.Host, "*")
}

func (e Endpoint) ip() (netip.Addr, bool) {
	ip, err := netip.ParseAddr(e.Host)
	return ip.Unmap(), err == nil
}

// Addrs gives the socket addresses that a server binds for e: both loopback addresses for localhost, [::] (dual stack)
// for a wildcard, but 0.0.0.0 for 0.0.0.0, and the address itself for any other. It gives nil for a unix socket.
func (e Endpoint) Addrs() []netip.AddrPort {
	if e.Host == "" {
		return nil
	}
	if e.IsLocal() {
		return []netip.AddrPort{
			netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), e.Port),
			netip.AddrPortFrom(netip.IPv6Loopback(), e.Port),
		}
	}
	ip, isIP := e.ip()
	if !isIP {
		ip = netip.IPv6Unspecified()
	}
	return []netip.AddrPort{netip.AddrPortFrom(ip, e.Port)}
}

// Accepts reports whether a socket that listens on addr serves e. The port must be that of e, or that of e is 0.
// localhost is served by either loopback address, an IP address by itself, and both by an unspecified address of their
// family or by [::], which is taken to be dual stack. A wildcard is served by any address: a program that knows only
// PORT may listen on one alone. Zones are not compared, as socket tables have none. A unix socket is never served.
func (e Endpoint) Accepts(addr netip.AddrPort) bool {
	if e.Host == "" || !addr.IsValid() || e.Port != 0 && e.Port != addr.Port() {
		return false
	}
	if e.IsWildcard() {
		return true
	}
	listening := addr.Addr().Unmap().WithZone("")
	for _, want := range e.Addrs() {
		if covers(listening, want.Addr().WithZone("")) {
			return true
		}
	}
	return false
}

func covers(listening, want netip.Addr) bool {
	return listening == want || listening.IsUnspecified() && (listening.Is6() || want.Is4())
}
