package reverseproxy

import (
	"net/netip"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

// site is one of Config.Public with the sockets that it opens.
type site struct {
	Number int // of its endpoint, from 1: the name of its certificate files
	TLS    bool
	Addrs  []netip.AddrPort
	Unix   string
}

// sites leaves out what another one listens on already: http://*:5000 includes http://localhost:5000, and a program
// that is told of both cannot bind the second.
func (c Config) sites() []site {
	var sites []site
	for i, p := range c.Public {
		s := site{Number: i + 1, TLS: p.Scheme == "https", Unix: p.Unix}
		for _, addr := range c.addrs(p.Endpoint) {
			if !c.includedElsewhere(addr, i) {
				s.Addrs = append(s.Addrs, addr)
			}
		}
		if len(s.Addrs) > 0 || s.Unix != "" {
			sites = append(sites, s)
		}
	}
	return sites
}

// addrs are the socket addresses of e on this machine.
func (c Config) addrs(e endpoint.Endpoint) []netip.AddrPort {
	addrs := e.Addrs()
	if !c.IPv4Only || len(addrs) == 0 {
		return addrs
	}
	if e.IsLocal() {
		return addrs[:1]
	}
	if e.IsWildcard() {
		return []netip.AddrPort{netip.AddrPortFrom(netip.IPv4Unspecified(), e.Port)}
	}
	return addrs
}

// includedElsewhere reports whether an endpoint other than the one at index own opens a socket that serves addr too:
// a wider one, or, of several equal ones, an earlier one.
func (c Config) includedElsewhere(addr netip.AddrPort, own int) bool {
	for i, p := range c.Public {
		if i == own {
			continue
		}
		for _, other := range c.addrs(p.Endpoint) {
			if covers(other, addr) && (other != addr || i < own) {
				return true
			}
		}
	}
	return false
}

// checkClashes finds http and https on one socket, and a socket file that is wanted twice.
func (c Config) checkClashes() error {
	for i, one := range c.Public {
		for _, other := range c.Public[:i] {
			if c.clash(one.Endpoint, other.Endpoint) {
				return &EndpointError{c.Program.Kind, one.Endpoint, other.String() + " is on the same socket"}
			}
		}
	}
	return nil
}

func (c Config) clash(one, other endpoint.Endpoint) bool {
	if one.Unix != "" {
		return one.Unix == other.Unix
	}
	if one.Scheme == other.Scheme {
		return false
	}
	for _, a := range c.addrs(one) {
		for _, b := range c.addrs(other) {
			if covers(a, b) || covers(b, a) {
				return true
			}
		}
	}
	return false
}

// covers reports whether a socket that listens on the first address also serves the second. Port 0 is a port of its
// own for each.
func covers(listening, want netip.AddrPort) bool {
	if listening.Port() != want.Port() || want.Port() == 0 {
		return false
	}
	on, ip := listening.Addr().Unmap(), want.Addr().Unmap()
	return on == ip || on.IsUnspecified() && (on.Is6() || ip.Is4())
}
