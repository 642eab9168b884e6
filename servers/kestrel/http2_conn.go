package kestrel

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/internal/connid"
)

// http2Conn is what is known of a connection that speaks HTTP/2. mu guards what its streams, net/http's goroutine and the
// heartbeat share.
type http2Conn struct {
	h       *http2
	raw     net.Conn
	feature any      // its feature.Connection, boxed once
	altSvc  []string // the Alt-Svc field; nil for none
	closed  chan struct{}

	mu      sync.Mutex
	running []*http2Stream // whose handlers run
	idle    bool           // no stream is open
	met     bool           // the client has said hello
	until   int64          // when the client must have taken what handlers that have returned left to be sent
	stuck   bool           // at the last beat it had not
}

func newHTTP2Conn(h *http2, raw net.Conn, b Binding) *http2Conn {
	c := &http2Conn{h: h, raw: raw, closed: make(chan struct{})}
	c.feature = feature.Connection{ID: connid.New(), Local: raw.LocalAddr(), Remote: raw.RemoteAddr()}
	if b.AltSvc != "" {
		c.altSvc = []string{b.AltSvc}
	}
	return c
}

// begin has the heartbeat look after s.
func (c *http2Conn) begin(s *http2Stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.index = len(c.running)
	c.running = append(c.running, s)
	c.stuck = false
}

// end is for a stream whose handler has returned. What the handler left in net/http's buffers must be taken until then.
func (c *http2Conn) end(s *http2Stream, until int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := len(c.running) - 1
	c.running[s.index] = c.running[last]
	c.running[s.index].index = s.index
	c.running[last] = nil
	c.running = c.running[:last]
	if !c.idle { // else the client has reset the stream
		c.until = max(c.until, until)
	}
}

// setIdle is told when the first stream opens and the last one closes. A connection whose client says hello when the server
// has already told all the others to go away would be forgotten by net/http, and Shutdown would wait for it.
func (c *http2Conn) setIdle(idle bool) {
	c.mu.Lock()
	c.idle, c.until, c.stuck = idle, 0, false
	stopping := idle && c.h.stopping.Load()
	late := stopping && !c.met
	c.met = c.met || idle
	c.mu.Unlock()
	switch {
	case late:
		c.force()
	case stopping:
		c.leave()
	}
}

// http2Linger is how long a connection without a stream stays open after GOAWAY. net/http takes a second; most clients
// have closed it before.
const http2Linger = 100 * time.Millisecond

// leave closes the connection in a while, if it is still without a stream.
func (c *http2Conn) leave() {
	time.AfterFunc(http2Linger, func() {
		c.mu.Lock()
		idle := c.idle
		c.mu.Unlock()
		if idle {
			c.force()
		}
	})
}

// leaveIfIdle is for connections that have nothing to do when the server begins to stop.
func (c *http2Conn) leaveIfIdle() {
	c.mu.Lock()
	idle := c.idle
	c.mu.Unlock()
	if idle {
		c.leave()
	}
}

// force closes the connection at once.
func (c *http2Conn) force() {
	raw := c.raw
	if t, ok := raw.(*tls.Conn); ok {
		raw = t.NetConn() // closing by way of TLS would wait for the client to take the alert
	}
	raw.Close()
}

// http2Context holds the features of a connection.
type http2Context struct {
	context.Context
	conn *http2Conn
}

// http2Key finds the connection of a request.
type http2Key struct{}

func (c http2Context) Value(key any) any {
	switch key.(type) {
	case http2Key:
		return c.conn
	case feature.Key[feature.Connection]:
		return c.conn.feature
	case feature.Key[feature.TLS]:
		if value := c.tls(); value != nil {
			return value
		}
	}
	return c.Context.Value(key)
}

// tls gives the feature.TLS, or nil. It is not inlined because a ConnectionState is large: net/http has a goroutine for each
// request, and Value is on the way of all of them, which then would have to grow their stacks.
//
//go:noinline
func (c http2Context) tls() any {
	if t, ok := c.conn.raw.(*tls.Conn); ok {
		return feature.TLS{State: t.ConnectionState()}
	}
	return nil
}
