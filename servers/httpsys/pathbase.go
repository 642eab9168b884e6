package httpsys

import (
	"context"
	"net/http"
	"net/url"

	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
)

// below gives a handler for requests that p has matched. To h they look as if p's path were not there, and their
// feature.PathBase tells of it, as the client has written it.
func below(h http.Handler, p urlprefix.Prefix) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setContext(r, feature.With(r.Context(), feature.PathBase{Path: cutBase(r.URL, p)}))
		h.ServeHTTP(w, r)
	})
}

// setContext gives r another context. It stays the same request: the server fills in its trailers later, and removes the files of its
// form. It is not inlined: the copy would be on the heap, or on the stack while the handler runs.
//
//go:noinline
func setContext(r *http.Request, ctx context.Context) { *r = *r.WithContext(ctx) }

// cutBase takes p's path off the beginning of u's, and gives it.
func cutBase(u *url.URL, p urlprefix.Prefix) string {
	base, rest := p.Split(u.EscapedPath())
	if rest == "" {
		rest = "/" // what handlers expect of a path
	}
	escaped := u.RawPath != ""
	path, err := url.PathUnescape(rest)
	if err != nil { // the server has read it before
		path, escaped = rest, false
	}
	u.Path, u.RawPath = path, ""
	if escaped && u.EscapedPath() != rest {
		u.RawPath = rest
	}
	if plain, err := url.PathUnescape(base); err == nil {
		base = plain
	}
	return base
}
