package servers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Kestrel's defaults (reference: servers.md, 3.1).
const (
	headersTimeout   = 30 * time.Second
	keepAliveTimeout = 130 * time.Second
	maxHeaderBytes   = 32 << 10
)

// unusedGrace is how long a connection may stay open on which no request has come when Run is asked to stop. Browsers
// open some ahead of need, and net/http would wait five seconds for each.
const unusedGrace = 250 * time.Millisecond

// serving is an http.Server at work. It has one goroutine for each socket, and those of net/http for each connection.
// All sockets are closed and their goroutines have ended when stop returns.
type serving struct {
	server  *http.Server
	sockets sync.WaitGroup
	failed  chan error // a socket that cannot accept any more
	unused  unused
}

func newServing(ctx context.Context, h http.Handler, certificate *tls.Config) *serving {
	// Requests go on after ctx is cancelled: stopping is graceful.
	base := context.WithoutCancel(ctx)
	s := &serving{failed: make(chan error, 1), unused: unused{conns: map[net.Conn]struct{}{}}}
	s.server = &http.Server{
		Handler:           h,
		TLSConfig:         certificate,
		ReadHeaderTimeout: headersTimeout,
		IdleTimeout:       keepAliveTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnState:         s.unused.changed,
	}
	return s
}

func (s *serving) start(sockets []socket) {
	for _, socket := range sockets {
		s.sockets.Go(func() {
			err := s.serve(socket)
			if errors.Is(err, http.ErrServerClosed) {
				return
			}
			select {
			case s.failed <- fmt.Errorf("serving %s: %w", socket.url(), err):
			default: // the first failure is the one that stops the server
			}
		})
	}
}

func (s *serving) serve(socket socket) error {
	if socket.isTLS() {
		return s.server.ServeTLS(socket.Listener, "", "") // with the certificate of TLSConfig
	}
	return s.server.Serve(socket.Listener)
}

// wait returns nil when ctx is done, or why serving cannot go on.
func (s *serving) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// stop lets requests finish for as long as limit, then cuts them off. The error joins reason with what went wrong.
func (s *serving) stop(reason error, limit time.Duration) error {
	timer := time.AfterFunc(min(unusedGrace, limit), s.unused.close)
	defer timer.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(fmt.Errorf("requests were still running after %v and were cut off", max(limit, 0)), s.server.Close())
	}
	s.sockets.Wait()
	return errors.Join(reason, err)
}

// unused has the connections on which no request has come yet.
type unused struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// changed is the server's ConnState hook.
func (u *unused) changed(conn net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if state == http.StateNew {
		u.conns[conn] = struct{}{}
	} else {
		delete(u.conns, conn)
	}
}

func (u *unused) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for conn := range u.conns {
		conn.Close()
	}
}
