package servers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gorun-dev/gorun/servers/kestrel"
)

// serving is a server at work. It has one goroutine for each socket, and those of the server for each connection.
// All sockets are closed and their goroutines have ended when stop returns.
type serving struct {
	server      *kestrel.Server
	certificate *tls.Config // nil where no socket is for https
	sockets     sync.WaitGroup
	failed      chan error // a socket that cannot accept any more
}

func newServing(ctx context.Context, h http.Handler, certificate *tls.Config) *serving {
	// Requests go on after ctx is cancelled: stopping is graceful.
	base := context.WithoutCancel(ctx)
	return &serving{
		server:      &kestrel.Server{Handler: h, BaseContext: func() context.Context { return base }},
		certificate: certificate,
		failed:      make(chan error, 1),
	}
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
		return s.server.Serve(tls.NewListener(socket.Listener, s.certificate))
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
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(fmt.Errorf("requests were still running after %v and were cut off", max(limit, 0)), s.server.Close())
	}
	s.sockets.Wait()
	return errors.Join(reason, err)
}
