//go:build unix

package serve

import (
	"io"
	"net"
	"syscall"
)

// lazy reads a connection of the system's own and holds no buffer while it waits: it takes one when there is something to
// read. One goroutine uses it at a time.
type lazy struct {
	raw    syscall.RawConn
	try    func(fd uintptr) bool // made once, for it would be an allocation in each read
	buffer *[watched]byte
	n      int
	err    error
}

// newLazy gives nil for a connection that is not the system's own, such as TLS.
func newLazy(c net.Conn) *lazy {
	var raw syscall.RawConn
	var err error
	switch c := c.(type) {
	case *net.TCPConn:
		raw, err = c.SyscallConn()
	case *net.UnixConn:
		raw, err = c.SyscallConn()
	default:
		return nil
	}
	if err != nil {
		return nil
	}
	l := &lazy{raw: raw}
	l.try = l.attempt
	return l
}

// read waits for bytes. The deadlines of the connection count. The buffer is the caller's when n is not 0.
func (l *lazy) read() (buffer *[watched]byte, n int, err error) {
	err = l.raw.Read(l.try)
	buffer, n = l.buffer, l.n
	if err == nil {
		err = l.err
	}
	l.buffer, l.n, l.err = nil, 0, nil
	return buffer, n, err
}

// poll reads what is there and does not wait.
func (l *lazy) poll() (buffer *[watched]byte, n int) {
	l.raw.Read(func(fd uintptr) bool {
		l.attempt(fd)
		return true
	})
	buffer, n = l.buffer, l.n
	l.buffer, l.n, l.err = nil, 0, nil
	return buffer, n
}

// attempt reports false when nothing is there: it is called again when something is.
func (l *lazy) attempt(fd uintptr) bool {
	b := buffers.Get().(*[watched]byte)
	for {
		n, err := syscall.Read(int(fd), b[:])
		switch {
		case err == syscall.EINTR:
			continue
		case n > 0:
			l.buffer, l.n = b, n
			return true
		}
		buffers.Put(b)
		if err == syscall.EAGAIN {
			return false
		}
		if err == nil {
			err = io.EOF
		}
		l.err = err
		return true
	}
}
