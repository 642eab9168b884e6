package kestrel

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// http2 is net/http speaking HTTP/2 on connections that were accepted, and shaken hands with, elsewhere: it is handed them
// one by one. net/http does the protocol; this adds Kestrel's limits on time and size, and the features.
//
// Its goroutines are that of http.Server.Serve and the heartbeat, which the first connection starts, and short ones in
// which the heartbeat cuts off who is too slow. Shutdown and Close end them.
type http2 struct {
	server  *http.Server
	handler http.Handler
	limits  Limits
	log     *slog.Logger
	header  []string // the Server field; nil for none
	queue   queue
	joining func(ctx context.Context, c net.Conn) context.Context // Server.ConnContext; may be nil

	tick  time.Duration
	clock atomic.Int64 // nanoseconds that the heartbeat has counted
	work  sync.WaitGroup
	conns sync.Map // of net.Conn to *http2Conn: looked up at the beginning and end of most requests

	mu       sync.Mutex
	started  bool
	stopping atomic.Bool // set with mu held
	done     chan struct{}
}

func newHTTP2(s *Server) *http2 {
	h := &http2{
		handler: s.Handler,
		limits:  s.Limits.Effective(),
		log:     cmp.Or(s.Log, slog.Default()),
		joining: s.ConnContext,
		queue:   queue{conns: make(chan net.Conn), done: make(chan struct{})},
		done:    make(chan struct{}),
	}
	if h.handler == nil {
		h.handler = http.DefaultServeMux
	}
	if s.ServerHeader != "" {
		h.header = []string{s.ServerHeader}
	}
	h.tick = http2Tick(&h.limits)
	h.server = h.newServer(s.BaseContext)
	return h
}

func (h *http2) newServer(base func() context.Context) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{
		Handler:        h,
		Protocols:      protocols,
		MaxHeaderBytes: http2HeaderBytes(h.limits.MaxRequestHeadersTotalSize),
		IdleTimeout:    orNever(h.limits.KeepAliveTimeout),
		ErrorLog:       slog.NewLogLogger(h.log.Handler(), slog.LevelDebug),
		ConnState:      h.changed,
		ConnContext:    h.connContext,
		HTTP2:          http2Config(&h.limits),
		// OPTIONS * is the handler's, as in HTTP/1.x.
		DisableGeneralOptionsHandler: true,
	}
	if base != nil {
		server.BaseContext = func(net.Listener) context.Context { return base() }
	}
	return server
}

// serveConn serves one connection and returns when it is closed.
func (h *http2) serveConn(c net.Conn, b Binding) {
	conn := newHTTP2Conn(h, c, b)
	if !h.adopt(conn) {
		c.Close()
		return
	}
	if !h.queue.put(c) {
		h.conns.Delete(c)
		c.Close()
		return
	}
	<-conn.closed
}

// adopt takes a connection in, unless the server stops.
func (h *http2) adopt(conn *http2Conn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopping.Load() {
		return false
	}
	if !h.started {
		h.started = true
		h.work.Go(func() { h.server.Serve(&h.queue) })
		h.work.Go(h.heartbeat)
	}
	h.conns.Store(conn.raw, conn)
	return true
}

// changed is the server's ConnState hook.
func (h *http2) changed(c net.Conn, state http.ConnState) {
	found, ok := h.conns.Load(c)
	if !ok {
		return
	}
	conn := found.(*http2Conn)
	switch state {
	case http.StateActive:
		conn.setIdle(false)
	case http.StateIdle:
		conn.setIdle(true)
	case http.StateClosed:
		h.conns.Delete(c)
		close(conn.closed)
	}
}

// connContext is the server's hook for what contexts of a connection's requests derive from.
func (h *http2) connContext(ctx context.Context, c net.Conn) context.Context {
	if h.joining != nil {
		ctx = h.joining(ctx, c)
	}
	if found, ok := h.conns.Load(c); ok {
		return http2Context{ctx, found.(*http2Conn)}
	}
	return ctx
}

// shutdown sends GOAWAY on every connection and returns when all are closed, which their clients do when they have their
// responses, and the server a second later. When ctx ends first it returns ctx's error.
func (h *http2) shutdown(ctx context.Context) error {
	h.stop()
	for _, conn := range h.conns.Range {
		conn.(*http2Conn).leaveIfIdle()
	}
	if err := h.server.Shutdown(ctx); err != nil {
		return err
	}
	h.end()
	return nil
}

// close cuts every connection off.
func (h *http2) close() error {
	h.stop()
	for _, conn := range h.conns.Range {
		conn.(*http2Conn).force() // at once: closing by way of TLS may wait for a client that takes nothing
	}
	err := h.server.Close()
	h.end()
	return err
}

func (h *http2) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopping.Store(true)
}

// end stops the server's own goroutines and waits for them.
func (h *http2) end() {
	h.queue.Close()
	h.mu.Lock()
	select {
	case <-h.done:
	default:
		close(h.done)
	}
	h.mu.Unlock()
	h.work.Wait()
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
