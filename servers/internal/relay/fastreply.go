package relay

import (
	"bytes"
	"net/http"
	"strconv"
)

// plainReply is what the head of a response says, as far as the fast way has to know it.
type plainReply struct {
	end        int // of the head
	status     int
	body       int64 // how long it is
	length     int64 // Content-Length; -1: none
	close      bool  // the connection ends with this response
	connection bool  // there is a Connection field
	altSvc     bool
}

var headEnds = []byte("\r\n\r\n")

// appendReply writes the head that b begins with as the client is to have it, but for the server's own fields and the empty
// line: what exchange.begin and the server make of it, in the app's order. It is called when headEnds is in b. ok is false
// for a response that is not to go the fast way, which may be a bad one.
func appendReply(out, b []byte, isHead bool) (_ []byte, r plainReply, ok bool) {
	r.length = -1
	at := bytes.IndexByte(b, '\n') + 1
	if out, ok = r.statusLine(out, b[:at]); !ok {
		return out, r, false
	}
	for {
		n := bytes.IndexByte(b[at:], '\n')
		if n <= 0 || b[at+n-1] != '\r' {
			return out, r, false
		}
		line := b[at : at+n-1]
		at += n + 1
		if len(line) == 0 {
			r.end = at
			return r.finish(out, isHead)
		}
		if out, ok = r.field(out, line); !ok {
			return out, r, false
		}
	}
}

// statusLine takes HTTP/1.1 200 OK and the like. The reason is the server's.
func (r *plainReply) statusLine(out, line []byte) ([]byte, bool) {
	const version = "HTTP/1.1 "
	if len(line) < len(version)+len("200\r\n") || string(line[:len(version)]) != version || line[len(line)-2] != '\r' {
		return out, false
	}
	code, reason := line[len(version):len(version)+3], line[len(version)+3:len(line)-2]
	for _, c := range code {
		if c < '0' || c > '9' {
			return out, false
		}
		r.status = r.status*10 + int(c-'0')
	}
	if r.status < 200 || len(reason) > 0 && reason[0] != ' ' || !isPlainValue(reason) {
		return out, false
	}
	if r.status == http.StatusOK {
		return append(out, "HTTP/1.1 200 OK\r\n"...), true
	}
	text := http.StatusText(r.status)
	out = append(append(append(out, version...), code...), ' ')
	return append(append(out, text...), "\r\n"...), text != ""
}

// field takes a line without its end.
func (r *plainReply) field(out, line []byte) ([]byte, bool) {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 {
		return out, false
	}
	name, value := line[:colon], trim(line[colon+1:])
	if !isPlainValue(value) {
		return out, false
	}
	before := len(out)
	out, ok := appendName(out, name)
	if !ok {
		return out, false
	}
	switch r.judge(name, value) {
	case taken:
		return out[:before], true
	case odd:
		return out, false
	}
	return append(append(append(out, ": "...), value...), "\r\n"...), true
}

// judge looks at an app's field.
func (r *plainReply) judge(name, value []byte) what {
	switch len(name) {
	case len("Te"):
		return takenIf(isFold(name, "te"))
	case len("Date"):
		return takenIf(isFold(name, "date"))
	case len("Upgrade"):
		switch {
		case isFold(name, "upgrade"):
			return odd
		case isFold(name, "alt-svc"):
			r.altSvc = true
			return copied
		}
		return takenIf(isFold(name, "trailer"))
	case len("Connection"):
		if isFold(name, "connection") {
			r.connection = true
			r.close = r.close || isFold(value, "close")
			return plainConnection(value)
		}
		return takenIf(isFold(name, "keep-alive"))
	case len("Content-Type"):
		return takenIf(r.status == http.StatusNotModified && isFold(name, "content-type"))
	case len("Content-Length"):
		if isFold(name, "content-length") {
			return r.contentLength(value)
		}
	case len("Proxy-Connection"):
		return takenIf(isFold(name, "proxy-connection"))
	case len("Transfer-Encoding"):
		return oddIf(isFold(name, "transfer-encoding"))
	}
	return copied
}

// contentLength takes one number that is not near the end of an int64.
func (r *plainReply) contentLength(value []byte) what {
	if r.length >= 0 || len(value) == 0 || len(value) > 18 {
		return odd
	}
	r.length = 0
	for _, c := range value {
		if c < '0' || c > '9' {
			return odd
		}
		r.length = r.length*10 + int64(c-'0')
	}
	return taken
}

// finish looks at what the fields say together.
func (r *plainReply) finish(out []byte, isHead bool) (_ []byte, _ plainReply, ok bool) {
	allowed := r.status != http.StatusNoContent && r.status != http.StatusNotModified
	switch {
	case allowed && !isHead && r.length < 0: // it has chunks, or ends with the connection
		return out, *r, false
	case r.status == http.StatusNoContent && r.length > 0: // something may follow
		return out, *r, false
	case allowed && !isHead:
		r.body = r.length
	}
	if allowed && r.length >= 0 {
		out = append(strconv.AppendInt(append(out, "Content-Length: "...), r.length, 10), "\r\n"...)
	}
	return out, *r, true
}

func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// isPlainValue is isValue.
func isPlainValue(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
