package kestrel

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	h3 "github.com/quic-go/quic-go/http3"

	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/internal/connid"
)

// http3Conn is one connection. quic-go runs a goroutine for each of its requests, which calls ServeHTTP.
//
// Each has an h3.Server of its own: one for all counts connections in a way that does not bear Shutdown while another one
// begins, and quic-go sends GOAWAY nowhere else.
type http3Conn struct {
	socket  *http3Socket
	quic    *quic.Conn
	http    *h3.Server
	feature feature.Connection
	slots   chan struct{} // one in it for each handler that runs

	mu       sync.Mutex
	requests map[*http3Request]struct{}
	since    int64 // when the last request ended, on the socket's clock
	leaving  bool  // GOAWAY has been sent
	linger   *time.Timer
}

func newHTTP3Conn(s *http3Socket, qc *quic.Conn) *http3Conn {
	c := &http3Conn{
		socket:   s,
		quic:     qc,
		feature:  feature.Connection{ID: connid.New(), Local: qc.LocalAddr(), Remote: qc.RemoteAddr()},
		slots:    make(chan struct{}, http3Streams),
		requests: map[*http3Request]struct{}{},
		since:    s.now(),
	}
	c.http = &h3.Server{
		Handler:        c,
		MaxHeaderBytes: s.limits.MaxRequestHeadersTotalSize,
		Logger:         slog.New(http3Log{s.log.Handler()}),
		ConnContext:    func(ctx context.Context, _ *quic.Conn) context.Context { return joinContext(ctx, s.baseContext()) },
	}
	return c
}

// serve returns when the connection is closed and its handlers have returned.
func (c *http3Conn) serve() {
	if err := c.http.ServeQUICConn(c.quic); err != nil {
		c.socket.log.Debug("connection ended", slog.Any("error", err), slog.String("remote", c.feature.Remote.String()))
	}
	c.close() // a connection that was never served is still open
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.linger != nil {
		c.linger.Stop()
	}
}

// close ends the connection and with it the contexts of its requests.
func (c *http3Conn) close() { c.quic.CloseWithError(http3Code(h3.ErrCodeNoError), "") }

// ServeHTTP is what quic-go calls for each request.
func (c *http3Conn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case c.slots <- struct{}{}:
	case <-r.Context().Done(): // the client has given up; its next request must not have two handlers
		panic(http.ErrAbortHandler)
	}
	defer func() { <-c.slots }()
	q := newHTTP3Request(c, w, r)
	c.begin(q)
	defer c.end(q)
	q.serve()
}

func (c *http3Conn) begin(q *http3Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests[q] = struct{}{}
}

func (c *http3Conn) end(q *http3Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.requests, q)
	c.since = c.socket.now()
	c.leave()
}

// dismiss sends GOAWAY and ends the connection after its last request.
func (c *http3Conn) dismiss() {
	c.socket.connections.Go(func() { c.http.Shutdown(context.Background()) }) // ends with the connection
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaving = true
	c.leave()
}

// leave closes the connection in a while when it has nothing more to do. Most clients have done so by then, because of the
// GOAWAY. Closing at once would throw away what is still on its way: that GOAWAY, by which a client knows that a request
// which it has just sent may be sent again elsewhere, and the end of the last response.
func (c *http3Conn) leave() {
	if !c.leaving || len(c.requests) > 0 {
		return
	}
	if c.linger == nil {
		c.linger = time.AfterFunc(c.lingerTime(), c.close)
		return
	}
	c.linger.Reset(c.lingerTime())
}

// lingerTime is long enough for a packet that was lost to be sent again.
func (c *http3Conn) lingerTime() time.Duration {
	stats := c.quic.ConnectionStats()
	return min(200*time.Millisecond+4*stats.SmoothedRTT+8*stats.MeanDeviation, 3*time.Second)
}

// http3Log is the server's log for quic-go, which has a line for each request at the level of debugging.
type http3Log struct{ slog.Handler }

// Enabled is slog.Handler's.
func (l http3Log) Enabled(ctx context.Context, level slog.Level) bool {
	return level > slog.LevelDebug && l.Handler.Enabled(ctx, level)
}

// joinContext gives a context that has the values of both, and ends with either.
func joinContext(ctx, base context.Context) context.Context {
	values := http3Values{ctx, base}
	if base.Done() == nil {
		return values
	}
	joined, cancel := context.WithCancelCause(values)
	stop := context.AfterFunc(base, func() { cancel(context.Cause(base)) })
	context.AfterFunc(joined, func() {
		stop()
		cancel(nil)
	})
	return joined
}

// http3Values looks for values in the connection's context, then in the server's.
type http3Values struct {
	context.Context
	base context.Context
}

func (v http3Values) Value(key any) any {
	if value := v.Context.Value(key); value != nil {
		return value
	}
	return v.base.Value(key)
}
