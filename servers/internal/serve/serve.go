// Package serve is HTTP/1.x on any listener or accepted socket, with the limits: what kestrel and httpsys both stand on.
//
// It has Kestrel's manners: its limits with their defaults, and its answers to bad input (reference: servers.md, 3.1 and
// 3.8). Handlers are net/http's, and get what net/http's own server gives them: Flusher, Hijacker, ReaderFrom (sendfile),
// CloseNotifier and ResponseController; the contract tests hold it to that, byte by byte. What differs: a request with a bad body is
// answered by the server as soon as the handler reads that body, and what a handler leaves of a body is read, within
// limits, after the response was sent.
//
// A handler that only passes requests on can do without net/http's types for most of them: see Passer.
//
// Several servers, also in other processes, may serve one connection in turn, each the requests that are its own: see
// Server.Elsewhere. HeadReader tells somebody else whose a request is, as the servers themselves would.
//
// It opens no sockets and speaks neither HTTP/2 nor HTTP/3: connections that want HTTP/2 go to Server.HTTP2.
//
// A Server may be used by several goroutines at once.
package serve

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/metrics"
)

// Server serves HTTP/1.0 and 1.1. The zero value serves http.DefaultServeMux with Kestrel's limits. Its fields are not
// changed after the first call of Serve or ServeConn, and it is not copied.
type Server struct {
	Handler http.Handler // nil: http.DefaultServeMux
	Limits  Limits
	// ServerHeader is the Server field of every response that has none. Empty: no such field.
	ServerHeader string
	// Log gets refused requests (Debug), connections over the limit (Warn) and panics of handlers (Error).
	// Nil: slog.Default().
	Log *slog.Logger
	// BaseContext gives what contexts of requests derive from. Nil: context.Background.
	BaseContext func() context.Context
	// ConnContext may add to the context of a connection's requests, as in http.Server; c is the accepted connection
	// itself, a *tls.Conn after its handshake. It returns a context derived from ctx.
	ConnContext func(ctx context.Context, c net.Conn) context.Context
	// Meter gets Kestrel's numbers about connections (package metrics). Nil: nothing is measured.
	Meter metrics.Meter
	// Middleware is called, in order, with each connection that was accepted, before TLS, on a goroutine of its own. An error
	// closes the connection.
	Middleware []func(net.Conn) (net.Conn, error)
	// HTTP2 serves connections that speak HTTP/2: a *tls.Conn after its handshake, or one without TLS. It owns the
	// connection, which counts against MaxConcurrentConnections until it returns. Shutdown and Close wait for its return
	// but do not bring it about: stop that protocol first. Nil: no HTTP/2.
	HTTP2 func(c net.Conn, b Binding)
	// Elsewhere says of each head that has come whole, on a connection that is the system's own socket or a Described one over
	// such a socket, whether its request is for another server to answer. host and path are those of Head; they are its own
	// only until it returns, and not changed. It is called by the goroutine of the connection, maybe twice for a head, and must
	// not wait. TLS, and what Middleware has made another connection of, is not asked about. Nil: no request is elsewhere's.
	Elsewhere func(c net.Conn, host, path []byte) bool
	// HandBack becomes the owner of a connection whose next request is elsewhere's, of which nothing has been answered. unread
	// is what has been read of the connection and not used: the whole head and what has come behind it; it is HandBack's own
	// only until it returns. The connection has no deadline. It counts against MaxConcurrentConnections, and Shutdown waits,
	// until HandBack returns. A server that stops hands back too, but for Close. Nil: such a connection is closed.
	HandBack func(c net.Conn, unread []byte)
	// HandBackIdle has a server that stops hand back, with nothing unread, what Elsewhere would be asked about and has no request,
	// instead of closing it: a request that is on its way then is not lost. Close does not.
	HandBackIdle bool
	// Overflow becomes the owner of a connection that is over Limits.MaxConcurrentConnections, before TLS. It must not wait. Nil: it
	// is closed.
	Overflow func(c net.Conn)
	// HandshakeTimeout limits a TLS handshake. 0 or less: DefaultHandshakeTimeout.
	HandshakeTimeout time.Duration

	firstWait time.Duration // see the constant, which 0 is; tests have their own

	mu   sync.Mutex
	core *core
}

// Binding says what is spoken on a listener. The zero Binding is HTTP/1.x without TLS.
type Binding struct {
	Protocols endpoint.Protocols // HTTP2 counts where Server.HTTP2 is set; without TLS only when it is alone. HTTP3 does not count
	TLS       *tls.Config        // nil: no TLS. Its NextProtos have to agree with Protocols
	AltSvc    string             // the Alt-Svc field of every response (RFC 7838); empty: none
}

// Serve accepts connections on l and serves them. It closes l, and returns when l fails or, with http.ErrServerClosed,
// after Shutdown or Close. The error is never nil.
func (s *Server) Serve(l net.Listener, b Binding) error {
	defer l.Close()
	k := s.begin()
	if !k.track(l) {
		return http.ErrServerClosed
	}
	defer k.untrack(l)
	return k.accept(l, b)
}

// ServeConn serves one accepted connection, of which it becomes the owner. It does not wait. After Shutdown or Close it
// closes c and returns http.ErrServerClosed.
func (s *Server) ServeConn(c net.Conn, b Binding) error { return s.ServeConnAfter(c, nil, b) }

// ServeConnAfter is ServeConn for a connection whose first bytes have been read by somebody else. They are the server's then;
// nil: none. They may be of a TLS handshake where b has TLS, or of any number of requests.
func (s *Server) ServeConnAfter(c net.Conn, first []byte, b Binding) error {
	if len(first) > 0 {
		c = &replayed{Conn: c, first: first}
	}
	k := s.begin()
	k.mu.Lock()
	accepting := k.accepting()
	k.mu.Unlock()
	if !accepting {
		c.Close()
		return http.ErrServerClosed
	}
	defer k.accepts.Done()
	k.admit(c, b)
	return nil
}

// Admit counts a connection that something else serves against MaxConcurrentConnections. release is called at its end. ok is
// false when there are as many as may be; then release is nil.
func (s *Server) Admit() (release func(), ok bool) {
	k := s.begin()
	if k.open.Add(1) > k.limits.MaxConcurrentConnections {
		k.open.Add(-1)
		return nil, false
	}
	return func() { k.open.Add(-1) }, true
}

// Shutdown opens no new connection, closes those without a request, lets running requests finish and returns when all
// connections are closed. When ctx ends first it returns ctx's error, and Close cuts off what still runs. Hijacked
// connections are left to their handlers.
func (s *Server) Shutdown(ctx context.Context) error {
	k := s.begin()
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline)/2 < k.firstWait {
		k.shortWait.Store(int64(max(time.Until(deadline)/2, 0)))
	}
	err := k.close((*conn).dismiss)
	if !isDone(ctx, &k.accepts) || !isDone(ctx, &k.serving) { // in this order: who accepts may still bring one
		return context.Cause(ctx)
	}
	k.stop()
	if !isDone(ctx, &k.work) {
		return context.Cause(ctx)
	}
	return err
}

// Close closes every listener and connection at once, except hijacked ones, and cancels the requests that run. It does not wait
// for their handlers.
func (s *Server) Close() error {
	k := s.begin()
	k.mu.Lock()
	k.cutting = true
	k.mu.Unlock()
	err := k.close((*conn).force)
	k.stop()
	k.work.Wait()
	return err
}

// begin starts the server's own goroutines at the first call. A Server that is stopped before it has served anything
// begins too, and refuses what comes.
func (s *Server) begin() *core {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.core == nil {
		s.core = newCore(s)
	}
	return s.core
}

// isDone waits for the group; false means that ctx has ended first.
func isDone(ctx context.Context, group *sync.WaitGroup) bool {
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

func (k *core) track(l net.Listener) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.accepting() {
		return false
	}
	k.listeners[l] = struct{}{}
	return true
}

// accepting counts its caller among those who accept, unless the server stops. mu is held.
func (k *core) accepting() bool {
	if k.stopping.Load() {
		return false
	}
	k.accepts.Add(1)
	return true
}

func (k *core) untrack(l net.Listener) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.listeners, l)
	k.accepts.Done()
}
