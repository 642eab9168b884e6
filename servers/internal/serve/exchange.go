package serve

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/internal/connid"
	"github.com/gorun-dev/gorun/servers/limits"
)

// exchange is one request and its response. The handler may keep parts of it after it has returned, so none is used again.
type exchange struct {
	conn     *conn
	text     string // the head
	minor    byte
	upgrades bool  // the client asks for an upgrade
	maxBody  int64 // -1: the server's
	body     *body // nil: none
	response response
	context  requestContext
}

// begin takes over what the head says for as long as the handler, and who it gives its request to, may ask. b is the head's
// bytes.
func (x *exchange) begin(c *conn, b []byte) {
	h := &c.head
	x.conn = c
	x.text = string(b)
	x.minor = h.minor
	x.upgrades = h.upgrades && h.minor == 1
	x.maxBody = -1
	x.context.x = x
	x.response.begin(x, h)
	if h.chunked || h.length > 0 {
		x.body = newBody(x, h)
	}
}

// bodyLimit is how long the body may be.
func (x *exchange) bodyLimit() int64 {
	if x.maxBody >= 0 {
		return x.maxBody
	}
	return x.conn.core.limits.MaxRequestBodySize
}

// requestContext is the context of a request. It costs nothing until somebody waits for its end: then it has a context of
// the standard library inside, on which all that derives from it hangs.
type requestContext struct {
	x      *exchange
	mu     sync.Mutex
	inner  context.Context
	cancel context.CancelFunc
	over   bool // the handler has returned, or the client has gone
	client bool // it is the client that has gone
	notify chan bool
}

var _ context.Context = (*requestContext)(nil)

// end is called when the handler has returned.
func (r *requestContext) end() { r.finish(false) }

// lost is called when the client has gone.
func (r *requestContext) lost() { r.finish(true) }

func (r *requestContext) finish(client bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return
	}
	r.over, r.client = true, client
	if r.cancel != nil {
		r.cancel()
	}
}

func (r *requestContext) isLost() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.client
}

// waitable makes the inner context, and has the client watched.
func (r *requestContext) waitable() context.Context {
	r.mu.Lock()
	made := r.inner == nil
	if made {
		r.inner, r.cancel = context.WithCancel(r.x.conn.ctx)
		if r.over {
			r.cancel()
		}
	}
	watch := made && !r.over
	inner := r.inner
	r.mu.Unlock()
	if watch {
		r.x.conn.watch()
	}
	return inner
}

// Deadline is the connection's, which mostly has none.
func (r *requestContext) Deadline() (time.Time, bool) { return r.x.conn.ctx.Deadline() }

func (r *requestContext) Done() <-chan struct{} { return r.waitable().Done() }
func (r *requestContext) Err() error            { return r.waitable().Err() }

// Value answers for what package feature and net/http know of a request.
func (r *requestContext) Value(key any) any {
	if value, ok := r.x.value(key); ok {
		return value
	}
	r.mu.Lock()
	inner := r.inner
	r.mu.Unlock()
	if inner != nil { // it may be asked for itself, by package context
		return inner.Value(key)
	}
	return r.x.conn.ctx.Value(key)
}

func (x *exchange) value(key any) (any, bool) {
	switch key.(type) {
	case feature.Key[feature.Connection]:
		c := x.conn
		return feature.Connection{ID: c.connectionID(), Local: c.local, Remote: c.Conn.RemoteAddr()}, true
	case feature.Key[feature.TLS]:
		if x.conn.tls != nil {
			return feature.TLS{State: *x.conn.tls}, true
		}
	case feature.Key[feature.Body]:
		return feature.Body(bodyFeature{x}), true
	case feature.Key[feature.DataRates]:
		return feature.DataRates(rateFeature{x}), true
	case feature.Key[feature.Upgrade]:
		return feature.Upgrade(upgradeFeature{x}), true
	case feature.Key[feature.Trailers]:
		return feature.Trailers(trailerFeature{x}), true
	}
	switch key {
	case http.ServerContextKey:
		return x.conn.core.http, true
	case http.LocalAddrContextKey:
		return x.conn.local, true
	}
	return nil, false
}

type bodyFeature struct{ x *exchange }

func (f bodyFeature) MaxSize() int64 {
	if limit := f.x.bodyLimit(); limit < 1<<62 {
		return limit
	}
	return -1
}

func (f bodyFeature) SetMaxSize(n int64) error {
	if b := f.x.body; b != nil && b.started.Load() {
		return feature.ErrBodyStarted
	}
	if n < 0 {
		n = 1<<63 - 1
	}
	f.x.maxBody = n
	return nil
}

type rateFeature struct{ x *exchange }

func (f rateFeature) SetMinRequestBodyDataRate(rate limits.DataRate) {
	c := f.x.conn
	rate = rate.Effective(c.core.limits.MinRequestBodyDataRate)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.x == f.x {
		c.rate = rate
	}
}

func (f rateFeature) SetMinResponseDataRate(rate limits.DataRate) {
	c := f.x.conn
	if !f.x.response.over.Load() {
		c.answer.setRate(rate.Effective(c.core.limits.MinResponseDataRate))
	}
}

type upgradeFeature struct{ x *exchange }

func (f upgradeFeature) IsUpgradable() bool {
	k := f.x.conn.core
	return f.x.upgrades && f.x.response.request.Header.Get("Upgrade") != "" && k.upgrades.Load() < k.limits.MaxConcurrentUpgradedConnections
}

type trailerFeature struct{ x *exchange }

func (f trailerFeature) IsSupported() bool { return f.x.minor > 0 }

// connectionID gives the connection's, made when it is first asked for.
func (c *conn) connectionID() string {
	if id := c.id.Load(); id != nil {
		return *id
	}
	id := connid.New()
	if !c.id.CompareAndSwap(nil, &id) {
		return *c.id.Load()
	}
	return id
}
