package serve

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// conn stands between a connection and net/http. net/http sees heads alone, one at a time, checked and without a word about
// bodies; the bodies are read here and reach the handler through Request.Body. So no byte of a body can be taken for a
// request, and no two parsers need to agree on where a body ends.
//
// It is read by one goroutine at a time: net/http's for heads and what is left of bodies, the handler for a body (body.mu),
// and net/http's background read when there is no body left. mu guards what the heartbeat and deadlines touch meanwhile.
type conn struct {
	net.Conn // the connection itself
	core     *core

	in      []byte // read and not yet used
	buffer  []byte // where in lies
	out     []byte // the rest of a head that net/http did not take in one piece
	head    head
	handed  bool // net/http has had a whole head
	ended   bool // no further request is read
	request request
	body    *body // of the last request; nil when it had none

	mu        sync.Mutex
	wake      sync.Cond // bodyOpen, want, broken or closed has changed
	bodyOpen  bool      // a body has not been read to its end
	want      time.Time // the read deadline asked for
	set       time.Time // the one that the connection has
	reading   bool      // in a read of the connection
	waits     wait      // what for
	since     int64     // since when, on the core's clock
	bodySeen  int64     // bytes of the body so far, for its rate
	bodyWait  int64     // nanoseconds spent waiting for them
	rate      DataRate  // of the body
	overdue   wait      // what took too long
	busy      bool      // with a request
	dismissed bool      // the server stops: no further request
	broken    error     // why the connection can be read no further

	response      responseState
	writeDeadline atomic.Bool // one was set
	hijacked      atomic.Bool
	closed        atomic.Bool
	forced        atomic.Bool // closed by the server: no lingering
	counted       atomic.Bool // against MaxConcurrentConnections
	upgraded      atomic.Bool // against MaxConcurrentUpgradedConnections
}

// wait is what a read waits for; each has its own limit.
type wait byte

const (
	forNothing wait = iota // no limit: the background read, and hijacked connections
	forRequest
	forHead
	forBody
	forDrain
)

// drainTimeout is how long the rest of a body that nobody reads may take (reference: servers.md, 3.1).
const drainTimeout = 5 * time.Second

// past is a deadline that makes a read return at once.
var past = time.Unix(1, 0)

func newConn(c net.Conn, core *core) *conn {
	n := &conn{Conn: c, core: core}
	n.wake.L = &n.mu
	n.response.rate = core.limits.MinResponseDataRate
	return n
}

// shape gives the connection the methods by which net/http knows what it can do.
func (c *conn) shape() net.Conn {
	switch raw := c.Conn.(type) {
	case *tls.Conn:
		return tlsConn{c, raw}
	case *net.TCPConn:
		return tcpConn{c, raw}
	}
	return c
}

func (c *conn) base() *conn { return c }

// NetConn gives the connection below, as tls.Conn.NetConn does.
func (c *conn) NetConn() net.Conn { return c.Conn }

// tlsConn tells net/http about TLS, which sets Request.TLS by it.
type tlsConn struct {
	*conn
	tls *tls.Conn
}

func (c tlsConn) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

// fill is the only place where the connection is read. Limits and deadlines apply while it waits, and there alone.
func (c *conn) fill(b []byte, waits wait) (int, error) {
	if err := c.enter(waits); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	return n, c.leave(n, err)
}

func (c *conn) enter(waits wait) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.broken != nil:
		return c.broken
	case c.overdue != forNothing:
		return errOverdue
	case c.dismissed:
		return errDismissed
	case c.expired():
		return os.ErrDeadlineExceeded
	}
	if c.want != c.set {
		c.Conn.SetReadDeadline(c.want)
		c.set = c.want
	}
	// Waiting for a request begins with the first read, also when empty lines come in between; so does a head.
	if c.waits != waits || waits == forBody {
		c.waits = waits
		c.since = c.core.now()
	}
	c.reading = true
	return nil
}

func (c *conn) leave(n int, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading = false
	if c.waits == forBody {
		c.bodySeen += int64(n)
		c.bodyWait += max(c.core.now()-c.since, 0)
	}
	switch {
	case c.overdue != forNothing:
		return errOverdue
	case c.dismissed:
		return errDismissed
	}
	return err
}

// expired reports whether the deadline that was asked for has passed. net/http asks for one in the past to end its background
// read; looking here spares it, in nearly all cases, the way through the poller.
func (c *conn) expired() bool {
	return !c.want.IsZero() && !c.want.After(time.Now())
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.want = t
	if !t.IsZero() {
		c.wake.Broadcast()
	}
	if !c.reading || c.overdue != forNothing || c.dismissed {
		return nil
	}
	c.set = t
	return c.Conn.SetReadDeadline(t)
}

func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// breakOff ends all reading, and by it the request's context.
func (c *conn) breakOff(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken == nil {
		c.broken = err
	}
	c.wake.Broadcast()
}

// hijack is called when a handler has taken the connection.
func (c *conn) hijack() {
	c.hijacked.Store(true)
	c.mu.Lock()
	c.Conn.SetReadDeadline(c.want) // the handler may use what NetConn gives
	c.set = c.want
	c.mu.Unlock()
	c.core.release(c)
	if c.upgraded.CompareAndSwap(false, true) {
		c.core.upgrades.Add(1)
	}
	c.core.forget(c)
}

// Close closes the connection. After an answer that the client did not wait for, or with a body unread, it first lets the
// client read the answer: closing at once would make the system send a reset, which destroys it on its way.
func (c *conn) Close() error {
	if !c.closed.CompareAndSwap(false, true) {
		return nil
	}
	if !c.forced.Load() && !c.hijacked.Load() {
		c.linger()
	}
	err := c.Conn.Close()
	c.breakOff(net.ErrClosed)
	c.core.release(c)
	c.core.forget(c)
	c.freeUpgrade()
	return err
}

// force closes the connection now, from whatever goroutine. net/http then finds it closed.
func (c *conn) force() {
	c.forced.Store(true)
	c.below().Close()
}

// abort is force with a reset, for a client that takes too long. What the system still had to send is thrown away.
func (c *conn) abort() {
	raw := c.below()
	if t, ok := raw.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	c.forced.Store(true)
	raw.Close()
}

// below gives the connection under TLS: closing that sends no close_notify, and so waits for nobody.
func (c *conn) below() net.Conn {
	if t, ok := c.Conn.(*tls.Conn); ok {
		return t.NetConn()
	}
	return c.Conn
}

// CloseWrite sends the end of the stream.
func (c *conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

// connKey finds the conn in a request's context.
type connKey struct{}

func connOf(ctx context.Context) *conn {
	c, _ := ctx.Value(connKey{}).(*conn)
	return c
}
