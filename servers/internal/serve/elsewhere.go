package serve

import "bytes"

// rootPath is what a target without a path asks: the server as a whole.
var rootPath = []byte("/")

// where gives what the request of a whole head b is matched by: the host, as it is written in the target or else in the Host
// field, and the path as the handler would see it, still escaped. It allocates nothing.
func (h *head) where(b []byte) (host, path []byte) {
	host = h.host.of(b)
	switch h.form {
	case asterisk, authority:
		return host, rootPath
	case absolute:
		host, _ = splitAbsolute(h.target.of(b))
	}
	path = h.clean
	if path == nil {
		path = h.target.of(b)
	}
	if query := bytes.IndexByte(path, '?'); query >= 0 {
		path = path[:query]
	}
	return host, path
}

// isElsewhere asks Server.Elsewhere about the request whose head ends at end. One that a Passer has begun to answer is not
// asked for again.
func (c *conn) isElsewhere(end int) bool {
	if p := c.passing; p != nil && p.offered {
		return false
	}
	host, path := c.head.where(c.in[:end])
	return c.core.server.Elsewhere(c.Conn, host, path)
}

// handBack makes Server.HandBack the owner of the connection, which nobody here touches from then on. It does nothing when
// Close was quicker, or nobody takes it.
func (c *conn) handBack() {
	c.core.forget(c) // so that Close, Shutdown and the heartbeat find it no more
	f := c.core.server.HandBack
	if f == nil || c.forced.Load() {
		return
	}
	c.Conn.SetDeadline(noDeadline)
	f(c.Conn, c.in)
	c.back = true
	c.dropIn()
}
