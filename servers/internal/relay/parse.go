package relay

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
)

// line is a field of a response. Its name is in canonical form.
type line struct{ name, value string }

// head is the head of a response, and what it says about the connection.
type head struct {
	minor   byte // HTTP/1.minor
	status  int
	lines   []line
	length  int64  // Content-Length; -1: none
	written string // the same, as the app has written it
	chunked bool
	close   bool  // the connection ends with this response
	keeps   bool  // Connection: keep-alive
	named   names // the fields that Connection names
	upgrade string
}

// headEnd gives where the head at the beginning of b ends, or 0 when it does not yet. looked is what earlier calls have
// looked at.
func headEnd(b []byte, looked *int) int {
	for {
		i := bytes.IndexByte(b[*looked:], '\n')
		if i < 0 {
			return 0
		}
		rest := b[*looked+i+1:]
		switch {
		case len(rest) > 0 && rest[0] == '\n':
			return len(b) - len(rest) + 1
		case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
			return len(b) - len(rest) + 2
		case len(rest) == 0 || len(rest) == 1 && rest[0] == '\r':
			*looked += i
			return 0
		}
		*looked += i + 1
	}
}

// parse reads a whole head, more strictly than net/http does: what two readers could take for different things is an error. Lines
// may end in LF alone. lines is memory to use.
func parse(text string, lines []line) (h head, err error) {
	h = head{length: -1, lines: lines[:0]}
	first, rest := cutLine(text)
	if err := h.statusLine(first); err != nil {
		return h, err
	}
	for {
		first, rest = cutLine(rest)
		if first == "" {
			return h, h.finish()
		}
		if err := h.field(first); err != nil {
			return h, err
		}
	}
}

// cutLine gives the first line without its end.
func cutLine(text string) (first, rest string) {
	first, rest, _ = strings.Cut(text, "\n")
	return strings.TrimSuffix(first, "\r"), rest
}

// statusLine reads HTTP/1.1 200 OK; the reason may be missing (RFC 9112, 4). It is not passed on: http.ResponseWriter
// knows the status alone.
func (h *head) statusLine(s string) error {
	version, rest, _ := strings.Cut(s, " ")
	switch version {
	case "HTTP/1.1":
		h.minor = 1
	case "HTTP/1.0":
	default:
		return badResponse("it begins with %q", cut(s))
	}
	code, reason, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseUint(code, 10, 16)
	if err != nil || len(code) != 3 || n < 100 || !isValue(reason) {
		return badResponse("its status line is %q", cut(s))
	}
	h.status = int(n)
	return nil
}

// cut is for messages.
func cut(s string) string { return s[:min(len(s), 60)] }

func (h *head) field(s string) error {
	name, value, found := strings.Cut(s, ":")
	value = strings.Trim(value, " \t")
	if !found || !isToken(name) || !isValue(value) { // a folded line begins with a space, which is no token
		return badResponse("%q is no field", cut(s))
	}
	name = http.CanonicalHeaderKey(name)
	switch name {
	case "Content-Length":
		return h.contentLength(value)
	case "Transfer-Encoding":
		if h.chunked || !equalFold(value, "chunked") {
			return badResponse("Transfer-Encoding is %q", cut(value))
		}
		h.chunked = true
		return nil
	case "Upgrade":
		h.upgrade = value
		return nil
	case "Connection":
		h.connection(value)
	}
	h.lines = append(h.lines, line{name, value})
	return nil
}

// contentLength takes the same number twice (RFC 9112, 6.3), written in the same way.
func (h *head) contentLength(value string) error {
	n, err := strconv.ParseUint(value, 10, 63)
	if err != nil || h.length >= 0 && h.written != value {
		return badResponse("Content-Length is %q", cut(value))
	}
	h.length, h.written = int64(n), value
	return nil
}

func (h *head) connection(value string) {
	h.named.add(value)
	for word := range strings.SplitSeq(value, ",") {
		switch word = strings.Trim(word, " \t"); {
		case equalFold(word, "close"):
			h.close = true
		case equalFold(word, "keep-alive"):
			h.keeps = true
		}
	}
}

// finish looks at what the fields say together.
func (h *head) finish() error {
	switch {
	case h.chunked && h.length >= 0:
		return badResponse("it has both Content-Length and Transfer-Encoding")
	case h.chunked && h.minor == 0:
		return badResponse("it has a Transfer-Encoding in HTTP/1.0")
	}
	h.close = h.close || h.minor == 0 && !h.keeps
	return nil
}

// hasBody reports whether a body follows.
func (h *head) hasBody(method string) bool {
	return method != http.MethodHead && h.status >= 200 && h.status != http.StatusNoContent && h.status != http.StatusNotModified
}

// isDropped reports whether a field stays behind the front: what is about the connection to the app, and the time, which is
// the front's own to tell.
func (h *head) isDropped(name string) bool {
	return isHop(name) || name == "Date" || name == "Trailer" || h.named.has(name)
}
