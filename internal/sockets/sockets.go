// Package sockets reads the system's table of sockets: who listens where. It is how gorun knows that a program that
// it started is ready, and who holds a port that the program wants.
//
// It connects to nobody, and keeps nothing: each call reads the table anew. Its functions may be called from several
// goroutines at once. macOS does not show its table to programs without cgo: see Owned and Holder.
package sockets

import "net/netip"

// Listener is one listening socket.
type Listener struct {
	AddrPort netip.AddrPort // of a TCP socket; an IPv4 address that is mapped into IPv6 is given as IPv4
	Path     string         // of a Unix socket, "@" in front when it is an abstract one; "" for TCP
	PID      int            // a process that holds it; 0 when that is not known
	Program  string         // the short name of that process, such as "api"; "" when it is not known
}

// clashes reports whether a TCP listener at a keeps one from b: the same port, and the same address or a wildcard on
// either side. unsure is true where it depends on whether an IPv6 wildcard takes IPv4 too, as most do: the table
// does not tell.
func clashes(a, b netip.AddrPort) (clash, unsure bool) {
	one, other := a.Addr().Unmap().WithZone(""), b.Addr().Unmap().WithZone("")
	switch {
	case a.Port() != b.Port():
		return false, false
	case one == other:
		return true, false
	case one.Is4() == other.Is4():
		return one.IsUnspecified() || other.IsUnspecified(), false
	}
	if one.Is4() {
		one, other = other, one
	}
	return one.IsUnspecified(), one.IsUnspecified()
}
