package pairing

import (
	"crypto/subtle"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorun-dev/gorun/servers/feature"
)

// Options are what Handler needs to know beside the pairing. The zero value is usable.
type Options struct {
	Stop func()       // begins to stop the app gracefully, and does not wait. nil: a wish to stop is not heard
	Log  *slog.Logger // nil is slog.Default()
}

// Handler gives a handler for the requests of the front. Those without its token get 400, and h is not called; its wish to
// stop the app is heard. To h all others look as if the client had sent them to the app itself: path below the path base,
// address and scheme of the client, its certificate. A limit on the body is the front's to keep.
//
// The features of a request (package feature) agree with that, and there is a feature.PathBase.
func Handler(h http.Handler, p Pairing, o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &handler{h, p, o}
}

type handler struct {
	next    http.Handler
	pairing Pairing
	Options
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.isFront(r) {
		h.Log.Error("a request without the token of the module was refused", slog.String("remote", r.RemoteAddr))
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	base := cutBase(r.URL, h.pairing.Path)
	if isShutdown(r) && h.Stop != nil {
		w.WriteHeader(http.StatusAccepted)
		h.Stop()
		return
	}
	c := forward(r)
	c.base, c.upgrades = base, h.pairing.WebSockets
	c.certificate(r, h.Log)
	if body, ok := feature.Get[feature.Body](r.Context()); ok {
		body.SetMaxSize(-1) // nobody has read of it yet
	}
	// The request stays the same one: the server fills in its trailers later, and removes the files of its form.
	*r = *r.WithContext(c)
	h.next.ServeHTTP(w, r)
}

// isFront compares tokens in a time that does not tell how much of one was right.
func (h *handler) isFront(r *http.Request) bool {
	return subtle.ConstantTimeCompare([]byte(r.Header.Get(TokenHeader)), []byte(h.pairing.Token)) == 1
}

// isShutdown knows the message by which the front stops the app. The path is the one below the path base.
func isShutdown(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.EqualFold(r.URL.Path, "/iisintegration") &&
		strings.EqualFold(r.Header.Get(EventHeader), "shutdown")
}

// cutBase removes the path base from a path that begins with it, and gives it as the client has written it. A request outside
// of it has none.
func cutBase(u *url.URL, path string) (base string) {
	n := len(path)
	if n == 0 || !isBelow(u.Path, path) {
		return ""
	}
	base = u.Path[:n]
	if escaped := (&url.URL{Path: path}).EscapedPath(); isBelow(u.RawPath, escaped) {
		u.RawPath = u.RawPath[len(escaped):]
	} else {
		u.RawPath = ""
	}
	if u.Path = u.Path[n:]; u.Path == "" {
		u.Path = "/" // what handlers expect of a path
	}
	return base
}

// isBelow reports whether path is base or something below it, in any case.
func isBelow(path, base string) bool {
	n := len(base)
	return len(path) >= n && strings.EqualFold(path[:n], base) && (len(path) == n || path[n] == '/')
}
