package relay

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// probe looks whether something has come on a socket, without reading it. One goroutine uses it at a time.
type probe struct {
	raw  syscall.RawConn
	poll *windows.LazyProc
}

// pollFD is WSAPOLLFD.
type pollFD struct {
	fd      uintptr
	events  int16
	revents int16
}

const pollIn = 0x0300 // POLLRDNORM | POLLRDBAND

func (p *probe) begin(raw syscall.RawConn) {
	p.raw = raw
	p.poll = windows.NewLazySystemDLL("ws2_32.dll").NewProc("WSAPoll")
}

// isQuiet is false for a socket that is closed, has failed, or has bytes to read.
func (p *probe) isQuiet() bool {
	if p.raw == nil {
		return false
	}
	quiet := false
	err := p.raw.Control(func(fd uintptr) {
		one := pollFD{fd: fd, events: pollIn}
		n, _, _ := p.poll.Call(uintptr(unsafe.Pointer(&one)), 1, 0)
		quiet = n == 0
	})
	return err == nil && quiet
}
