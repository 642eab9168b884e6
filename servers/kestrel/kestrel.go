// Package kestrel is the default server: HTTP/1.x by package serve, with Kestrel's limits and its answers to bad input;
// HTTP/2 by net/http, on TLS connections that ask for it and, where it alone is served, without TLS; HTTP/3 by quic-go.
//
// It opens no sockets and reads no configuration: package servers does. It does not upgrade from HTTP/1.1 to HTTP/2.
// A Server may be used by several goroutines at once.
package kestrel

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/gorun-dev/gorun/servers/internal/serve"
	"github.com/gorun-dev/gorun/servers/metrics"
)

// Limits are what a server puts up with. The zero value means Kestrel's defaults (reference: servers.md, 3.1).
type Limits = serve.Limits

// Binding says what is spoken on a listener. The zero Binding is HTTP/1.x without TLS.
type Binding = serve.Binding

// Described is a connection that stands for a client's: see serve.Described.
type Described = serve.Described

// Server serves a handler. The zero value serves http.DefaultServeMux with Kestrel's limits. Its fields are not changed
// after the first call of Serve, and it is not copied.
//
// In HTTP/2 the minimum data rates are those of each request, and a client that is too slow loses the request, where Kestrel
// has one rate for the connection and closes it. In HTTP/2 and HTTP/3 RequestHeadersTimeout is not kept: a connection
// without a request ends after KeepAliveTimeout.
type Server struct {
	Handler      http.Handler           // nil is http.DefaultServeMux
	Limits       Limits                 // zero fields are Kestrel's defaults
	ServerHeader string                 // the Server field of responses that have none; empty: no such field
	Log          *slog.Logger           // as in serve.Server; nil is slog.Default()
	Meter        metrics.Meter          // gets Kestrel's numbers; nil: nothing is measured
	BaseContext  func() context.Context // what contexts of requests derive from; nil is context.Background
	// ConnContext may add to the context of a connection's requests, as in http.Server; c is the connection that was
	// accepted, or a *tls.Conn after its handshake. Connections of HTTP/3 are no net.Conn: it is not called for them.
	ConnContext func(ctx context.Context, c net.Conn) context.Context
	// Middleware is called, in order, with each connection that was accepted, before TLS. An error closes it. It does not
	// see HTTP/3.
	Middleware []func(net.Conn) (net.Conn, error)
	// Elsewhere, HandBack and HandBackIdle are those of serve.Server: which requests of HTTP/1.x without TLS are for another
	// server, who gets their connections, and whether those without a request go there when this server stops. Nil: none, and
	// nobody.
	Elsewhere    func(c net.Conn, host, path []byte) bool
	HandBack     func(c net.Conn, unread []byte)
	HandBackIdle bool
	// Overflow is serve.Server's: it gets the connections over Limits.MaxConcurrentConnections.
	Overflow func(c net.Conn)

	once sync.Once
	h1   *serve.Server
	h2   *http2
	h3   *http3
}

func (s *Server) begin() {
	s.once.Do(func() {
		s.h2, s.h3 = newHTTP2(s), newHTTP3(s)
		s.h1 = &serve.Server{
			Handler: s.Handler, Limits: s.Limits, ServerHeader: s.ServerHeader, Log: s.Log, Meter: s.Meter,
			BaseContext: s.BaseContext, ConnContext: s.ConnContext, Middleware: s.Middleware,
			Elsewhere: s.Elsewhere, HandBack: s.HandBack, HandBackIdle: s.HandBackIdle,
			Overflow: s.Overflow, HTTP2: s.h2.serveConn,
		}
		s.h3.admit = s.h1.Admit
	})
}

// Serve accepts connections on l and serves them. It closes l, and returns when l fails or, with http.ErrServerClosed,
// after Shutdown or Close. The error is never nil.
func (s *Server) Serve(l net.Listener, b Binding) error {
	s.begin()
	return s.h1.Serve(l, b)
}

// ServeConn serves one accepted connection, of which it becomes the owner. It does not wait. After Shutdown or Close it
// closes c and returns http.ErrServerClosed.
func (s *Server) ServeConn(c net.Conn, b Binding) error { return s.ServeConnAfter(c, nil, b) }

// ServeConnAfter is ServeConn for a connection whose first bytes have been read by somebody else. They are the server's then;
// nil: none. They may be of a TLS handshake where b has TLS, or of any number of requests.
func (s *Server) ServeConnAfter(c net.Conn, first []byte, b Binding) error {
	s.begin()
	return s.h1.ServeConnAfter(c, first, b)
}

// ServePackets serves HTTP/3 on c, a UDP socket, with the TLS of b. It closes c, and returns as Serve does, after its last
// connection.
func (s *Server) ServePackets(c net.PacketConn, b Binding) error {
	s.begin()
	return s.h3.serve(c, b)
}

// Shutdown opens no new connection, closes those without a request, lets running requests finish and returns when all
// connections are closed. When ctx ends first it returns ctx's error, and Close cuts off what still runs. Hijacked
// connections are left to their handlers.
func (s *Server) Shutdown(ctx context.Context) error {
	s.begin()
	ended := make(chan error, 2)
	go func() { ended <- s.h2.shutdown(ctx) }() // the other one waits for its connections
	go func() { ended <- s.h3.shutdown(ctx) }()
	err := s.h1.Shutdown(ctx)
	return errors.Join(err, <-ended, <-ended)
}

// Close closes every listener and connection at once, except hijacked ones.
func (s *Server) Close() error {
	s.begin()
	return errors.Join(s.h2.close(), s.h3.close(), s.h1.Close())
}
