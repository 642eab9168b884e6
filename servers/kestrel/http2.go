package kestrel

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"
)

// Kestrel's settings for HTTP/2 (reference: servers.md, 3.2).
const (
	maxStreams       = 100
	maxFrameSize     = 16 << 10
	headerTableSize  = 4096
	connectionWindow = 1 << 20
	streamWindow     = 768 << 10
)

// http2 is net/http serving connections that were accepted, and shaken hands with, elsewhere: it is handed them one by
// one. Its own goroutine is that of http.Server.Serve, which ends with Shutdown or Close.
type http2 struct {
	*http.Server
	queue queue

	mu   sync.Mutex
	open map[net.Conn]chan struct{} // closed when the connection is
}

func newHTTP2(s *Server) *http2 {
	limits := s.Limits.Effective()
	log := s.Log
	if log == nil {
		log = slog.Default()
	}
	h := &http2{queue: queue{conns: make(chan net.Conn), done: make(chan struct{})}, open: map[net.Conn]chan struct{}{}}
	h.Server = &http.Server{
		Handler:        limited(s.Handler, limits.MaxRequestBodySize),
		MaxHeaderBytes: limits.MaxRequestHeadersTotalSize,
		IdleTimeout:    limits.KeepAliveTimeout,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ConnState:      h.changed,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams, MaxReadFrameSize: maxFrameSize, MaxDecoderHeaderTableSize: headerTableSize,
			MaxReceiveBufferPerConnection: connectionWindow, MaxReceiveBufferPerStream: streamWindow,
		},
	}
	if s.BaseContext != nil {
		h.BaseContext = func(net.Listener) context.Context { return s.BaseContext() }
	}
	go h.Serve(&h.queue) // ends with the queue
	return h
}

// limited keeps the limit of request bodies.
func limited(h http.Handler, size int64) http.Handler {
	if h == nil {
		h = http.DefaultServeMux
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, size)
		h.ServeHTTP(w, r)
	})
}

// serveConn serves one connection and returns when it is closed.
func (h *http2) serveConn(c *tls.Conn) {
	closed := make(chan struct{})
	h.mu.Lock()
	h.open[c] = closed
	h.mu.Unlock()
	if !h.queue.put(c) {
		h.changed(c, http.StateClosed)
		c.Close()
	}
	<-closed
}

// changed is the server's ConnState hook.
func (h *http2) changed(c net.Conn, state http.ConnState) {
	if state != http.StateClosed {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if closed, ok := h.open[c]; ok {
		close(closed)
		delete(h.open, c)
	}
}

// queue is a listener whose connections are put into it.
type queue struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// put hands a connection to who accepts; it returns false when nobody does any more.
func (q *queue) put(c net.Conn) bool {
	select {
	case q.conns <- c:
		return true
	case <-q.done:
		return false
	}
}

func (q *queue) Accept() (net.Conn, error) {
	select {
	case c := <-q.conns:
		return c, nil
	case <-q.done:
		return nil, net.ErrClosed
	}
}

func (q *queue) Close() error {
	q.once.Do(func() { close(q.done) })
	return nil
}

func (q *queue) Addr() net.Addr { return &net.TCPAddr{} }
