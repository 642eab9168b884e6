package page

import "net/http"

// Offline is the content of app_offline.htm, which a client gets as it is, with 503, for every request while the file is there
// (reference: servers.md, 1.10). A file that is empty or cannot be read is an empty page. There is no Retry-After: nobody knows.
type Offline []byte

// ServeHTTP answers with the file. A HEAD request gets no body.
func (o Offline) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	w.Header().Set("Cache-Control", "no-store")
	send(w, r, http.StatusServiceUnavailable, o)
}
