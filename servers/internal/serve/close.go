package serve

import (
	"crypto/tls"
	"io"
	"net"
	"time"
)

// close closes the connection. After an answer that the client did not wait for, or with a body unread, it first lets the
// client read the answer: closing at once would make the system send a reset, which destroys it on its way.
func (c *conn) close() {
	if !c.closed.CompareAndSwap(false, true) {
		return
	}
	c.dropBuffers()
	if !c.forced.Load() {
		c.linger()
	}
	c.Conn.Close()
}

// linger reads on after the last answer until the client has closed, or for a while.
func (c *conn) linger() {
	unread := c.x != nil && c.x.body != nil && !c.x.body.done.Load()
	refused := c.answer.isRefused()
	if !unread && !refused {
		return
	}
	c.closeWrite()
	limit := lingerTimeout
	if unread && !refused {
		limit = drainTimeout
	}
	c.Conn.SetReadDeadline(time.Now().Add(limit))
	if c.core.stopping.Load() {
		c.hurry()
	}
	io.Copy(io.Discard, onlyReader{c.Conn})
}

// lingerTimeout is how long a client has to take its answer.
const lingerTimeout = time.Second

// hurry is for a connection that lingers when the server stops: the client is to have its answer, but no more time than that
// takes.
func (c *conn) hurry() { c.Conn.SetReadDeadline(time.Now().Add(lingerTimeout)) }

// onlyReader hides WriteTo, by which a copy to nowhere would splice.
type onlyReader struct{ io.Reader }

// leaveCore takes the connection off what the server waits for and counts. A connection that was hijacked is left before
// its handler returns.
func (c *conn) leaveCore() {
	c.left.Do(func() {
		c.core.release(c)
		c.core.forget(c)
		c.core.serving.Done()
	})
}

// force closes the connection now, from whatever goroutine; its own then finds it closed.
func (c *conn) force() {
	c.forced.Store(true)
	c.below().Close()
	c.gone()
}

// abort is force with a reset, for a client that takes too long. What the system still had to send is thrown away.
func (c *conn) abort() {
	if t, ok := c.below().(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	c.force()
}

// gone tells the handler that nobody waits for its response.
func (c *conn) gone() {
	c.mu.Lock()
	x := c.x
	c.mu.Unlock()
	if x != nil {
		x.context.lost()
	}
}

// below gives the connection under TLS: closing that sends no close_notify, and so waits for nobody.
func (c *conn) below() net.Conn {
	below := c.Conn
	if t, ok := below.(*tls.Conn); ok {
		below = t.NetConn()
	}
	below, _ = unreplayed(below)
	return below
}

// closeWrite sends the end of the stream.
func (c *conn) closeWrite() { closeWrite(c.Conn) }

// dismiss makes a connection that has no request end itself; its own goroutine closes it.
func (c *conn) dismiss() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed.Load():
		c.hurry()
	case !c.busy:
		c.dismissed = true
		c.interrupt()
	}
}
