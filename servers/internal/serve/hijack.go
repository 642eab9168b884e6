package serve

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
)

// ErrUpgradeLimit is what Hijack returns when as many connections are upgraded as may be.
var ErrUpgradeLimit = errors.New("too many upgraded connections")

// Hijack gives the connection to the handler, which closes it. What the client has sent by now is in the reader; the request's
// body can no longer be read. With MaxConcurrentUpgradedConnections it returns ErrUpgradeLimit at the limit.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.over.Load() {
		panic("net/http: Hijack called after ServeHTTP finished")
	}
	if w.hijacks {
		return nil, nil, http.ErrHijacked
	}
	c := w.x.conn
	if !c.core.reserveUpgrade() {
		return nil, nil, ErrUpgradeLimit
	}
	if w.status != 0 && !w.sent {
		w.complete(nil, false)
	}
	c.flush()
	w.endBody()
	c.stopWatching()
	w.hijacks = true
	c.hijacked.Store(true)
	c.Conn.SetDeadline(noDeadline)
	if w.body != nil {
		w.body.Reset(nil)
		bodyBuffers.Put(w.body)
		w.body = nil
	}
	nc := c.taken()
	reader := bufio.NewReader(nc)
	if n := len(c.in); n > 0 {
		reader.Reset(&early{Conn: nc, bytes: bytes.Clone(c.in)})
		reader.Peek(n)
	}
	c.head.free() // the connection may live long
	c.dropBuffers()
	c.leaveCore()
	return nc, bufio.NewReadWriter(reader, bufio.NewWriter(nc)), nil
}

// early is a connection some bytes of which have been read.
type early struct {
	net.Conn
	bytes []byte
}

func (e *early) Read(p []byte) (int, error) {
	if len(e.bytes) > 0 {
		n := copy(p, e.bytes)
		if e.bytes = e.bytes[n:]; len(e.bytes) == 0 {
			e.bytes = nil
		}
		return n, nil
	}
	return e.Conn.Read(p)
}

// CloseNotify is for handlers older than contexts. All calls get the same channel.
func (w *response) CloseNotify() <-chan bool {
	r := &w.x.context
	r.mu.Lock()
	gone := r.notify
	if gone != nil {
		r.mu.Unlock()
		return gone
	}
	gone = make(chan bool, 1)
	r.notify = gone
	r.mu.Unlock()
	context.AfterFunc(r, func() {
		if r.isLost() {
			gone <- true
		}
	})
	return gone
}

func (k *core) reserveUpgrade() bool {
	if !k.countsUpgrades() || k.upgrades.Add(1) <= k.limits.MaxConcurrentUpgradedConnections {
		return true
	}
	k.upgrades.Add(-1)
	return false
}

// countsUpgrades reports whether somebody wants to know when an upgraded connection ends.
func (k *core) countsUpgrades() bool {
	return k.limits.MaxConcurrentUpgradedConnections < 1<<62 || k.server.Meter != nil
}

// taken gives the connection as a handler gets it: itself, or, where upgraded connections are counted, one that tells when
// it is closed.
func (c *conn) taken() net.Conn {
	if !c.core.countsUpgrades() {
		return c.Conn
	}
	c.measure.upgraded(1)
	return &upgraded{Conn: c.Conn, core: c.core, measure: c.measure}
}

type upgraded struct {
	net.Conn
	core    *core
	measure *measure
	closed  atomic.Bool
}

// NetConn gives the connection below, as tls.Conn.NetConn does.
func (u *upgraded) NetConn() net.Conn { return u.Conn }

// CloseWrite sends the end of the stream, for protocols in which one side may go on.
func (u *upgraded) CloseWrite() error { return closeWrite(u.Conn) }

func (u *upgraded) Close() error {
	if u.closed.CompareAndSwap(false, true) {
		u.core.upgrades.Add(-1)
		u.measure.upgraded(-1)
	}
	return u.Conn.Close()
}
