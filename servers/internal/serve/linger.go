package serve

import (
	"io"
	"time"
)

// linger reads on after the last answer until the client has closed, or for a while.
func (c *conn) linger() {
	unread := c.x != nil && c.x.body != nil && !c.x.body.done.Load()
	refused := c.answer.isRefused()
	if !unread && !refused {
		return
	}
	c.closeWrite()
	limit := time.Second
	if unread && !refused {
		limit = drainTimeout
	}
	c.Conn.SetReadDeadline(time.Now().Add(limit))
	if c.core.stopping.Load() {
		c.Conn.SetReadDeadline(past)
	}
	io.Copy(io.Discard, onlyReader{c.Conn})
}

// onlyReader hides WriteTo, by which a copy to nowhere would splice.
type onlyReader struct{ io.Reader }
