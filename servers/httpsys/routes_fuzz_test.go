//go:build unix

package httpsys

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
	"github.com/gorun-dev/gorun/servers/internal/wire"
	"github.com/gorun-dev/gorun/servers/kestrel"
)

// FuzzSameRoute: what the parser of heads says of a request leads to the same prefix as what its handler has. Otherwise a request
// could be taken for a server's own and then be passed on by it, for ever.
func FuzzSameRoute(f *testing.F) {
	for _, target := range []string{"/", "*", "/base", "/base/x", "/BASE//x", "/base%2Fx", "/%62ase/", "/x/../base/x", "/a%20b/", "/a b", "/\u00fc/x",
		"/%c3%bc/", "/%C3%9C/", "http://a/base", "http://a?base", "/base;x", "/base?/other", "/base#x", "/other/%2e%2e/base", "/%", "/%zz/base", "/b|ase"} {
		f.Add("GET", target, "a")
	}
	f.Add("OPTIONS", "*", "other")
	f.Add("CONNECT", "a:80", "a:80")
	local := net.TCPAddrFromAddrPort(netip.MustParseAddrPort("10.0.0.1:80"))
	var entries []entry
	for i, text := range []string{"http://a:80/", "http://a:80/base/", "http://a:80/a%20b/", "http://a:80/\u00fc/", "http://*:80/other/", "http://*:80/base/x/"} {
		p, err := urlprefix.Parse(text)
		if err != nil {
			f.Fatal(err)
		}
		entries = append(entries, entry{p, i%2 == 0})
	}
	routes := newRoutes(entries, http.NotFoundHandler())
	found := func(scheme string, host, path []byte) string {
		_, p, result := routes.table.Match(scheme, host, addrPort(local), path)
		return fmt.Sprint(p, result)
	}
	var byHead, byRequest []string
	server := &kestrel.Server{
		Elsewhere: func(_ net.Conn, host, path []byte) bool {
			byHead = append(byHead, found("http", host, path))
			return false
		},
		Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			byRequest = append(byRequest, found("http", []byte(r.Host), []byte(pathOf(r))))
		}),
	}
	f.Cleanup(func() { server.Close() })
	f.Fuzz(func(t *testing.T, method, target, host string) {
		if strings.ContainsAny(method+target+host, "\r\n") {
			t.Skip()
		}
		byHead, byRequest = nil, nil
		ours, theirs := localPair(t)
		if err := server.ServeConn(&kestrel.Described{Conn: theirs, Local: local}, kestrel.Binding{Protocols: http1}); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(ours, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", method, target, host)
		ours.(*net.UnixConn).CloseWrite()
		answer, _ := io.ReadAll(ours)
		if bytes.HasPrefix(answer, []byte("HTTP/1.1 200 ")) && fmt.Sprint(byHead) != fmt.Sprint(byRequest) {
			t.Errorf("%s %s at %s: by its head %v, to its handler %v", method, target, host, byHead, byRequest)
		}
	})
}

// localPair gives both ends of a stream.
func localPair(t *testing.T) (net.Conn, net.Conn) {
	ours, fd, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := wire.NetConn(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close() })
	return ours, theirs
}
