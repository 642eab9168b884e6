// Package serve is HTTP on any listener or accepted socket, with the limits: what kestrel and httpsys both stand on.
//
// It puts Kestrel's manners in front of net/http: Kestrel's limits with Kestrel's defaults, and Kestrel's answers to bad
// input (reference: servers.md, 3.1 and 3.8). Handlers are net/http's, with Flusher, Hijacker, ReaderFrom (sendfile) and
// ResponseController. What differs for them: Request.Body is read when the handler reads it and what is left of it after the
// response was sent, a connection that a handler hijacks is not a *net.TCPConn (NetConn gives it), and a
// request with a bad body is answered by the server as soon as the handler reads that body.
//
// It opens no sockets and speaks neither HTTP/2 nor HTTP/3: a TLS connection that negotiated another protocol goes to
// Server.NextProto.
//
// A Server may be used by several goroutines at once.
package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
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
	// NextProto has, by ALPN name ("h2"), who serves TLS connections that negotiated another protocol. The function owns
	// the connection; it counts against MaxConcurrentConnections until it returns. Shutdown and Close wait for its return
	// but do not bring it about: stop that protocol first.
	NextProto map[string]func(*tls.Conn)
	// HandshakeTimeout limits a TLS handshake. 0 or less: DefaultHandshakeTimeout.
	HandshakeTimeout time.Duration

	mu   sync.Mutex
	core *core
}

// Serve accepts connections on l, *tls.Conn among them, and serves them. It closes l, and returns when l fails or, with
// http.ErrServerClosed, after Shutdown or Close. The error is never nil.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	k := s.begin()
	if !k.track(l) {
		return http.ErrServerClosed
	}
	defer k.untrack(l)
	return k.accept(l)
}

// ServeConn serves one accepted connection, of which it becomes the owner. It does not wait. After Shutdown or Close it
// closes c and returns http.ErrServerClosed.
func (s *Server) ServeConn(c net.Conn) error {
	k := s.begin()
	if k.stopping.Load() {
		c.Close()
		return http.ErrServerClosed
	}
	k.admit(c)
	return nil
}

// Shutdown opens no new connection, closes those without a request, lets running requests finish and returns when all
// connections are closed. When ctx ends first it returns ctx's error, and Close cuts off what still runs. Hijacked
// connections are left to their handlers.
func (s *Server) Shutdown(ctx context.Context) error {
	k := s.begin()
	err := k.close((*conn).dismiss)
	if stopped := k.http.Shutdown(ctx); stopped != nil {
		return stopped
	}
	return errors.Join(err, k.end(ctx))
}

// Close closes every listener and connection at once, except hijacked ones.
func (s *Server) Close() error {
	k := s.begin()
	err := k.close((*conn).force)
	k.http.Close()
	return errors.Join(err, k.end(context.Background()))
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

// end stops the server's own goroutines and waits for them.
func (k *core) end(ctx context.Context) error {
	k.queue.Close()
	k.stop()
	ended := make(chan struct{})
	go func() {
		k.work.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (k *core) track(l net.Listener) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopping.Load() {
		return false
	}
	k.listeners[l] = struct{}{}
	return true
}

func (k *core) untrack(l net.Listener) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.listeners, l)
}
