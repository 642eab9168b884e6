package serve

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// core is a Server at work, with its settings filled in. Its goroutines are the heartbeat, one for each connection that is made
// ready (handshake.go), and one for each connection; stop ends the first two kinds and waits for them.
type core struct {
	server        *Server
	limits        Limits
	tick          time.Duration
	log           *slog.Logger
	handler       http.Handler
	passer        Passer // the handler, where it is one
	base          context.Context
	http          *http.Server // stands for this server in contexts; it serves nothing
	serverLine    []byte       // the Server field of responses, with its end
	writesThrough bool         // nothing of a response waits in a buffer
	firstWait     time.Duration
	shortWait     atomic.Int64 // in its place when the server has less time to stop; -1: it has enough

	clock    atomic.Int64 // nanoseconds that the heartbeat has counted
	date     atomic.Pointer[[]byte]
	open     atomic.Int64 // connections that count against the limit
	upgrades atomic.Int64
	stopping atomic.Bool
	done     chan struct{}
	stop     func()
	work     sync.WaitGroup // the core's own goroutines
	accepts  sync.WaitGroup // those who accept
	serving  sync.WaitGroup // connections, but for those that handlers have taken over

	mu        sync.Mutex
	cutting   bool // Close was called
	conns     map[*conn]struct{}
	shaking   map[net.Conn]struct{} // being made ready
	listeners map[net.Listener]struct{}
}

func newCore(s *Server) *core {
	k := &core{
		server:    s,
		limits:    s.Limits.Effective(),
		log:       s.Log,
		handler:   s.Handler,
		base:      context.Background(),
		firstWait: cmp.Or(s.firstWait, firstWait),
		done:      make(chan struct{}),
		conns:     map[*conn]struct{}{},
		shaking:   map[net.Conn]struct{}{},
		listeners: map[net.Listener]struct{}{},
	}
	k.shortWait.Store(-1)
	k.tick = tick(&k.limits)
	k.stop = sync.OnceFunc(func() { close(k.done) })
	k.date.Store(dateLine(time.Now()))
	if k.log == nil {
		k.log = slog.Default()
	}
	if k.handler == nil {
		k.handler = http.DefaultServeMux
	}
	k.passer, _ = k.handler.(Passer)
	if s.BaseContext != nil {
		k.base = s.BaseContext()
	}
	if s.ServerHeader != "" {
		k.serverLine = appendField(nil, "Server", []string{s.ServerHeader})
	}
	k.http = &http.Server{Handler: k.handler}
	k.writesThrough = k.limits.MaxResponseBufferSize < outBuffer
	k.work.Go(k.heartbeat)
	return k
}

// connContext gives what the contexts of a connection's requests derive from.
func (k *core) connContext(c *conn) context.Context {
	if f := k.server.ConnContext; f != nil {
		return f(k.base, c.Conn)
	}
	return k.base
}

// accept serves what comes on l until l fails or the server stops.
func (k *core) accept(l net.Listener, b Binding) error {
	for failures := 0; ; {
		c, err := l.Accept()
		switch {
		case err == nil:
			failures = 0
			k.admit(c, b)
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

// admit takes a connection in, or closes it when there are too many. What has to wait for the client before there is a request
// runs on a goroutine of its own.
func (k *core) admit(raw net.Conn, b Binding) {
	if k.open.Add(1) > k.limits.MaxConcurrentConnections {
		k.open.Add(-1)
		k.rejected(raw)
		k.log.Warn("too many connections", slog.Int64("limit", k.limits.MaxConcurrentConnections))
		k.overflow(raw)
		return
	}
	m := k.measured(raw)
	if b.TLS == nil && len(k.server.Middleware) == 0 && !k.priorKnowledge(b) {
		k.enqueue(raw, b, m)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopping.Load() {
		raw.Close()
		m.closed(errDismissed)
		k.open.Add(-1)
		return
	}
	k.serving.Add(1) // here, for one that is ready while Shutdown waits must not be the first
	k.work.Go(func() {
		defer k.serving.Done()
		k.prepare(raw, b, m)
	})
}

func (k *core) overflow(raw net.Conn) {
	if k.server.Overflow == nil {
		raw.Close()
		return
	}
	k.server.Overflow(raw)
}

// enqueue begins to serve a connection that speaks HTTP/1.x.
func (k *core) enqueue(raw net.Conn, b Binding, m *measure) {
	raw, first := unreplayed(raw)
	c := newConn(raw, k, b)
	if len(first) > 0 {
		c.in = append(c.space()[:0], first...)
	}
	c.measure = m
	m.speaks("1.1")
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cutting {
		c.below().Close()
		k.release(c)
		return
	}
	// One that was accepted just as the server began to stop is as new as those before it.
	c.dismissed = k.stopping.Load()
	k.conns[c] = struct{}{}
	k.serving.Add(1)
	go c.serve()
}

// release takes the connection off the count of MaxConcurrentConnections.
func (k *core) release(c *conn) {
	k.open.Add(-1)
	c.measure.closed(nil)
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
