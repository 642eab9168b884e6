// Package kestrel is the default server: HTTP/1.x by package serve, with Kestrel's limits and its answers to bad input,
// and HTTP/2 on TLS connections that ask for it, by net/http.
//
// It opens no sockets and reads no configuration: package servers does. It speaks neither HTTP/3 nor HTTP/2 without TLS.
// A Server may be used by several goroutines at once.
package kestrel

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/gorun-dev/gorun/servers/internal/serve"
)

// Limits are what a server puts up with. The zero value means Kestrel's defaults (reference: servers.md, 3.1).
type Limits = serve.Limits

// Protocols are the names by which TLS connections choose a protocol, best first, for tls.Config.NextProtos.
func Protocols() []string { return []string{"h2", "http/1.1"} }

// Server serves a handler. The zero value serves http.DefaultServeMux with Kestrel's limits. Its fields are not changed
// after the first call of Serve, and it is not copied.
//
// In HTTP/2, the limits of request bodies, of header sizes and of idle connections hold; data rates do not.
type Server struct {
	Handler     http.Handler           // nil is http.DefaultServeMux
	Limits      Limits                 // zero fields are Kestrel's defaults
	Log         *slog.Logger           // as in serve.Server; nil is slog.Default()
	BaseContext func() context.Context // what contexts of requests derive from; nil is context.Background

	once sync.Once
	h1   *serve.Server
	h2   *http2
}

func (s *Server) begin() {
	s.once.Do(func() {
		s.h2 = newHTTP2(s)
		s.h1 = &serve.Server{
			Handler: s.Handler, Limits: s.Limits, Log: s.Log, BaseContext: s.BaseContext,
			NextProto: map[string]func(*tls.Conn){"h2": s.h2.serveConn},
		}
	})
}

// Serve accepts connections on l, which tls.NewListener may have made, and serves them. It closes l, and returns when
// l fails or, with http.ErrServerClosed, after Shutdown or Close. The error is never nil.
func (s *Server) Serve(l net.Listener) error {
	s.begin()
	return s.h1.Serve(l)
}

// Shutdown opens no new connection, closes those without a request, lets running requests finish and returns when all
// connections are closed. When ctx ends first it returns ctx's error, and Close cuts off what still runs. Hijacked
// connections are left to their handlers.
func (s *Server) Shutdown(ctx context.Context) error {
	s.begin()
	ended := make(chan error, 1)
	go func() { ended <- s.h2.Shutdown(ctx) }() // the other one waits for its connections
	err := s.h1.Shutdown(ctx)
	return errors.Join(err, <-ended)
}

// Close closes every listener and connection at once, except hijacked ones.
func (s *Server) Close() error {
	s.begin()
	return errors.Join(s.h2.Close(), s.h1.Close())
}
