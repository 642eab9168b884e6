// Package audited is a server of an app's own: Kestrel, which numbers the requests that it serves and gives each its number
// as a feature.
//
// It keeps nothing of the requests, and stores nothing. A Server may be run several times, also at once: all its requests are
// numbered together.
package audited

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/feature"
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

// Serve is servers.Server's.
func (s *Server) Serve(ctx context.Context, site *servers.Site) error {
	numbered := *site
	numbered.Handler = s.numbered(site.Handler)
	return servers.Kestrel().Serve(ctx, &numbered)
}

// numbered gives each request its Entry. The request is changed and not copied, since Kestrel fills in its trailers later
// and removes the files of its form.
func (s *Server) numbered(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*r = *r.WithContext(feature.With(r.Context(), Entry{s.requests.Add(1)}))
		h.ServeHTTP(w, r)
	})
}
