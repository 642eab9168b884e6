package relay

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"strconv"

	"github.com/gorun-dev/gorun/servers/internal/serve"
)

// client is what is known of a client's connection: its Note.
type client struct {
	address, scheme string
	certificate     []byte // the field, with its end
	forwarded       []byte // the fields of a request that has none of them
	stack           int    // of the pool, where its connections to the app lie
}

func clientOf(raw *serve.Raw) *client {
	if c, ok := raw.Note.(*client); ok {
		return c
	}
	req := &http.Request{RemoteAddr: raw.Remote(), TLS: raw.TLS()}
	c := &client{address: clientAddress(req.RemoteAddr), scheme: scheme(req), certificate: appendCertificate(nil, req), stack: rand.IntN(1 << 20)}
	c.forwarded = c.appendForwarded(nil, forwarded{})
	raw.Note = c
	return c
}

// forwarded are the fields of a client that the front adds to.
type forwarded struct {
	addresses, schemes []byte // nil: there is none
}

func (c *client) appendForwarded(out []byte, f forwarded) []byte {
	out = append(out, c.certificate...)
	out = appendJoined(out, forField, f.addresses, c.address)
	return appendJoined(out, protoField, f.schemes, c.scheme)
}

// appendJoined does what appendList does with one field.
func appendJoined(out []byte, key string, before []byte, own string) []byte {
	if len(before) == 0 && own == "" {
		return out
	}
	out = append(append(out, key...), ": "...)
	out = append(out, before...)
	if len(before) > 0 && own != "" {
		out = append(out, ", "...)
	}
	return append(append(out, own...), "\r\n"...)
}

// appendPlain writes the request line, and the client's fields as exchange.appendFields does, but in the client's order. ok is
// false for a request that is not to go the fast way.
func (f *flight) appendPlain(out []byte) (_ []byte, ok bool) {
	raw := f.raw
	method, target := raw.Method(), raw.Target()
	if string(method) == http.MethodConnect || bytes.IndexByte(target, '\t') >= 0 {
		return out, false
	}
	out = append(append(out, method...), ' ')
	out = append(append(out, target...), " HTTP/1.1\r\n"...)
	f.forwarded = forwarded{}
	for i := range raw.Len() {
		name, value := raw.Field(i)
		switch f.judge(name, value) {
		case taken:
		case odd:
			return out, false
		default:
			out, _ = appendName(out, name)
			out = append(append(append(out, ": "...), value...), "\r\n"...)
		}
	}
	return out, true
}

// appendEnd writes the front's own fields, the framing and the body.
func (f *flight) appendEnd(out []byte) []byte {
	raw, c := f.raw, clientOf(f.raw)
	out = append(out, f.route.token...)
	if f.addresses == nil && f.schemes == nil {
		out = append(out, c.forwarded...)
	} else {
		out = c.appendForwarded(out, f.forwarded)
	}
	if n := raw.ContentLength(); n >= 0 || meansBody(string(raw.Method())) {
		out = append(strconv.AppendInt(append(out, "Content-Length: "...), max(n, 0), 10), "\r\n"...)
	}
	return append(append(out, "\r\n"...), raw.Body...)
}

// what is to become of a field.
type what byte

const (
	copied what = iota
	taken       // it is not copied: what it says is heard, or is not for the other side
	odd         // the fast way does not know what to do
)

// judge looks at a client's field.
func (f *flight) judge(name, value []byte) what {
	const ours = "ms-aspnetcore"
	switch n := len(name); {
	case bytes.IndexByte(name, '_') >= 0:
		return odd // it may count as one with hyphens
	case n >= len(ours) && isFold(name[:len(ours)], ours):
		return taken
	}
	switch len(name) {
	case len("Te"):
		return takenIf(isFold(name, "te"))
	case len("Expect"):
		return oddIf(isFold(name, "expect") || isFold(name, "pragma")) // the server makes another field of the latter
	case len("Upgrade"):
		if isFold(name, "upgrade") {
			return odd
		}
		return takenIf(isFold(name, "trailer"))
	case len("Connection"):
		if isFold(name, "connection") {
			return plainConnection(value)
		}
		return takenIf(isFold(name, "keep-alive"))
	case len("Content-Length"):
		return takenIf(isFold(name, "content-length"))
	case len("X-Forwarded-For"):
		if isFold(name, "x-forwarded-for") {
			return once(&f.addresses, value)
		}
	case len("Proxy-Connection"):
		if isFold(name, "proxy-connection") {
			return taken
		}
	case len("X-Forwarded-Proto"):
		switch {
		case isFold(name, "x-forwarded-proto"):
			return once(&f.schemes, value)
		case isFold(name, "transfer-encoding"):
			return odd
		}
	}
	return copied
}

func takenIf(is bool) what {
	if is {
		return taken
	}
	return copied
}

func oddIf(is bool) what {
	if is {
		return odd
	}
	return copied
}

// once keeps a value; a second one is to be joined with care.
func once(kept *[]byte, value []byte) what {
	if *kept != nil {
		return odd
	}
	*kept = value
	return taken
}

// plainConnection knows the values of Connection that name no other field.
func plainConnection(value []byte) what {
	switch {
	case len(value) == 0, isFold(value, "keep-alive"), isFold(value, "close"):
		return taken
	}
	return odd
}

// isFold compares with a text in lower case.
func isFold(b []byte, lowerCase string) bool {
	if len(b) != len(lowerCase) {
		return false
	}
	for i, c := range b {
		if lower(c) != lowerCase[i] {
			return false
		}
	}
	return true
}

// appendName writes the name of a field in canonical form. It reports false when it is no token.
func appendName(out, name []byte) (_ []byte, isToken bool) {
	from := len(out)
	out = append(out, name...)
	begins := true
	for i, c := range out[from:] {
		switch tokenKinds[c] {
		case noToken:
			return out, false
		case lowerLetter:
			if begins {
				out[from+i] = c - 0x20
			}
		case upperLetter:
			if !begins {
				out[from+i] = c + 0x20
			}
		}
		begins = c == '-'
	}
	return out, len(name) > 0
}

const (
	noToken = iota
	lowerLetter
	upperLetter
	otherToken
)

// tokenKinds has the characters of field names (RFC 9110, 5.6.2).
var tokenKinds = func() (kinds [256]byte) {
	for c := range kinds {
		switch {
		case c >= 'a' && c <= 'z':
			kinds[c] = lowerLetter
		case c >= 'A' && c <= 'Z':
			kinds[c] = upperLetter
		case isToken(string(rune(c))) && c < 0x80:
			kinds[c] = otherToken
		}
	}
	return kinds
}()
