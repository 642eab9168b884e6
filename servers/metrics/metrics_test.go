package metrics_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/gorun-dev/gorun/servers/metrics"
)

func TestMethod(t *testing.T) {
	t.Parallel()
	for _, known := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"} {
		if got := metrics.Method(known); got != known {
			t.Errorf("Method(%q) = %q", known, got)
		}
	}
	for _, other := range []string{"", "get", "Get", "PROPFIND", "GET ", "_OTHER"} {
		if got := metrics.Method(other); got != metrics.OtherMethod {
			t.Errorf("Method(%q) = %q, want %q", other, got, metrics.OtherMethod)
		}
	}
}

// TestRoute has http.ServeMux say what its patterns look like.
func TestRoute(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ pattern, method, url, want string }{
		{"/", "GET", "http://example.com/anything", "/"},
		{"/items/{id}", "GET", "http://example.com/items/7", "/items/{id}"},
		{"GET /items/{id}", "GET", "http://example.com/items/7", "/items/{id}"},
		{"GET\texample.com/{path...}", "GET", "http://example.com/a/b", "/{path...}"},
		{"example.com/{$}", "GET", "http://example.com/", "/{$}"},
		{"GET /taken", "POST", "http://example.com/taken", ""},
	} {
		mux := http.NewServeMux()
		mux.HandleFunc(test.pattern, func(http.ResponseWriter, *http.Request) {})
		r := httptest.NewRequest(test.method, test.url, nil)
		mux.ServeHTTP(httptest.NewRecorder(), r)
		if got := metrics.Route(r.Pattern); got != test.want {
			t.Errorf("%q: Route(%q) = %q, want %q", test.pattern, r.Pattern, got, test.want)
		}
	}
	if got := metrics.Route("items#show"); got != "items#show" {
		t.Errorf("another router's pattern became %q", got)
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	for proto, want := range map[string]string{
		"HTTP/1.0": "1.0", "HTTP/1.1": "1.1", "HTTP/2.0": "2", "HTTP/2": "2", "HTTP/3.0": "3", "": "", "SPDY/3": "",
	} {
		if got := metrics.ProtocolVersion(proto); got != want {
			t.Errorf("ProtocolVersion(%q) = %q, want %q", proto, got, want)
		}
	}
	for version, want := range map[uint16]string{
		0: "", tls.VersionTLS10: "1.0", tls.VersionTLS11: "1.1", tls.VersionTLS12: "1.2", tls.VersionTLS13: "1.3", 0x7f17: "",
	} {
		if got := metrics.TLSVersion(version); got != want {
			t.Errorf("TLSVersion(%#x) = %q, want %q", version, got, want)
		}
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		local net.Addr
		want  string
	}{
		{nil, "[]"},
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}, "[server.address=127.0.0.1 server.port=80 network.type=ipv4 network.transport=tcp]"},
		{&net.TCPAddr{IP: net.IPv6loopback, Port: 80}, "[server.address=::1 server.port=80 network.type=ipv6 network.transport=tcp]"},
		{&net.TCPAddr{IP: net.ParseIP("fe80::1"), Port: 1, Zone: "eth0"}, "[server.address=fe80::1%eth0 server.port=1 network.type=ipv6 network.transport=tcp]"},
		{&net.UDPAddr{IP: net.IPv6loopback, Port: 443}, "[server.address=::1 server.port=443 network.type=ipv6 network.transport=udp]"},
		{&net.UnixAddr{Name: "/run/a.sock", Net: "unix"}, "[server.address=/run/a.sock network.transport=unix]"},
		{pipeAddr{}, "[server.address=a network.transport=pipe]"},
	} {
		if got := fmt.Sprint(metrics.Address(test.local)); got != test.want {
			t.Errorf("Address(%v):\ngot  %s\nwant %s", test.local, got, test.want)
		}
	}
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "Pipe" }
func (pipeAddr) String() string  { return "a" }

func TestInstruments(t *testing.T) {
	t.Parallel()
	all := metrics.Instruments()
	want := []string{
		"http.server.request.duration", "http.server.active_requests", "kestrel.active_connections",
		"kestrel.connection.duration", "kestrel.rejected_connections", "kestrel.queued_connections", "kestrel.queued_requests",
		"kestrel.upgraded_connections", "kestrel.tls_handshake.duration", "kestrel.active_tls_handshakes",
	}
	var names []string
	for _, i := range all {
		names = append(names, i.Name)
		isHistogram := i.Kind == metrics.Histogram
		if isHistogram != (i.Unit == "s") || isHistogram != (len(i.Buckets) == 14) || !slices.IsSorted(i.Buckets) || i.Description == "" {
			t.Errorf("%+v", i)
		}
	}
	if !slices.Equal(names, want) {
		t.Errorf("got  %q\nwant %q", names, want)
	}
	all[0].Buckets[0] = 7
	if metrics.Instruments()[0].Buckets[0] == 7 {
		t.Error("what a caller does to the result, others see")
	}
}
