package servers

import (
	"net"
	"net/netip"
	"strings"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

// handedOver is the source of an endpoint that nobody asked for but whose socket was handed over.
const handedOver = "LISTEN_FDS"

// named is a socket that was handed over, with its name.
type named struct {
	net.Listener
	name string
}

// adopt adds an endpoint for every socket that was handed over and fits none of those asked for. Its scheme is https when
// the socket's name begins with that, else http.
func adopt(endpoints []Endpoint, inherited []net.Listener) []Endpoint {
	left := inherited
	for _, e := range endpoints {
		_, left = take(e, left)
	}
	for _, l := range left {
		endpoints = append(endpoints, Endpoint{Endpoint: endpointOf(l), Source: handedOver})
	}
	return endpoints
}

// take divides sockets that were handed over into those of e and the others.
func take(e Endpoint, inherited []net.Listener) (its, others []net.Listener) {
	for _, l := range inherited {
		if isOf(e, l.Addr()) {
			its = append(its, l)
		} else {
			others = append(others, l)
		}
	}
	return its, others
}

// isOf reports whether a socket that is bound to addr is one of e's.
func isOf(e Endpoint, addr net.Addr) bool {
	switch addr := addr.(type) {
	case *net.UnixAddr:
		return e.Unix != "" && addr.Name == e.Unix
	case *net.TCPAddr:
		bound := addr.AddrPort()
		for _, want := range e.Addrs() {
			if want == netip.AddrPortFrom(bound.Addr().Unmap(), bound.Port()) {
				return true
			}
		}
		return e.IsWildcard() && bound.Addr().IsUnspecified() && bound.Port() == e.Port
	}
	return false
}

func endpointOf(l net.Listener) endpoint.Endpoint {
	e := endpoint.Endpoint{Scheme: "http"}
	if n, ok := l.(named); ok && strings.HasPrefix(strings.ToLower(n.name), "https") {
		e.Scheme = "https"
	}
	switch addr := l.Addr().(type) {
	case *net.UnixAddr:
		e.Unix = addr.Name
	case *net.TCPAddr:
		bound := addr.AddrPort()
		e.Host, e.Port = bound.Addr().Unmap().String(), bound.Port()
	}
	return e
}
