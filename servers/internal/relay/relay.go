// Package relay passes one request on to another HTTP/1.1 server and its response back: what the module's proxy stands on. The
// rules are those of the ASP.NET Core Module (reference: servers.md, 1.6 and 1.7): which fields are added, joined and
// removed, what a failure is, and that nothing is held back.
//
// What goes to the app is written afresh from what the front's parser has understood, so that the app cannot read a request
// differently from the front. The target alone is the client's own text (reference: the decoded path), but for the absolute
// form, which becomes the path, and for characters that no target may have, which are escaped.
//
// The reason phrase of a response is not passed on, for http.ResponseWriter has none. WebSockets are the only upgrade, but for
// Options.Plain, by which a Relay is no module's front and can hardly be seen. A client that has half-closed its connection counts as gone where the front's server says so.
//
// Forward is for handlers of net/http. Fast passes plain requests on as bytes, to the same effect, and leaves all others to it.
//
// It starts no process, chooses none and writes no error page: until a response has begun Forward returns an *Error. It speaks
// neither TLS nor HTTP/2 to the app.
//
// A Relay may be used by several goroutines at once.
package relay

import (
	"cmp"
	"context"
	"maps"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultTimeout is the module's requestTimeout (reference: servers.md, 1.1).
const DefaultTimeout = 2 * time.Minute

// The names of the fields that the module adds.
const (
	tokenField       = "MS-ASPNETCORE-TOKEN"
	certificateField = "MS-ASPNETCORE-CLIENTCERT"
	forField         = "X-Forwarded-For"
	protoField       = "X-Forwarded-Proto"
)

// Target is a server to pass requests on to. Connections are kept for each Target, so that one with another token is another.
type Target struct {
	Network string // "tcp" or "unix"; empty: tcp
	Address string // host:port, or the path of a unix socket
	Token   string // the MS-ASPNETCORE-TOKEN of its requests; empty: they have none
}

// Options are the settings of a Relay. The zero value is usable: it waits for ever.
type Options struct {
	// Timeout limits connecting, and each wait for the app to send or to take something (reference: servers.md, 1.6). While
	// the client still sends its body the app may be silent. 0 or less: no limit.
	Timeout time.Duration
	// ForwardConnection passes the app's Connection field on to clients of HTTP/1.x (reference: servers.md, 1.2).
	ForwardConnection bool
	// MaxIdle is how many connections without a request are kept for each Target. 0: 256; less: none is kept.
	MaxIdle int
	// IdleTimeout is how long one is kept. 0 or less: one minute.
	IdleTimeout time.Duration
	// ContinueTimeout is how long an app may take to answer Expect: 100-continue before it gets the body unasked.
	// 0 or less: one second.
	ContinueTimeout time.Duration
	// Dial makes a connection to a Target, whose fields then mean what Dial takes them for. ctx ends with the request, or after
	// Timeout. Nil: the system's.
	Dial func(ctx context.Context, t Target) (net.Conn, error)
	// Plain adds nothing to a request and takes no field from it but those about one connection (RFC 9110, 7.6.1), and lets
	// every upgrade pass: for an app that is not to see that somebody stands before it.
	Plain bool
}

func (o Options) effective() Options {
	if o.MaxIdle == 0 {
		o.MaxIdle = 256
	}
	if o.IdleTimeout <= 0 {
		o.IdleTimeout = time.Minute
	}
	if o.ContinueTimeout <= 0 {
		o.ContinueTimeout = time.Second
	}
	return o
}

// Relay passes requests on and keeps connections for them. It is made by New.
//
// Its goroutines: one at a time that looks through the connections without a request, for which Close waits; and those of a
// Forward, which end before it returns: one that sends the body, one for the second direction after an upgrade.
type Relay struct {
	options Options
	dialer  net.Dialer
	pools   atomic.Pointer[map[Target]*pool] // never changed, but replaced

	mu      sync.Mutex // held to replace pools, and for what follows
	closed  bool
	sweeper *time.Timer // nil: nobody looks through the kept connections
	sweeps  sync.WaitGroup

	sweeping atomic.Bool // sweeper is not nil
}

// New makes a Relay. Close it when it is no longer used.
func New(o Options) *Relay {
	r := &Relay{options: o.effective()}
	r.dialer.Timeout = max(o.Timeout, 0)
	r.pools.Store(&map[Target]*pool{})
	return r
}

// Forward passes req on to t and the response to w. It returns nil when the exchange is over, whatever the app has answered,
// and after an upgrade when both sides have ended it or the context of req ends. As long as nothing of a final response has
// been written to w it returns an *Error instead, and w and req can be used for another try where it says so; the body of req
// may then be another object. Later failures abort the client's connection: it panics with http.ErrAbortHandler.
//
// The target is req.RequestURI; req.URL is not looked at unless that is empty. The trailers of req are known only to the
// *http.Request that the server has made: req should be that one, and not a copy.
func (r *Relay) Forward(w http.ResponseWriter, req *http.Request, t Target) error {
	x, err := newExchange(r, w, req, t)
	if err != nil {
		return err
	}
	defer x.end()
	for {
		failure := x.attempt()
		if failure == nil {
			return nil
		}
		if !x.mayRepeat(failure) {
			return x.fail(failure)
		}
	}
}

// Forget closes the connections to t that have no request. Those that have one are closed after it.
func (r *Relay) Forget(t Target) {
	r.mu.Lock()
	pools := maps.Clone(*r.pools.Load())
	p := pools[t]
	delete(pools, t)
	r.pools.Store(&pools)
	r.mu.Unlock()
	if p != nil {
		p.close()
	}
}

// Close closes all connections that have no request, and keeps none from then on. It does not end the requests that run.
func (r *Relay) Close() error {
	r.mu.Lock()
	r.closed = true
	pools := *r.pools.Load()
	if r.sweeper != nil && r.sweeper.Stop() {
		r.sweeps.Done()
	}
	r.sweeper = nil
	r.mu.Unlock()
	for _, p := range pools {
		p.close()
	}
	r.sweeps.Wait()
	return nil
}

// pool gives the kept connections of t.
func (r *Relay) pool(t Target) *pool {
	if p := (*r.pools.Load())[t]; p != nil {
		return p
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	pools := *r.pools.Load()
	if p := pools[t]; p != nil {
		return p
	}
	p := newPool(r)
	p.closed.Store(r.closed)
	pools = maps.Clone(pools)
	pools[t] = p
	r.pools.Store(&pools)
	return p
}

// dial makes a new connection.
func (r *Relay) dial(ctx context.Context, t Target, p *pool) (*conn, error) {
	c, err := r.connect(ctx, t)
	if err != nil {
		return nil, err
	}
	return newConn(c, p), nil
}

func (r *Relay) connect(ctx context.Context, t Target) (net.Conn, error) {
	if dial := r.options.Dial; dial != nil {
		if r.options.Timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, r.options.Timeout)
			defer cancel()
		}
		return dial(ctx, t)
	}
	return r.dialer.DialContext(ctx, cmp.Or(t.Network, "tcp"), t.Address)
}
