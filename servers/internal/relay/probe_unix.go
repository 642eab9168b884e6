//go:build unix

package relay

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// probe looks whether something has come on a socket, without reading it. What it needs is made once, for it would be
// allocations in each look. One goroutine uses it at a time.
type probe struct {
	raw   syscall.RawConn
	look  func(fd uintptr)
	fds   [1]unix.PollFd
	quiet bool
}

func (p *probe) begin(raw syscall.RawConn) {
	p.raw = raw
	p.look = func(fd uintptr) {
		p.fds[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
		n, err := unix.Poll(p.fds[:], 0)
		p.quiet = n == 0 && err == nil
	}
}

// isQuiet is false for a socket that is closed, has failed, or has bytes to read.
func (p *probe) isQuiet() bool {
	p.quiet = false
	if p.raw == nil || p.raw.Control(p.look) != nil {
		return false
	}
	return p.quiet
}
