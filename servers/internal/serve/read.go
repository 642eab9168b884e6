package serve

import (
	"errors"
	"net"
	"os"
)

// errOverdue is what fill returns when the heartbeat ended a read. net/http takes it for a dead connection.
var errOverdue = errors.New("took too long")

// errDismissed is what it returns when the server stops and the connection has no request.
var errDismissed = errors.New("the server stops")

// Read serves net/http. Between two heads it asks for one byte, to see a client go away while the handler runs; any other
// read is for the next head.
func (c *conn) Read(p []byte) (int, error) {
	switch {
	case len(c.out) > 0:
		n := copy(p, c.out)
		c.out = c.out[n:]
		return n, nil
	case c.hijacked.Load():
		return c.readHijacked(p)
	case c.handed && len(p) == 1:
		return c.watch()
	}
	n, err := c.nextHead(p)
	if err != nil {
		c.ended = true
	}
	return n, err
}

func (c *conn) readHijacked(p []byte) (int, error) {
	if len(c.in) > 0 {
		n := copy(p, c.in)
		c.in = c.in[n:]
		return n, nil
	}
	return c.fill(p, forNothing)
}

// watched is how much of later requests is taken in while a handler runs.
const watched = 4 << 10

// watch waits for the client to go away. It returns nothing but errors: what comes is kept for later.
func (c *conn) watch() (int, error) {
	if err := c.waitForBody(); err != nil {
		return 0, err
	}
	var one [1]byte // no buffer is held for the many clients that send nothing
	for len(c.in) < watched {
		into := one[:]
		if len(c.in) > 0 {
			into = c.space()
		}
		n, err := c.fill(into, forNothing)
		if n > 0 && len(c.in) == 0 {
			c.keep(one[:n])
		} else {
			c.in = c.in[:len(c.in)+n]
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, c.waitForEnd()
}

// waitForBody waits until the body has been read, or the wait is ended by a deadline.
func (c *conn) waitForBody() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.bodyOpen && c.broken == nil && !c.expired() {
		c.wake.Wait()
	}
	return c.stopped()
}

func (c *conn) waitForEnd() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.broken == nil && !c.expired() {
		c.wake.Wait()
	}
	return c.stopped()
}

func (c *conn) stopped() error {
	if c.broken == nil && c.expired() {
		return os.ErrDeadlineExceeded
	}
	return c.broken
}

var _ net.Conn = (*conn)(nil)
