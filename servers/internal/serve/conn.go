package serve

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorun-dev/gorun/servers/limits"
)

// conn is one connection. Its own goroutine reads heads and calls the handler, one request after the other. Others that
// touch it: the heartbeat; the handler's own goroutines, by the body and the response; and, while a handler waits for its
// client to go away, one that reads ahead (watch.go). It is read by one goroutine at a time. mu guards what the heartbeat
// and deadlines touch meanwhile.
type conn struct {
	net.Conn // the connection itself
	core     *core
	ctx      context.Context // of the connection
	tls      *tls.ConnectionState
	altSvc   string
	remote   string
	local    net.Addr
	id       atomic.Pointer[string] // made when somebody asks

	passing *passing // nil: the handler is no Passer
	lazy    *lazy    // how it is read while there is nothing; nil where that is not possible
	in      []byte   // read and not yet used
	buffer  []byte   // where in lies
	out     []byte   // the beginning of a response that is not yet sent
	head    head
	handed  bool // a request has been handled
	asks    bool // whether a request is elsewhere's
	away    bool // the next one is
	back    bool // the connection has been handed back
	x       *exchange

	mu        sync.Mutex
	want      time.Time // the read deadline asked for
	set       time.Time // the one that the connection has
	reading   bool      // in a read of the connection
	waits     wait      // what for
	since     int64     // since when, on the core's clock
	bodySeen  int64     // bytes of the body so far, for its rate
	bodyWait  int64     // nanoseconds spent waiting for them
	rate      limits.DataRate
	overdue   wait // what took too long
	idle      bool // the heartbeat has asked it to let go of its memory
	resting   bool // it has
	busy      bool // with a request
	dismissed bool // the server stops: no further request
	bodyLeft  bool // nobody reads the body any more
	watcher   watcher

	answer        answer
	writeDeadline bool // one was set
	hijacked      atomic.Bool
	closed        atomic.Bool
	forced        atomic.Bool // closed by the server: no lingering
	left          sync.Once   // the core no longer waits for it
	measure       *measure    // nil: nothing is measured
}

// wait is what a read waits for; each has its own limit.
type wait byte

const (
	forNothing wait = iota // no limit: while a handler runs
	forRequest
	forHead
	forBody
	forDrain
)

// drainTimeout is how long the rest of a body that nobody reads may take (reference: servers.md, 3.1).
const drainTimeout = 5 * time.Second

// past is a deadline that makes a read return at once.
var past = time.Unix(1, 0)

func newConn(c net.Conn, core *core, b Binding) *conn {
	n := &conn{Conn: c, core: core, altSvc: b.AltSvc, local: c.LocalAddr(), tls: tlsOf(c), since: core.now()}
	if remote := c.RemoteAddr(); remote != nil {
		n.remote = remote.String()
	}
	if socket := socketOf(c); socket != nil {
		n.lazy = newLazy(socket)
		n.asks = core.server.Elsewhere != nil
	}
	n.watcher.ended.L = &n.mu
	n.passing = newPassing(n)
	n.answer.rate = core.limits.MinResponseDataRate
	return n
}

// serve handles requests until the connection ends or a handler has taken it over.
func (c *conn) serve() {
	defer c.leaveCore()
	whole := false
	defer func() {
		if !whole {
			c.broken(recover())
		}
		if !c.hijacked.Load() && !c.back {
			c.close()
		}
	}()
	c.ctx = c.core.connContext(c)
	for c.nextRequest() && c.handle() {
	}
	if c.away {
		c.handBack()
	}
	whole = true
}

// handle calls the handler and ends its response. It reports whether another request may come.
func (c *conn) handle() (again bool) {
	x := c.x
	c.handler(x).ServeHTTP(&x.response, c.newRequest(x))
	x.context.end()
	return x.response.finish()
}

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
	case c.overdue != forNothing:
		return errOverdue
	case c.dismissed:
		return errDismissed
	case waits == forNothing && c.watcher.stop, waits == forBody && c.bodyLeft:
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
	idle := c.idle
	c.idle = false
	if c.waits == forBody {
		c.bodySeen += int64(n)
		c.bodyWait += max(c.core.now()-c.since, 0)
	}
	switch {
	case c.overdue != forNothing:
		return errOverdue
	case c.dismissed:
		return errDismissed
	case idle && n == 0 && os.IsTimeout(err):
		return errIdle
	}
	return err
}

// interrupt has a read that waits return. mu is held.
func (c *conn) interrupt() {
	if c.reading {
		c.set = past
		c.Conn.SetReadDeadline(past)
	}
}

// leaveBody has a read of x's body return that waits.
func (c *conn) leaveBody(x *exchange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.x != x {
		return
	}
	c.bodyLeft = true
	if c.waits == forBody {
		c.interrupt()
	}
}
