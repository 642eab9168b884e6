package serve

import (
	"errors"
	"time"
)

// errReturned is for a handler that has returned and goes on. The connection may be with another request by now.
var errReturned = errors.New("the handler has returned")

// SetReadDeadline is for http.ResponseController. It ends with the request.
func (w *response) SetReadDeadline(t time.Time) error {
	c := w.x.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.hijacked.Load():
		return c.Conn.SetReadDeadline(t)
	case w.over.Load():
		return errReturned
	}
	c.want = t
	isHandlers := c.waits == forBody && !c.bodyLeft || c.waits == forNothing && !c.watcher.stop
	if !c.reading || !isHandlers || c.overdue != forNothing {
		return nil
	}
	c.set = t
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline is for http.ResponseController. It ends with the request.
func (w *response) SetWriteDeadline(t time.Time) error {
	c := w.x.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.over.Load() && !c.hijacked.Load() {
		return errReturned
	}
	c.writeDeadline = true
	return c.Conn.SetWriteDeadline(t)
}

// EnableFullDuplex is for http.ResponseController: reading and writing at once is always possible.
func (w *response) EnableFullDuplex() error { return nil }

// endDeadlines is called when the handler has returned.
func (w *response) endDeadlines() {
	c := w.x.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	c.want = noDeadline
	if c.writeDeadline {
		c.writeDeadline = false
		c.Conn.SetWriteDeadline(noDeadline)
	}
}
