package relay

import (
	"net"
	"syscall"
	"time"
)

// conn is one connection to an app. One Forward at a time uses it, or none.
type conn struct {
	net.Conn
	pool  *pool
	probe probe
	kept  bool      // it has had a request before
	since time.Time // idle since
	reads time.Time // the read deadline, zero: none. Of the goroutine that reads
}

func newConn(c net.Conn, p *pool) *conn {
	n := &conn{Conn: c, pool: p}
	if s, ok := c.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			n.probe.begin(raw)
		}
	}
	return n
}

// isQuiet reports whether the connection is open and nothing has come on it. What comes between two requests is no
// response: taken for one, it would be given to the wrong client.
func (c *conn) isQuiet() bool { return c.probe.isQuiet() }

// rest is called when it has no request any more.
func (c *conn) rest() {
	c.kept, c.since = true, time.Now()
}

// closeWrite ends what goes to the other side, or all where that cannot be done alone.
func closeWrite(c net.Conn) error {
	if w, ok := c.(interface{ CloseWrite() error }); ok && w.CloseWrite() == nil {
		return nil
	}
	return c.Close()
}
