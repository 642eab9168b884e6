package httpsys

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
)

// routes say whose a request is, as far as this server knows: all prefixes of the ports that it serves. They are not changed,
// but replaced.
type routes struct {
	table *urlprefix.Table[*route]
	// flat says that none of the server's own prefixes has a path base: a request that is known to be its own need not be
	// looked up again.
	flat bool
}

// route is what a prefix leads to.
type route struct {
	handler http.Handler // below the path base; nil: the prefix is another's
}

// entry is a prefix and whether this server has it.
type entry struct {
	prefix urlprefix.Prefix
	mine   bool
}

// newRoutes has h serve the server's own prefixes.
func newRoutes(entries []entry, h http.Handler) *routes {
	r := &routes{flat: true}
	others, whole := &route{}, &route{h}
	var list []urlprefix.Entry[*route]
	for _, e := range entries {
		to := others
		switch {
		case e.mine && e.prefix.PathBase() == "":
			to = whole
		case e.mine:
			to, r.flat = &route{below(h, e.prefix)}, false
		}
		list = append(list, urlprefix.Entry[*route]{Prefix: e.prefix, Value: to})
	}
	r.table = urlprefix.New(list)
	return r
}

// of gives the handler of a request, nil when it is not this server's.
func (r *routes) of(scheme string, host []byte, local net.Addr, path []byte) http.Handler {
	to, _, result := r.table.Match(scheme, host, addrPort(local), path)
	if result != urlprefix.Found {
		return nil
	}
	return to.handler
}

// isShared reports whether the requests that a client may send to the host of this one have several owners.
func (r *routes) isShared(req *http.Request) bool {
	local, _ := req.Context().Value(http.LocalAddrContextKey).(net.Addr)
	mine := 0
	for to := range r.table.Owners(schemeOf(req), req.Host, addrPort(local)) {
		if to.handler == nil {
			return true
		}
		mine++
	}
	return mine == 0
}

// ofRequest is of for a request that is being served.
func (r *routes) ofRequest(req *http.Request) http.Handler {
	local, _ := req.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return r.of(schemeOf(req), []byte(req.Host), local, []byte(pathOf(req)))
}

// resultOf says why a request is not this server's; Found: it is another's.
func (r *routes) resultOf(req *http.Request) urlprefix.Result {
	local, _ := req.Context().Value(http.LocalAddrContextKey).(net.Addr)
	_, _, result := r.table.Match(schemeOf(req), []byte(req.Host), addrPort(local), []byte(pathOf(req)))
	return result
}

// pathOf gives what the parser of heads has as the path.
func pathOf(r *http.Request) string {
	if path := r.URL.EscapedPath(); strings.HasPrefix(path, "/") {
		return path
	}
	return "/" // of OPTIONS * and CONNECT
}

func schemeOf(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

func addrPort(addr net.Addr) netip.AddrPort {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	at := tcp.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}
