package serve

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// field is a key of a header with its values.
type field struct {
	key    string
	values []string
}

// sorted gives the fields by their keys, so that a response always looks the same.
func sorted(h http.Header) []field {
	if len(h) == 0 {
		return nil
	}
	list := make([]field, 0, len(h))
	for key, values := range h {
		list = append(list, field{key, values})
	}
	slices.SortFunc(list, func(a, b field) int { return strings.Compare(a.key, b.key) })
	return list
}

// writeFields writes the status line and the fields of the handler to out. What is still open, such as how the response is
// framed when its length is not known, is left to complete.
func (w *response) writeFields() {
	c := w.x.conn
	if c.out == nil {
		c.out = outBuffers.Get().(*[outBuffer]byte)[:0]
	}
	c.out = appendStatus(c.out[:0], w.x.minor, w.status)
	var few [8]field
	list := few[:0]
	for key, values := range w.header {
		list = append(list, field{key, values})
	}
	if len(list) > 1 {
		slices.SortFunc(list, func(a, b field) int { return strings.Compare(a.key, b.key) })
	}
	for _, f := range list {
		if w.listen(f) {
			c.out = appendField(c.out, f.key, f.values)
		}
	}
}

// listen notes what a field says about framing. It reports whether the field is to be written as it is.
func (w *response) listen(f field) bool {
	s := &w.said
	switch f.key {
	case "Content-Length":
		if w.setLength(f.values) && bodyAllowed(w.status) && w.transferCoding() == "" {
			w.x.conn.out = appendLength(w.x.conn.out, w.declared)
		}
		return false
	case "Transfer-Encoding":
		coding := w.transferCoding()
		return coding != "identity" && coding != "chunked" && bodyAllowed(w.status) && !w.isHead && w.x.minor > 0
	case "Connection":
		if len(f.values) > 0 { // as with net/http only the first counts
			s.close, s.closes = f.values[0] == "close", hasToken(f.values[0], "close")
		}
		s.connection = !w.closes || s.closes
		return s.connection
	case "Content-Type":
		s.contentType = true
		return w.status != http.StatusNotModified
	case "Content-Encoding":
		s.encoding = len(f.values) > 0 && f.values[0] != ""
	case "Date":
		s.date = true
	case "Server":
		s.server = true
	case "Alt-Svc":
		s.altSvc = true
	case "Trailer":
		w.announce(f.values)
	}
	return !isFraming(f.key) && !strings.HasPrefix(f.key, http.TrailerPrefix)
}

// isFraming knows the fields that say where a message ends, in any case: a handler may have put keys into a header past its
// methods, and who reads the response takes them all for the same.
func isFraming(key string) bool {
	switch len(key) {
	case len("Content-Length"):
		return strings.EqualFold(key, "Content-Length")
	case len("Transfer-Encoding"):
		return strings.EqualFold(key, "Transfer-Encoding")
	}
	return false
}

func appendLength(out []byte, n int64) []byte {
	return append(strconv.AppendInt(append(out, "Content-Length: "...), n, 10), "\r\n"...)
}

// setLength reports whether the handler has said how long the body is.
func (w *response) setLength(values []string) bool {
	if len(values) == 0 {
		return false
	}
	w.said.length = true
	n, err := strconv.ParseInt(values[0], 10, 64)
	if err == nil && n >= 0 {
		w.declared = n
		return true
	}
	if values[0] != "" {
		w.log("http: invalid Content-Length of %q", values[0])
	}
	delete(w.header, "Content-Length")
	return false
}

// transferCoding is what the handler says itself of how the body is framed.
func (w *response) transferCoding() string {
	if values := w.header["Transfer-Encoding"]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// complete decides how the response is framed and writes the rest of its head. p is the beginning of the body, all of it when
// over is true.
func (w *response) complete(p []byte, over bool) {
	w.sent = true
	c, s := w.x.conn, &w.said
	coding := w.transferCoding()
	hasBody := bodyAllowed(w.status)
	if over && !s.length && coding == "" && hasBody && !w.hasTrailers() && (!w.isHead || len(p) > 0) {
		w.declared, w.written = int64(len(p)), int64(len(p))
	}
	if w.declared >= 0 && coding != "" && coding != "identity" {
		w.log("http: WriteHeader called with both Transfer-Encoding of %q and a Content-Length of %d", coding, w.declared)
		w.declared = -1
	}
	out := c.out
	if !s.date {
		out = append(out, *c.core.date.Load()...)
	}
	if w.declared >= 0 && hasBody && (!s.length || coding != "") {
		out = appendLength(out, w.declared)
	}
	if hasBody && !s.contentType && !s.encoding && coding == "" && len(p) > 0 {
		out = append(append(append(out, "Content-Type: "...), http.DetectContentType(p)...), "\r\n"...)
	}
	chunks := w.frame(hasBody, coding)
	out = w.appendConnection(out)
	if chunks {
		w.chunks = true
		out = append(out, "Transfer-Encoding: chunked\r\n"...)
	}
	if !s.server {
		out = append(out, c.core.serverLine...)
	}
	if c.altSvc != "" && !s.altSvc {
		out = append(append(append(out, "Alt-Svc: "...), c.altSvc...), "\r\n"...)
	}
	c.out = append(out, "\r\n"...)
}

// frame reports whether the body comes in chunks. A body that has neither a length nor chunks ends with the connection
// (RFC 9112, 6.3).
func (w *response) frame(hasBody bool, coding string) (chunks bool) {
	switch {
	case w.isHead, !hasBody, w.declared >= 0:
		return false
	case w.x.minor == 0, coding == "identity":
		w.closes = true
		return false
	}
	return true
}

// appendConnection says whether the connection goes on, unless the handler has.
func (w *response) appendConnection(out []byte) []byte {
	s := &w.said
	keeps := w.x.minor == 0 && !w.closes
	w.closes = w.closes || s.close || w.x.conn.core.stopping.Load() || w.x.body != nil && w.x.body.torn.Load()
	switch {
	case w.closes && w.x.minor > 0 && !s.closes:
		return append(out, "Connection: close\r\n"...)
	case keeps && !s.connection:
		return append(out, "Connection: keep-alive\r\n"...)
	}
	return out
}

func hasToken(value, token string) bool {
	for word := range strings.SplitSeq(value, ",") {
		if strings.EqualFold(strings.TrimSpace(word), token) {
			return true
		}
	}
	return false
}

func appendStatus(out []byte, minor byte, status int) []byte {
	if minor == 0 {
		out = append(out, "HTTP/1.0 "...)
	} else {
		out = append(out, "HTTP/1.1 "...)
	}
	if status == http.StatusOK {
		return append(out, "200 OK\r\n"...)
	}
	out = append(strconv.AppendInt(out, int64(status), 10), ' ')
	text := http.StatusText(status)
	if text == "" {
		text = "status code " + strconv.Itoa(status)
	}
	return append(append(out, text...), "\r\n"...)
}

// appendField writes a field, and nothing when its name is none. Line breaks in a value become spaces, so that no value can
// be read as another field.
func appendField(out []byte, key string, values []string) []byte {
	for i := range len(key) {
		if !isToken[key[i]] {
			return out
		}
	}
	if key == "" {
		return out
	}
	for _, value := range values {
		out = append(append(out, key...), ": "...)
		from := len(out)
		out = append(out, strings.Trim(value, " \t\r\n")...)
		for i, c := range out[from:] {
			if c == '\r' || c == '\n' {
				out[from+i] = ' '
			}
		}
		out = append(out, "\r\n"...)
	}
	return out
}

// dateLine is the Date field of responses in this second.
func dateLine(now time.Time) *[]byte {
	line := append(now.UTC().AppendFormat([]byte("Date: "), http.TimeFormat), "\r\n"...)
	return &line
}
