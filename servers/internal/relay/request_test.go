package relay

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// written gives the head that is sent for req, with lines ending in LF.
func written(t *testing.T, req *http.Request, target Target) string {
	t.Helper()
	x, err := newExchange(&Relay{}, httptest.NewRecorder(), req, target)
	if err != nil {
		t.Fatal(err)
	}
	defer x.end()
	return strings.ReplaceAll(string(x.request), "\r\n", "\n")
}

// request is a GET of a client without fields.
func request(change func(r *http.Request)) *http.Request {
	r := &http.Request{
		Method: "GET", RequestURI: "/", Host: "h", Header: http.Header{}, Body: http.NoBody,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, RemoteAddr: "1.2.3.4:5678",
	}
	change(r)
	return r
}

func TestHead(t *testing.T) {
	t.Parallel()
	const forwarded = "X-Forwarded-For: 1.2.3.4:5678\nX-Forwarded-Proto: http\n"
	for name, c := range map[string]struct {
		change func(r *http.Request)
		want   string // the fields after Host
	}{
		"nothing": {func(r *http.Request) {}, forwarded},
		"forged": {func(r *http.Request) {
			r.Header = http.Header{
				"Ms-Aspnetcore-Token": {"x"}, "Ms-Aspnetcore-Clientcert": {"x"}, "Ms-Aspnetcore-Winauthtoken": {"1"},
				"MS-ASPNETCORE-event": {"shutdown"}, "Ms-Aspnetcoretoken": {"x"}, "X-Ms-Aspnetcore-A": {"stays"},
			}
		}, "X-Ms-Aspnetcore-A: stays\n" + forwarded},
		"forwarded before": {func(r *http.Request) {
			r.Header = http.Header{
				"X-Forwarded-For": {"9.9.9.9, 8.8.8.8", " 7.7.7.7"}, "X-Forwarded-Proto": {"https", ""}, "X-Forwarded-Host": {"a", "b"},
			}
		}, "X-Forwarded-Host: a\nX-Forwarded-Host: b\nX-Forwarded-For: 9.9.9.9, 8.8.8.8, 7.7.7.7, 1.2.3.4:5678\nX-Forwarded-Proto: https, http\n"},
		"IPv6": {func(r *http.Request) { r.RemoteAddr = "[2001:db8::1]:80" }, "X-Forwarded-For: [2001:db8::1]:80\nX-Forwarded-Proto: http\n"},
		"IPv4 in IPv6": {func(r *http.Request) { r.RemoteAddr = "[::ffff:1.2.3.4]:80" },
			"X-Forwarded-For: 1.2.3.4:80\nX-Forwarded-Proto: http\n"},
		"a zone":      {func(r *http.Request) { r.RemoteAddr = "[fe80::1%eth0]:80" }, "X-Forwarded-For: [fe80::1]:80\nX-Forwarded-Proto: http\n"},
		"unix socket": {func(r *http.Request) { r.RemoteAddr = "@" }, "X-Forwarded-Proto: http\n"},
		"certificate": {func(r *http.Request) {
			r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: []byte("\xfb\xff\xfe")}, {Raw: []byte("issuer")}}}
		}, "MS-ASPNETCORE-CLIENTCERT: +//+\nX-Forwarded-For: 1.2.3.4:5678\nX-Forwarded-Proto: https\n"},
		"TLS without": {func(r *http.Request) { r.TLS = &tls.ConnectionState{} }, "X-Forwarded-For: 1.2.3.4:5678\nX-Forwarded-Proto: https\n"},
		"of the connection": {func(r *http.Request) {
			r.Header = http.Header{
				"Connection": {"close, X-A", "x-b ,X-Forwarded-For"}, "X-A": {"1"}, "X-B": {"1"}, "X-C": {"1"}, "X-Forwarded-For": {"9.9.9.9"},
				"Keep-Alive": {"1"}, "Proxy-Connection": {"1"}, "Te": {"trailers"}, "Transfer-Encoding": {"gzip"}, "Trailer": {"X"},
			}
		}, "X-C: 1\n" + forwarded},
		"WebSocket": {func(r *http.Request) {
			r.Header = http.Header{"Connection": {"keep-alive, upgrade"}, "Upgrade": {"WebSocket"}, "Sec-Websocket-Key": {"k"}}
		}, "Sec-Websocket-Key: k\n" + forwarded + "Connection: Upgrade\nUpgrade: websocket\n"},
		"WebSocket without Connection": {func(r *http.Request) { r.Header = http.Header{"Upgrade": {"websocket"}} }, forwarded},
		"h2c": {func(r *http.Request) {
			r.Header = http.Header{"Connection": {"Upgrade, HTTP2-Settings"}, "Upgrade": {"h2c"}, "Http2-Settings": {"x"}}
		}, forwarded},
		"WebSocket by POST": {func(r *http.Request) {
			r.Method, r.Header = "POST", http.Header{"Connection": {"upgrade"}, "Upgrade": {"websocket"}}
		}, forwarded + "Content-Length: 0\n"},
		"length 0":   {func(r *http.Request) { r.Header = http.Header{"Content-Length": {"0"}} }, forwarded + "Content-Length: 0\n"},
		"no body":    {func(r *http.Request) { r.Method = "PUT" }, forwarded + "Content-Length: 0\n"},
		"DELETE":     {func(r *http.Request) { r.Method = "DELETE" }, forwarded},
		"no length":  {func(r *http.Request) { r.ContentLength = -1 }, forwarded + "Transfer-Encoding: chunked\n"},
		"two values": {func(r *http.Request) { r.Header = http.Header{"X": {"2", "1", ""}} }, "X: 2\nX: 1\nX: \n" + forwarded},
		"trailers": {func(r *http.Request) {
			r.ContentLength, r.Trailer = -1, http.Header{"X-B": nil, "X-A": nil, "Content-Length": nil, "Ms-Aspnetcore-Token": nil, "X-Forwarded-For": nil}
		}, forwarded + "Trailer: X-A, X-B\nTransfer-Encoding: chunked\n"},
		"other case of framing": {func(r *http.Request) {
			r.Header = http.Header{"content-length": {"7"}, "TRANSFER-ENCODING": {"chunked"}, "host": {"other"}}
		}, forwarded},
		"line breaks": {func(r *http.Request) {
			r.Header = http.Header{"X": {"a\r\nB: c\x00"}, "A b": {"1"}, "A:": {"1"}, "": {"1"}, "X\r\nY": {"1"}}
		}, "X: a  B: c \n" + forwarded},
		"underscores": {func(r *http.Request) {
			r.Header = http.Header{"X_forwarded_for": {"1"}, "Ms_aspnetcore_token": {"1"}, "Content_length": {"1"}, "My_field": {"1"}}
		}, "My_field: 1\n" + forwarded},
		"expect nothing": {func(r *http.Request) { r.Header = http.Header{"Expect": {"100-Continue"}} }, forwarded},
		"expect more":    {func(r *http.Request) { r.Header = http.Header{"Expect": {"fun"}} }, "Expect: fun\n" + forwarded},
		"expect": {func(r *http.Request) {
			r.Method, r.ContentLength, r.Header = "POST", 3, http.Header{"Expect": {"100-Continue"}, "Content-Length": {"3"}}
		}, forwarded + "Expect: 100-continue\nContent-Length: 3\n"},
	} {
		r := request(c.change)
		want := r.Method + " / HTTP/1.1\nHost: h\n" + c.want + "\n"
		if diff := cmp.Diff(want, written(t, r, Target{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	got := written(t, request(func(r *http.Request) { r.Header.Set("Ms-Aspnetcore-Token", "forged") }), Target{Token: "t"})
	if !strings.Contains(got, "\nMS-ASPNETCORE-TOKEN: t\n") || strings.Contains(got, "forged") {
		t.Error(got)
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, target, want string }{
		{"GET", "/a%2Fb/../c//d?x=%zz&y#z", "/a%2Fb/../c//d?x=%zz&y#z"},
		{"GET", "/a\tb", "/a%09b"},
		{"GET", "/a b\r\nX: y\x00é", "/a%20b%0D%0AX:%20y%00%C3%A9"},
		{"GET", "http://h/a?b#c", "/a?b"},
		{"GET", "HTTP://user@h:80", "/"},
		{"GET", "http://h?b", "/?b"},
		{"OPTIONS", "http://h", "*"},
		{"OPTIONS", "http://h/", "/"},
		{"OPTIONS", "*", "*"},
		{"GET", "", "/from%20url?q"},
	} {
		r := request(func(r *http.Request) { r.Method, r.RequestURI = c.method, c.target })
		r.URL = httptest.NewRequest("GET", "/from%20url?q", nil).URL
		line, _, _ := strings.Cut(written(t, r, Target{}), "\n")
		if want := c.method + " " + c.want + " HTTP/1.1"; line != want {
			t.Errorf("%q: %q, want %q", c.target, line, want)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	grpc := func(contentType string, version int) func(r *http.Request) {
		return func(r *http.Request) { r.Header.Set("Content-Type", contentType); r.ProtoMajor = version }
	}
	for name, c := range map[string]struct {
		change func(r *http.Request)
		status int // 0: it is passed on
	}{
		"CONNECT":              {func(r *http.Request) { r.Method = "CONNECT" }, 501},
		"no method":            {func(r *http.Request) { r.Method = "A B" }, 400},
		"gRPC":                 {grpc("application/grpc", 2), 505},
		"gRPC with a codec":    {grpc("Application/gRPC+proto", 2), 505},
		"gRPC with parameters": {grpc("application/grpc; x", 3), 505},
		"gRPC by HTTP/1.1":     {grpc("application/grpc", 1), 0},
		"gRPC-Web":             {grpc("application/grpc-web+proto", 2), 0},
	} {
		_, err := newExchange(&Relay{}, httptest.NewRecorder(), request(c.change), Target{})
		var e *Error
		refusal, ok := errors.AsType[*RefusalError](err)
		switch {
		case c.status == 0 && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.status != 0 && (!ok || refusal.Status != c.status || !errors.As(err, &e) || e.Sent || e.Retriable || !e.Client):
			t.Errorf("%s: %#v", name, err)
		}
	}
}
