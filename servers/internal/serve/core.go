package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// core is a Server at work, with its settings filled in. Its goroutines are the heartbeat, http.Server.Serve, and one for
// each TLS handshake; stop ends them and waits for them.
type core struct {
	server       *Server
	limits       Limits
	tick         time.Duration
	log          *slog.Logger
	handler      http.Handler
	serverHeader string
	serverValue  []string
	http         *http.Server
	queue        queue

	start    time.Time
	clock    atomic.Int64 // nanoseconds since start, as of the last tick
	open     atomic.Int64 // connections that count against the limit
	upgrades atomic.Int64
	stopping atomic.Bool
	done     chan struct{}
	stop     func()
	work     sync.WaitGroup

	mu        sync.Mutex
	conns     map[*conn]struct{}
	shaking   map[net.Conn]struct{} // in a TLS handshake
	listeners map[net.Listener]struct{}
}

func newCore(s *Server) *core {
	k := &core{
		server:       s,
		limits:       s.Limits.Effective(),
		log:          s.Log,
		handler:      s.Handler,
		serverHeader: s.ServerHeader,
		serverValue:  []string{s.ServerHeader},
		start:        time.Now(),
		done:         make(chan struct{}),
		conns:        map[*conn]struct{}{},
		shaking:      map[net.Conn]struct{}{},
		listeners:    map[net.Listener]struct{}{},
		queue:        newQueue(),
	}
	k.tick = tick(&k.limits)
	k.stop = sync.OnceFunc(func() { close(k.done) })
	if k.log == nil {
		k.log = slog.Default()
	}
	if k.handler == nil {
		k.handler = http.DefaultServeMux
	}
	k.http = k.newHTTP()
	k.work.Go(k.heartbeat)
	k.work.Go(func() { k.http.Serve(k.queue) })
	return k
}

func (k *core) newHTTP() *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:                      k,
		Protocols:                    protocols,
		DisableGeneralOptionsHandler: true,    // OPTIONS * is the handler's
		MaxHeaderBytes:               1 << 30, // the limit has been kept by then
		ErrorLog:                     slog.NewLogLogger(k.log.Handler(), slog.LevelError),
		BaseContext: func(net.Listener) context.Context {
			if k.server.BaseContext != nil {
				return k.server.BaseContext()
			}
			return context.Background()
		},
		ConnContext: func(ctx context.Context, nc net.Conn) context.Context {
			c := baseOf(nc)
			if f := k.server.ConnContext; f != nil {
				ctx = f(ctx, c.Conn)
			}
			return context.WithValue(ctx, connKey{}, c)
		},
		ConnState: func(nc net.Conn, state http.ConnState) {
			if state == http.StateHijacked {
				baseOf(nc).hijack()
			}
		},
	}
}

func baseOf(nc net.Conn) *conn { return nc.(interface{ base() *conn }).base() }

// ServeHTTP is what net/http calls.
func (k *core) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := connOf(r.Context())
	if k.serverHeader != "" {
		w.Header()["Server"] = k.serverValue
	}
	c.restore(w, r)
	if c.body != nil {
		defer c.body.Close()
	}
	if k.limits.MaxConcurrentUpgradedConnections < 1<<62 {
		w = upgradeWriter{w, c}
	}
	k.handler.ServeHTTP(w, r)
}

// accept serves what comes on l until l fails or the server stops.
func (k *core) accept(l net.Listener) error {
	for failures := 0; ; {
		c, err := l.Accept()
		switch {
		case err == nil:
			failures = 0
			k.admit(c)
		case k.stopping.Load():
			return http.ErrServerClosed
		case !isTemporary(err):
			return err
		default:
			failures++
			k.log.Warn("cannot accept a connection", slog.Any("error", err))
			k.pause(min(5*time.Millisecond<<min(failures, 10), time.Second))
		}
	}
}

// isTemporary knows the errors, such as too many open files, after which Accept may succeed again.
func isTemporary(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Temporary() bool
	}](err)
	return ok && t.Temporary()
}

func (k *core) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-k.done:
	}
}

// admit takes a connection in, or closes it when there are too many.
func (k *core) admit(raw net.Conn) {
	if k.open.Add(1) > k.limits.MaxConcurrentConnections {
		k.open.Add(-1)
		k.log.Warn("too many connections", slog.Int64("limit", k.limits.MaxConcurrentConnections))
		raw.Close()
		return
	}
	t, ok := raw.(*tls.Conn)
	if !ok {
		k.enqueue(raw)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopping.Load() {
		t.NetConn().Close()
		return
	}
	k.work.Go(func() { k.shake(t) })
}

// enqueue gives the connection to net/http.
func (k *core) enqueue(raw net.Conn) {
	c := newConn(raw, k)
	c.counted.Store(true)
	k.mu.Lock()
	stopping := k.stopping.Load()
	if !stopping {
		k.conns[c] = struct{}{}
	}
	k.mu.Unlock()
	if stopping || !k.queue.put(c.shape()) {
		c.forced.Store(true)
		c.Close()
	}
}

// release takes the connection off the count of MaxConcurrentConnections.
func (k *core) release(c *conn) {
	if c.counted.CompareAndSwap(true, false) {
		k.open.Add(-1)
	}
}

func (k *core) forget(c *conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.conns, c)
}

// close stops taking connections. f is then called for each that is open.
func (k *core) close(f func(*conn)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stopping.Store(true)
	var errs []error
	for l := range k.listeners {
		errs = append(errs, l.Close())
		delete(k.listeners, l)
	}
	for c := range k.shaking {
		c.Close()
	}
	for c := range k.conns {
		f(c)
	}
	return errors.Join(errs...)
}

// queue is the listener that net/http is given: connections come from any number of real ones.
type queue struct {
	conns chan net.Conn
	done  chan struct{}
	once  *sync.Once
}

func newQueue() queue {
	return queue{make(chan net.Conn), make(chan struct{}), new(sync.Once)}
}

func (q queue) put(c net.Conn) bool {
	select {
	case q.conns <- c:
		return true
	case <-q.done:
		return false
	}
}

func (q queue) Accept() (net.Conn, error) {
	select {
	case c := <-q.conns:
		return c, nil
	case <-q.done:
		return nil, net.ErrClosed
	}
}

func (q queue) Close() error {
	q.once.Do(func() { close(q.done) })
	return nil
}

func (queue) Addr() net.Addr { return &net.UnixAddr{Name: "accepted", Net: "unix"} }
