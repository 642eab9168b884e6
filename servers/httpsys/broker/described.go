//go:build linux || darwin

package broker

import (
	"net/netip"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// described makes a visit of one end of a socketpair, over which a relayed client speaks plain HTTP/1.1. The descriptor is the
// visit's from then on.
func described(fd int, meta *wire.Meta) *visit {
	v := &visit{fd: fd, meta: meta}
	v.describe()
	return v
}

// describe takes from the description what requests are matched by.
func (v *visit) describe() {
	if local, err := netip.ParseAddrPort(v.meta.Local); err == nil {
		v.local = netip.AddrPortFrom(local.Addr().Unmap(), local.Port())
	}
}

// scheme is that of requests on the connection.
func (v *visit) scheme() string {
	if v.meta != nil && v.meta.TLS != nil {
		return "https"
	}
	return "http"
}

// plain is the payload of most connections.
var plain = mustAppend(wire.Handover{})

// frame is what a worker is sent of the connection. The descriptor stays the broker's.
func (v *visit) frame() wire.Frame {
	f := wire.Frame{Kind: wire.KindConn, FD: v.fd, Payload: plain}
	if v.encrypted || v.meta != nil || v.first != nil {
		f.Payload = mustAppend(wire.Handover{Encrypted: v.encrypted, Meta: v.meta, Read: v.first})
	}
	return f
}

// mustAppend gives the message's bytes: a Meta is of strings, numbers and bytes, which JSON can always say.
func mustAppend(h wire.Handover) []byte {
	b, err := h.Append(nil)
	if err != nil {
		panic(err)
	}
	return b
}
