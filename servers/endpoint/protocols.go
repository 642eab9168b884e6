package endpoint

import (
	"fmt"
	"strings"
)

// Protocols are the versions of HTTP that a server speaks at one endpoint, a set of bits. The zero value means the
// default, HTTP1AndHTTP2. Its names are those of Kestrel's HttpProtocols (reference: servers.md, 3.3).
type Protocols uint8

// The versions, and the sets that have a name. Without TLS a client cannot say which version it wants, so that with
// both the first is spoken; HTTP2 alone is HTTP/2 with prior knowledge (h2c). HTTP/3 has TLS always.
const (
	HTTP1 Protocols = 1 << iota
	HTTP2
	HTTP3

	HTTP1AndHTTP2         = HTTP1 | HTTP2
	HTTP1AndHTTP2AndHTTP3 = HTTP1 | HTTP2 | HTTP3
)

var protocolNames = []struct {
	name string
	p    Protocols
}{
	{"Http1", HTTP1}, {"Http2", HTTP2}, {"Http3", HTTP3},
	{"Http1AndHttp2", HTTP1AndHTTP2}, {"Http1AndHttp2AndHttp3", HTTP1AndHTTP2AndHTTP3},
}

// ParseProtocols reads a name, in any case, or several separated by commas, as .NET reads flags.
func ParseProtocols(s string) (Protocols, error) {
	var all Protocols
	for name := range strings.SplitSeq(s, ",") {
		p, ok := named(strings.TrimSpace(name))
		if !ok {
			return 0, fmt.Errorf("%q names no version of HTTP: write Http1, Http2, Http3, Http1AndHttp2 or Http1AndHttp2AndHttp3", s)
		}
		all |= p
	}
	return all, nil
}

func named(name string) (Protocols, bool) {
	for _, known := range protocolNames {
		if strings.EqualFold(name, known.name) {
			return known.p, true
		}
	}
	return 0, false
}

// String gives what ParseProtocols reads; the zero value has the name of the default.
func (p Protocols) String() string {
	p = p.OrDefault()
	for _, known := range protocolNames {
		if p == known.p {
			return known.name
		}
	}
	var names []string
	for _, known := range protocolNames[:3] {
		if p.Has(known.p) {
			names = append(names, known.name)
		}
	}
	return strings.Join(names, ", ")
}

// OrDefault gives p, or the default in place of the zero value.
func (p Protocols) OrDefault() Protocols {
	if p == 0 {
		return HTTP1AndHTTP2
	}
	return p
}

// Has reports whether every version of q is in p. The zero p is the default.
func (p Protocols) Has(q Protocols) bool { return p.OrDefault()&q == q }

// ALPN gives the names by which a TLS connection over TCP chooses one of p, best first. It is nil for HTTP/3 alone.
func (p Protocols) ALPN() []string {
	var names []string
	if p.Has(HTTP2) {
		names = append(names, "h2")
	}
	if p.Has(HTTP1) {
		names = append(names, "http/1.1")
	}
	return names
}
