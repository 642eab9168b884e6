// Package audited is a server of an app's own: Kestrel, which numbers the requests that it serves and gives each its number
// as a feature.
//
// It keeps nothing of the requests, and stores nothing. A Server may be run several times, also at once: all its requests are
// numbered together.
package audited

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/kestrel"
)

// Entry is the feature that this server adds to each request.
type Entry struct {
	Number uint64 // 1 for the first request of the process
}

// Server is a servers.Server. New makes it.
type Server struct{ requests atomic.Uint64 }

var _ servers.Server = (*Server)(nil)

// New gives a Server that has served nothing yet.
func New() *Server { return new(Server) }

// Serve is servers.Server's. Its goroutines are one for each socket, and those of Kestrel for each connection; all have
// ended when it returns.
func (s *Server) Serve(ctx context.Context, site *servers.Site) error {
	listeners, err := site.Listen()
	if err != nil {
		return err
	}
	k := &kestrel.Server{
		Handler: s.numbered(site.Handler), Limits: site.Limits, ServerHeader: site.ServerHeader, Log: site.Log, Meter: site.Meter,
		Middleware: site.Middleware, BaseContext: site.Context,
	}
	site.Listening(urls(listeners)...)

	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var sockets sync.WaitGroup
	for _, l := range listeners {
		binding := kestrel.Binding{Protocols: l.Endpoint.Protocols, TLS: l.Endpoint.TLS}
		sockets.Go(func() {
			if err := k.Serve(l.Listener, binding); !errors.Is(err, http.ErrServerClosed) {
				fail(fmt.Errorf("serving %s: %w", l.URL(), err))
			}
		})
	}
	<-ctx.Done()
	err = stop(k, site)
	sockets.Wait()
	if reason := context.Cause(ctx); !errors.Is(reason, context.Canceled) {
		err = errors.Join(reason, err)
	}
	return err
}

// stop lets requests finish for the site's time, then cuts them off, which is an error.
func stop(k *kestrel.Server, site *servers.Site) error {
	ctx, cancel := context.WithTimeout(context.Background(), site.ShutdownTimeout)
	defer cancel()
	if err := k.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("audited: requests were cut off: %w", err), k.Close())
	}
	return nil
}

// numbered gives each request its Entry. The request is changed and not copied, since Kestrel fills in its trailers later
// and removes the files of its form.
func (s *Server) numbered(h http.Handler) http.Handler {
	if h == nil {
		h = http.DefaultServeMux
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*r = *r.WithContext(feature.With(r.Context(), Entry{s.requests.Add(1)}))
		h.ServeHTTP(w, r)
	})
}

func urls(listeners []servers.Listener) []string {
	var list []string
	for _, l := range listeners {
		list = append(list, l.URL())
	}
	return list
}
