package serve

import (
	"bytes"
	"net/http"
)

// span is a part of a head, by its offsets in it.
type span struct{ from, to int }

func (s span) of(b []byte) []byte { return b[s.from:s.to] }

func (s span) in(text string) string { return text[s.from:s.to] }

// line is a field line of a head.
type line struct {
	name, value span
	host        bool
}

// head is one request's head as it is read: a line at a time, each looked at once, however the bytes arrive.
type head struct {
	pos     int // where the next line begins
	fields  int // field lines so far
	inLines int // bytes of field lines so far

	method span
	target span
	minor  byte // HTTP/1.minor
	form   form
	clean  []byte // the target for net/url, nil when it is the client's
	isHead bool

	lines     []line
	host      span
	hosts     int
	chunked   bool
	length    int64 // -1: no Content-Length
	close     bool  // Connection: close
	keep      bool  // Connection: keep-alive
	upgrades  bool  // Connection: upgrade
	continues bool  // Expect: 100-continue
	special   bool  // there is a field that means more than a name and a value
}

func (h *head) reset() {
	*h = head{length: -1, lines: h.lines[:0]}
}

// free lets go of memory.
func (h *head) free() { h.lines, h.clean = nil, nil }

// parse goes on where it stopped, with b from the head's first byte. It returns where the head ends, or 0 when it needs more
// bytes. first says that b is the beginning of the connection.
func (h *head) parse(b []byte, limits *Limits, first bool) (end int, f *fault) {
	if h.pos == 0 {
		if f := h.requestLine(b, limits, first); f != nil || h.pos == 0 {
			return 0, f
		}
	}
	for {
		rest := b[h.pos:]
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			return 0, h.unfinished(rest, limits)
		}
		line := rest[:i]
		if i > 0 && line[i-1] == '\r' {
			line = line[:i-1]
		}
		if len(line) == 0 {
			h.pos += i + 1
			return h.pos, h.finish(b, limits)
		}
		if f := h.count(i+1, limits); f != nil {
			return 0, f
		}
		if f := h.field(b, line); f != nil {
			return 0, f
		}
		h.pos += i + 1
	}
}

// unfinished looks at the beginning of a line that has no end yet.
func (h *head) unfinished(rest []byte, limits *Limits) *fault {
	switch {
	case len(rest) == 0 || string(rest) == "\r":
		// What comes may be the empty line, which does not count.
	case rest[0] == '\r':
		return bad("CR without LF")
	case h.inLines+len(rest) >= limits.MaxRequestHeadersTotalSize:
		return faultHeadersTooLong
	}
	return nil
}

func (h *head) count(n int, limits *Limits) *fault {
	h.fields++
	h.inLines += n
	switch {
	case h.inLines > limits.MaxRequestHeadersTotalSize:
		return faultHeadersTooLong
	case h.fields > limits.MaxRequestHeaderCount:
		return faultTooManyHeaders
	}
	return nil
}

// requestLine leaves pos at 0 when the line has not ended.
func (h *head) requestLine(b []byte, limits *Limits, first bool) *fault {
	if len(b) > 0 && !isToken[b[0]] && string(b) != "\r" {
		return bad("invalid method") // at once: a TLS client sends no line end for us to wait for
	}
	i := bytes.IndexByte(b, '\n')
	if i >= limits.MaxRequestLineSize || i < 0 && len(b) >= limits.MaxRequestLineSize {
		return faultLineTooLong
	}
	if i < 0 {
		return nil
	}
	line := b[:i]
	if i > 0 && line[i-1] == '\r' {
		line = line[:i-1]
	}
	f := h.words(line, first)
	if f != nil {
		return f
	}
	h.pos = i + 1
	h.form, f = formOf(h.method.of(b), h.target.of(b))
	return f
}

// words finds method, target and version.
func (h *head) words(line []byte, first bool) *fault {
	space := bytes.IndexByte(line, ' ')
	if space <= 0 || !allTokens(line[:space]) {
		return bad("invalid method")
	}
	h.method = span{0, space}
	h.isHead = string(line[:space]) == http.MethodHead
	after := bytes.IndexByte(line[space+1:], ' ')
	if after <= 0 {
		return bad("invalid request line")
	}
	h.target = span{space + 1, space + 1 + after}
	version := line[h.target.to+1:]
	if len(version) > 0 && version[0] == ' ' {
		version = version[1:] // as Kestrel does
	}
	switch {
	case string(version) == "HTTP/1.1":
		h.minor = 1
	case string(version) == "HTTP/1.0":
		h.minor = 0
	case len(version) == 0 || bytes.ContainsAny(version, " \r"):
		return bad("invalid request line")
	case first && string(line) == "PRI * HTTP/2.0":
		return faultHTTP2
	default:
		return faultVersion
	}
	return nil
}

// finish looks at what the lines of a head say together.
func (h *head) finish(b []byte, limits *Limits) *fault {
	host := h.host.of(b)
	switch {
	case h.hosts > 1:
		return bad("more than one Host")
	case h.hosts == 0 && h.minor == 1:
		return bad("no Host")
	case len(host) > 0 && !isHost(host):
		return bad("invalid Host")
	case !h.form.agrees(h.target.of(b), host):
		return bad("Host is not the target's")
	case h.chunked && h.minor == 0:
		return bad("Transfer-Encoding in HTTP/1.0") // RFC 9112, 6.1: faulty framing
	case h.minor == 0 && !h.chunked && h.length < 0 && needsLength(h.method.of(b)):
		return bad("no Content-Length in HTTP/1.0")
	}
	clean, f := h.form.forGo(h.target.of(b))
	h.clean = clean
	return f
}

func needsLength(method []byte) bool {
	return string(method) == http.MethodPost || string(method) == http.MethodPut
}

// last says whether the connection ends with this request. Framing that two servers could read differently ends it too.
func (h *head) last() bool {
	return h.close || h.minor == 0 && !h.keep || h.chunked && h.length >= 0
}
