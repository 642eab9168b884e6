package httpsys

import (
	"net/http"
	"net/url"

	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
)

// below gives a handler for requests that p has matched. To h they look as if p's path were not there, and their
// feature.PathBase tells of it, as the client has written it.
func below(h http.Handler, p urlprefix.Prefix) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		base := cutBase(r.URL, p)
		// The request stays the same one: the server fills in its trailers later, and removes the files of its form.
		*r = *r.WithContext(feature.With(r.Context(), feature.PathBase{Path: base}))
		h.ServeHTTP(w, r)
	})
}

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
