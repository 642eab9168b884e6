//go:build unix

package serve

import (
	"io"
	"os"
	"syscall"
)

// steps is how a connection of the system's own is read.
type steps struct {
	drainer
	step func(fd uintptr) bool // made once, for it would be an allocation in each read
	err  error                 // of the read that step has ended
	left bool                  // step has ended a read
}

// sendNow sends what the system takes at once. What is wrong the next write tells.
func sendNow(fd uintptr, p []byte) int {
	n, _ := Send(fd, p)
	return n
}

// prepareSteps makes a connection of the system's own ready for passMany.
func (c *conn) prepareSteps(s *steps) {
	if c.lazy == nil {
		return
	}
	s.step = c.step
	c.lazy.raw.Control(s.drainer.begin)
}

// passMany waits for a request, and for the next one when the Passer has answered it, and so on: all within one read of the
// RawConn, whose callback is step. A read of its own for each request would forget, at its beginning, what the poller has
// told since the last one, and would have to ask the socket first each time. It returns as moreLazily does.
func (c *conn) passMany() error {
	p := c.passing
	c.dropIn()
	if err := c.enter(forRequest); err != nil {
		return err
	}
	p.err, p.left = nil, false
	err := c.lazy.raw.Read(p.step)
	p.direct = false
	if !p.left {
		return c.leave(0, err)
	}
	if len(c.in) > 0 && p.err != errPassed {
		return nil // an error comes again
	}
	return p.err
}

// step reads and passes on. It reports false when there is nothing to read, with the connection in the state of one that is
// read; and true with it out of that state.
func (c *conn) step(fd uintptr) bool {
	p := c.passing
	p.fd, p.direct = fd, true
	for {
		b := buffers.Get().(*[watched]byte)
		n, more, e := p.recv(fd, b[:])
		if n == 0 {
			buffers.Put(b)
			if e == syscall.EAGAIN {
				return false
			}
			return c.endSteps(c.leave(0, readError(e)))
		}
		c.leave(n, nil)
		c.take(b, n)
		if err := c.passAll(); err != nil || len(c.in) > 0 {
			return c.endSteps(err)
		}
		c.dropIn()
		if err := c.enter(forRequest); err != nil {
			return c.endSteps(err)
		}
		if !more {
			return false
		}
	}
}

func (c *conn) endSteps(err error) bool {
	c.passing.err, c.passing.left = err, true
	return true
}

func readError(e syscall.Errno) error {
	if e == 0 {
		return io.EOF
	}
	return os.NewSyscallError("read", e)
}

// passAll offers the requests in the buffer to the Passer. What is not answered it leaves there, and the head to be read
// anew.
func (c *conn) passAll() error {
	defer c.head.reset()
	for {
		if c.in = trimNewlines(c.in); len(c.in) == 0 {
			return nil
		}
		c.answer.reset(c.core.limits.MinResponseDataRate)
		c.head.reset()
		end, f := c.head.parse(c.in, &c.core.limits, !c.handed)
		if f != nil || end == 0 {
			return nil
		}
		if c.asks && c.isElsewhere(end) { // nextRequest asks again
			return nil
		}
		if done, err := c.offer(end); !done || err != nil {
			return err
		}
	}
}
