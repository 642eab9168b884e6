package kestrel

import (
	"io"
	"net"
	"testing"
	"time"
)

// A connection without a stream is closed soon after the server has begun to stop, whatever its client does: net/http would
// keep it for a second.
func TestHTTP2IdleConnectionLeaves(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(c *http2Conn){
		"idle when the stop begins": func(c *http2Conn) {
			c.setIdle(true)
			c.h.stop()
			c.leaveIfIdle()
		},
		"idle later": func(c *http2Conn) {
			c.setIdle(true)
			c.setIdle(false)
			c.h.stop()
			c.leaveIfIdle()
			c.setIdle(true)
		},
	} {
		near, far := net.Pipe()
		stop(newHTTP2Conn(newHTTP2(&Server{}), far, Binding{}))
		near.SetReadDeadline(time.Now().Add(limit))
		if _, err := near.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("%s: the client reads %v", name, err)
		}
	}
}

func TestHTTP2BusyConnectionStays(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	c := newHTTP2Conn(newHTTP2(&Server{}), far, Binding{})
	c.setIdle(true)
	c.h.stop()
	c.leaveIfIdle()
	c.setIdle(false) // a stream that came before the client knew
	go c.raw.Write([]byte("answer"))
	near.SetReadDeadline(time.Now().Add(limit))
	if got, err := io.ReadAll(io.LimitReader(near, 6)); string(got) != "answer" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	near.Close()
}
