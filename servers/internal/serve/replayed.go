package serve

import "net"

// replayed is a connection of which the beginning has been read, and is read again.
type replayed struct {
	net.Conn
	first []byte
}

func (c *replayed) Read(p []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(p, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// CloseWrite sends the end of the stream.
func (c *replayed) CloseWrite() error { return closeWrite(c.Conn) }

// unreplayed gives the connection itself, and what of its beginning is still to be read.
func unreplayed(c net.Conn) (itself net.Conn, first []byte) {
	if r, ok := c.(*replayed); ok {
		return r.Conn, r.first
	}
	return c, nil
}
