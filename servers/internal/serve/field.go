package serve

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// isToken has the characters of methods and field names (RFC 9110, 5.6.2).
var isToken = table(func(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
})

// isText has the characters of field values. Kestrel lets control characters pass; net/http does not, and neither do we.
var isText = table(func(c byte) bool { return c == '\t' || c >= ' ' && c < 0x7f })

func table(has func(byte) bool) (t [256]bool) {
	for c := range t {
		t[c] = has(byte(c))
	}
	return t
}

func allTokens(b []byte) bool {
	for _, c := range b {
		if !isToken[c] {
			return false
		}
	}
	return true
}

// isValue reports whether b may be a field's value: printable ASCII, tabs and well-formed UTF-8.
func isValue(b []byte) bool {
	for i, c := range b {
		if isText[c] {
			continue
		}
		return c >= utf8.RuneSelf && isUnicodeValue(b[i:])
	}
	return true
}

func isUnicodeValue(b []byte) bool {
	for _, c := range b {
		if c < utf8.RuneSelf && !isText[c] {
			return false
		}
	}
	return utf8.Valid(b)
}

// splitField takes a line without its end apart.
func splitField(line []byte) (name, value []byte, f *fault) {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 || !allTokens(line[:colon]) { // a folded line begins with a space, which is no token
		return nil, nil, bad("invalid header name")
	}
	value = trimSpace(line[colon+1:])
	if !isValue(value) {
		return nil, nil, bad("invalid header value")
	}
	return line[:colon], value, nil
}

func trimSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// field notes what one line means for the connection. b is the head.
func (h *head) field(b, text []byte) *fault {
	name, value, f := splitField(text)
	if f != nil {
		return f
	}
	l := line{name: spanOf(b, name), value: spanOf(b, value)}
	switch len(name) {
	case len("Host"):
		if isName(name, "host") {
			h.hosts++
			h.host, l.host = l.value, true
		}
	case len("Expect"): // and Pragma
		h.continues = h.continues || isName(name, "expect") && bytes.EqualFold(value, []byte("100-continue"))
		h.special = h.special || isName(name, "pragma")
	case len("Connection"):
		if isName(name, "connection") {
			h.connection(value)
		}
	case len("Content-Length"):
		if isName(name, "content-length") {
			f = h.contentLength(value)
		}
	case len("Transfer-Encoding"):
		if isName(name, "transfer-encoding") {
			f = h.transferEncoding(value)
		}
	}
	h.lines = append(h.lines, l)
	return f
}

// isName compares a field's name with one in lower case and of the same length.
func isName(name []byte, lower string) bool {
	for i := range len(lower) {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// spanOf gives the place of part in b, of which it is a slice.
func spanOf(b, part []byte) span {
	from := cap(b) - cap(part)
	return span{from, from + len(part)}
}

func (h *head) connection(value []byte) {
	for token := range bytes.SplitSeq(value, []byte(",")) {
		token = trimSpace(token)
		h.close = h.close || bytes.EqualFold(token, []byte("close"))
		h.keep = h.keep || bytes.EqualFold(token, []byte("keep-alive"))
		h.upgrades = h.upgrades || bytes.EqualFold(token, []byte("upgrade"))
	}
}

func (h *head) contentLength(value []byte) *fault {
	if h.length >= 0 {
		return bad("more than one Content-Length")
	}
	n, err := strconv.ParseUint(string(value), 10, 63) // no sign: not everybody reads +5 as 5
	if err != nil {
		return bad("invalid Content-Length")
	}
	h.length, h.special = int64(n), true
	return nil
}

// transferEncoding takes chunked alone. What else ends in chunked Kestrel takes too, and passes over the other codings;
// they are not implemented here, and the body would not be what the handler believes.
func (h *head) transferEncoding(value []byte) *fault {
	last := value
	if comma := bytes.LastIndexByte(value, ','); comma >= 0 {
		last = trimSpace(value[comma+1:])
	}
	switch {
	case !bytes.EqualFold(last, []byte("chunked")):
		return bad("the last transfer coding is not chunked")
	case len(last) != len(value) || h.chunked:
		return &fault{status: http.StatusNotImplemented, reason: "transfer codings other than chunked"}
	}
	h.chunked, h.special = true, true
	return nil
}
