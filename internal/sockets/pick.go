//go:build linux || windows

package sockets

import "net/netip"

// pick returns the first of the listeners that keeps a new one from addr. Where the table cannot tell, it is tried.
func pick(addr netip.AddrPort, listeners []Listener) (Listener, bool) {
	for _, l := range listeners {
		if l.Path != "" {
			continue
		}
		if clash, unsure := clashes(l.AddrPort, addr); clash && (!unsure || taken(addr)) {
			return l, true
		}
	}
	return Listener{}, false
}
