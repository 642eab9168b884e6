package serve

import (
	"net/http"
	"slices"
	"strings"
)

// announce notes the keys of a Trailer field.
func (w *response) announce(values []string) {
	for _, value := range values {
		for key := range strings.SplitSeq(value, ",") {
			if key = http.CanonicalHeaderKey(strings.TrimSpace(key)); maySend(key) {
				w.trailers = append(w.trailers, key)
			}
		}
	}
}

func (w *response) hasTrailers() bool {
	if w.header["Trailer"] != nil {
		return true
	}
	for key := range w.header {
		if strings.HasPrefix(key, http.TrailerPrefix) {
			return true
		}
	}
	return false
}

// appendTrailers writes the fields that follow the last chunk: those announced, and those with http.TrailerPrefix.
func (w *response) appendTrailers(out []byte) []byte {
	if len(w.header) == 0 {
		return out
	}
	trailers := http.Header{}
	for key, values := range w.header {
		if name, found := strings.CutPrefix(key, http.TrailerPrefix); found && maySend(http.CanonicalHeaderKey(name)) {
			trailers[name] = append(trailers[name], values...)
		} else if slices.Contains(w.trailers, key) {
			trailers[key] = append(trailers[key], values...)
		}
	}
	for _, f := range sorted(trailers) {
		out = appendField(out, f.key, f.values)
	}
	return out
}

// maySend reports whether a field may stand after the body of a response: none by which the body is read, routed or trusted, as
// net/http has it for trailers that are announced (RFC 9110, 6.5.1).
func maySend(key string) bool {
	switch key {
	case "Authorization", "Cache-Control", "Connection", "Content-Encoding", "Content-Range", "Content-Type", "Expect", "Keep-Alive",
		"Max-Forwards", "Pragma", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Range", "Realm", "Te", "Www-Authenticate":
		return false
	}
	return isTrailer(key) && !strings.HasPrefix(key, "If-")
}

// announceTrailers does what net/http does for a chunked request.
func announceTrailers(r *http.Request) {
	names := r.Header["Trailer"]
	if names == nil {
		return
	}
	delete(r.Header, "Trailer")
	for name := range strings.SplitSeq(strings.Join(names, ","), ",") {
		if key := http.CanonicalHeaderKey(strings.TrimSpace(name)); isTrailer(key) {
			if r.Trailer == nil {
				r.Trailer = http.Header{}
			}
			r.Trailer[key] = nil
		}
	}
}

// isTrailer reports whether a field may stand after a body: not those that say where the body ends or whose it is.
func isTrailer(key string) bool {
	switch key {
	case "", "Transfer-Encoding", "Content-Length", "Trailer", "Host":
		return false
	}
	return true
}
