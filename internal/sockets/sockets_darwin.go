package sockets

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// Owned is errors.ErrUnsupported: macOS has no table of sockets that can be read without cgo. Whoever wants to know
// must dial.
func Owned(pids []int) ([]Listener, error) {
	return nil, fmt.Errorf("listening sockets of processes: %w", errors.ErrUnsupported)
}

// Holder reports whether somebody keeps others from listening on addr, by binding to it as a server would. The
// Listener has the address and nothing else: who it is cannot be read. There is none for port 0.
func Holder(addr netip.AddrPort) (Listener, bool, error) {
	if addr.Port() == 0 {
		return Listener{}, false, nil
	}
	if !taken(addr) {
		return Listener{}, false, nil
	}
	return Listener{AddrPort: addr}, true, nil
}

// taken reports whether addr cannot be bound, because somebody listens there. It does not listen itself.
func taken(addr netip.AddrPort) bool { return errors.Is(bind(addr), syscall.EADDRINUSE) }
