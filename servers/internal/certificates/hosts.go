package certificates

import (
	"crypto/tls"
	"slices"
	"strings"
)

// host is how TLS is spoken with the clients of one host name.
type host struct {
	config *tls.Config
	http3  bool
}

// table has the hosts of one endpoint by the keys of Endpoint.SNI, in lower case.
type table map[string]*host

// longestName is what the DNS allows. crypto/tls takes more.
const longestName = 253

// find gives the host for a name: the exact one, then the longest *.suffix, then *; nil when nothing fits. A suffix
// stands for one label or more (reference: aspnetcore, SniOptionsSelector).
func (t table) find(name string) *host {
	name = strings.ToLower(name) // which costs nothing when it is so already
	if h := t[name]; h != nil && name != "" {
		return h
	}
	if len(name) > longestName {
		return nil // it would make the loop slow
	}
	for i, c := range []byte(name) {
		if c != '.' || i == 0 {
			continue
		}
		var key [1 + 255]byte // a key on the stack: lookups by string(bytes) copy nothing
		if h := t[string(append(append(key[:0], '*'), name[i:]...))]; h != nil {
			return h
		}
	}
	return t["*"]
}

// configFor is tls.Config.GetConfigForClient. An error ends the handshake.
func (t table) configFor(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	h := t.find(hello.ServerName)
	if h == nil || quicAlone(hello) && !h.http3 {
		return nil, &RefusedError{hello.ServerName}
	}
	return h.config, nil
}

// quicAlone reports whether a client can speak nothing but HTTP/3.
func quicAlone(hello *tls.ClientHelloInfo) bool {
	return len(hello.SupportedProtos) > 0 && !slices.ContainsFunc(hello.SupportedProtos, func(p string) bool { return p != "h3" })
}
