package pairing

import (
	"net/http"

	"github.com/gorun-dev/gorun/servers/feature"
)

// InProcess gives a handler for an app that accepts the front's connections itself, below path, which is as Pairing.Path is
// (reference: servers.md, 2). To h a request looks as if the path base were not there, and its feature.PathBase tells of
// it. There is no token and nothing was forwarded: who connects is the client, and its fields are its own affair.
//
// Without a path base it is h itself, which costs a request nothing; what its context derives from then has the
// feature.PathBase{} of all requests.
func InProcess(h http.Handler, path string) http.Handler {
	if path == "" {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		base := cutBase(r.URL, path)
		// The request stays the same one, see handler.
		*r = *r.WithContext(feature.With(r.Context(), feature.PathBase{Path: base}))
		h.ServeHTTP(w, r)
	})
}
