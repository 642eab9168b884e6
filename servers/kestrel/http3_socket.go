package kestrel

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	h3 "github.com/quic-go/quic-go/http3"
)

const (
	// quicRetryAbove is the number of handshakes at once above which clients must first show that they get what is sent to
	// them (Retry; RFC 9000, 8.1.2). It costs them a round trip, and whoever forges addresses all that he could win: up to
	// here a packet of his costs memory for 10 s.
	quicRetryAbove = 64
	// quicHandshakes is the number above which nobody is let in.
	quicHandshakes = 1024
)

// http3Socket is a socket at work. Its goroutines are the one in run, which accepts, the heartbeat, and one for each connection,
// besides quic-go's. All have ended when run returns, except handlers that do not end after cut.
type http3Socket struct {
	*http3
	conn      net.PacketConn
	transport *quic.Transport
	listener  *quic.Listener

	tick        time.Duration
	start       time.Time
	clock       atomic.Int64 // nanoseconds since start, as of the last tick
	handshakes  atomic.Int64
	connections sync.WaitGroup
	ended       chan struct{} // all is over: for the heartbeat
	cutOff      chan struct{} // handlers are not waited for

	mu       sync.Mutex
	stopping bool
	cutting  bool
	conns    map[*http3Conn]struct{}
}

func newHTTP3Socket(h *http3, c net.PacketConn) *http3Socket {
	s := &http3Socket{
		http3: h, conn: c, tick: http3Tick(&h.limits), start: time.Now(),
		ended: make(chan struct{}), cutOff: make(chan struct{}), conns: map[*http3Conn]struct{}{},
	}
	s.transport = &quic.Transport{
		Conn:                newQUICSocket(c),
		VerifySourceAddress: func(net.Addr) bool { return s.handshakes.Load() >= quicRetryAbove },
		ConnContext:         s.greet,
	}
	return s
}

// run accepts connections until the socket fails or the server stops, and returns when they have ended and the socket is
// closed. The error is never nil.
func (s *http3Socket) run() error {
	var heart sync.WaitGroup
	heart.Go(s.heartbeat)
	err := s.accept()
	if err != http.ErrServerClosed {
		s.cut() // nothing comes in any more
	}
	gone := make(chan struct{})
	go func() {
		s.connections.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-s.cutOff:
	}
	close(s.ended)
	heart.Wait()
	s.transport.Close() // its error is the socket's
	s.conn.Close()
	return err
}

func (s *http3Socket) accept() error {
	for {
		c, err := s.listener.Accept(context.Background())
		switch {
		case err == nil:
			s.connections.Go(func() { s.serveConn(c) })
		case s.isStopping():
			return http.ErrServerClosed
		default:
			return err
		}
	}
}

// greetedKey finds, in the context of a connection, the function that ends its handshake's part in the count.
type greetedKey struct{}

// greet is called with the first packet of a connection.
func (s *http3Socket) greet(ctx context.Context, client *quic.ClientInfo) (context.Context, error) {
	if s.handshakes.Load() >= quicHandshakes {
		s.log.Debug("connection refused", slog.String("error", "too many handshakes"), slog.String("remote", client.RemoteAddr.String()))
		return nil, errors.New("too many handshakes")
	}
	s.handshakes.Add(1)
	done := sync.OnceFunc(func() { s.handshakes.Add(-1) })
	context.AfterFunc(ctx, done)
	return context.WithValue(ctx, greetedKey{}, done), nil
}

// serveConn serves a connection after its handshake and returns when it is closed and its handlers have returned.
func (s *http3Socket) serveConn(qc *quic.Conn) {
	qc.Context().Value(greetedKey{}).(func())()
	release, ok := s.admit()
	if !ok {
		s.log.Warn("too many connections", slog.Int64("limit", s.limits.MaxConcurrentConnections))
		s.meter.rejected(qc)
		qc.CloseWithError(http3Code(h3.ErrCodeExcessiveLoad), "")
		return
	}
	defer release()
	c := newHTTP3Conn(s, qc)
	if !s.track(c) {
		qc.CloseWithError(http3Code(h3.ErrCodeNoError), "")
		return
	}
	defer s.meter.opened(qc)()
	defer s.untrack(c)
	c.serve()
}

func (s *http3Socket) track(c *http3Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopping {
		s.conns[c] = struct{}{}
	}
	return !s.stopping
}

func (s *http3Socket) untrack(c *http3Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

func (s *http3Socket) isStopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopping
}

// dismiss takes no more connections and has those that are open end with their last request.
func (s *http3Socket) dismiss() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return
	}
	s.stopping = true
	go s.listener.Close() // it waits for handshakes to be ended; accept, and so run, waits for it
	for c := range s.conns {
		c.dismiss()
	}
}

// cut ends every connection now.
func (s *http3Socket) cut() {
	s.dismiss()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cutting {
		return
	}
	s.cutting = true
	var closing sync.WaitGroup
	for c := range s.conns {
		closing.Go(c.close)
	}
	go func() {
		closing.Wait() // clients have been told
		close(s.cutOff)
	}()
}
