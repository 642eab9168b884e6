package kestrel

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/quic-go/quic-go"
	h3 "github.com/quic-go/quic-go/http3"
)

// http3 serves HTTP/3 by quic-go, with the limits that HTTP/1.x has. Each socket is an http3Socket, which owns the goroutines;
// http3 starts them and, by shutdown and close, waits for them.
//
// RequestHeadersTimeout is not kept: quic-go's Server hands over a request when its head is complete, and no stream before. Its
// RawServerConn does, but cannot send GOAWAY, without which a client that is stopped loses requests. What heads that do not end
// can cost is bounded: by their size, by the number of streams, and by KeepAliveTimeout for a connection without a request.
type http3 struct {
	limits      Limits
	log         *slog.Logger
	handler     http.Handler
	server      []string // the value of the Server field; nil: no such field
	baseContext func() context.Context
	meter       http3Meter
	known       *http.Server                     // what http.ServerContextKey gives
	admit       func() (release func(), ok bool) // counts a connection against MaxConcurrentConnections

	work    sync.WaitGroup // sockets
	mu      sync.Mutex
	stopped bool
	sockets map[*http3Socket]struct{}
}

func newHTTP3(s *Server) *http3 {
	h := &http3{
		limits: s.Limits.Effective(), log: s.Log, handler: s.Handler, baseContext: s.BaseContext, meter: http3Meter{s.Meter},
		sockets: map[*http3Socket]struct{}{},
	}
	if h.log == nil {
		h.log = slog.Default()
	}
	if h.handler == nil {
		h.handler = http.DefaultServeMux
	}
	if s.ServerHeader != "" {
		h.server = []string{s.ServerHeader}
	}
	if h.baseContext == nil {
		h.baseContext = context.Background
	}
	h.known = &http.Server{Handler: h.handler, MaxHeaderBytes: h.limits.MaxRequestHeadersTotalSize}
	return h
}

// serve serves HTTP/3 on c with the TLS of b until shutdown or close. It returns when c is closed, which is after the last
// connection of c: they all share that socket.
func (h *http3) serve(c net.PacketConn, b Binding) error {
	s, err := h.listen(c, b)
	if err != nil {
		return errors.Join(err, c.Close())
	}
	defer h.work.Done()
	defer h.forget(s)
	return s.run()
}

func (h *http3) listen(c net.PacketConn, b Binding) (*http3Socket, error) {
	if b.TLS == nil {
		return nil, errors.New("HTTP/3 is never without TLS")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped {
		return nil, http.ErrServerClosed
	}
	s := newHTTP3Socket(h, c)
	l, err := s.transport.Listen(h3.ConfigureTLSConfig(b.TLS), quicConfig(&h.limits))
	if err != nil {
		return nil, errors.Join(err, s.transport.Close())
	}
	s.listener = l
	h.sockets[s] = struct{}{}
	h.work.Add(1)
	return s, nil
}

func (h *http3) forget(s *http3Socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sockets, s)
}

// shutdown takes no new connection, tells clients to go away (GOAWAY; RFC 9114, 5.2), lets running requests finish and
// returns when all sockets are closed. When ctx ends first it returns ctx's error; close then cuts off what still runs.
func (h *http3) shutdown(ctx context.Context) error {
	h.stop((*http3Socket).dismiss)
	ended := make(chan struct{})
	go func() {
		h.work.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close ends every connection at once and returns when all sockets are closed. It does not wait for handlers.
func (h *http3) close() error {
	h.stop((*http3Socket).cut)
	h.work.Wait()
	return nil
}

func (h *http3) stop(f func(*http3Socket)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	for s := range h.sockets {
		f(s)
	}
}

// http3Code is a code by which connections are closed (RFC 9114, 8.1).
func http3Code(code h3.ErrCode) quic.ApplicationErrorCode { return quic.ApplicationErrorCode(code) }
