package pairing

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gorun-dev/gorun/servers/feature"
)

const secret = "8d6f2c9e-Token"

// seen is what a handler sees of a request.
type seen struct {
	Path, RawPath, Base, RequestURI, Remote, Client string
	TLS                                             bool
	Header                                          http.Header
}

// pass sends a request through Handler, as a front on this machine does.
func pass(t *testing.T, p Pairing, target string, header http.Header, change func(r *http.Request)) (got *seen, status int) {
	t.Helper()
	h := Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		base, _ := feature.Get[feature.PathBase](r.Context())
		connection, _ := feature.Get[feature.Connection](r.Context())
		_, secure := feature.Get[feature.TLS](r.Context())
		if secure != (r.TLS != nil) {
			t.Errorf("TLS: %v as a feature, %v of the request", secure, r.TLS != nil)
		}
		got = &seen{r.URL.Path, r.URL.RawPath, base.Path, r.RequestURI, r.RemoteAddr, fmt.Sprint(connection.Remote), r.TLS != nil, r.Header}
	}), p, Options{Log: slog.New(slog.DiscardHandler)})
	r := httptest.NewRequest("GET", target, nil)
	r.RemoteAddr = "127.0.0.1:4242"
	r.Header = header
	if change != nil {
		change(r)
	}
	r = r.WithContext(feature.With(r.Context(), feature.Connection{ID: "1", Remote: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4242}}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return got, w.Code
}

func with(pairs ...string) http.Header {
	h := http.Header{tokenKey: {secret}}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// tokenKey is TokenHeader as net/http writes it.
var tokenKey = http.CanonicalHeaderKey(TokenHeader)

func TestToken(t *testing.T) {
	t.Parallel()
	p := Pairing{Token: secret, WebSockets: true}
	for name, h := range map[string]http.Header{
		"none": {}, "empty": {tokenKey: {""}}, "other case": {tokenKey: {strings.ToLower(secret)}},
		"longer": {tokenKey: {secret + "x"}}, "second": {tokenKey: {"x", secret}},
	} {
		if got, status := pass(t, p, "/", h, nil); got != nil || status != http.StatusBadRequest {
			t.Errorf("%s: %d, the handler saw %+v", name, status, got)
		}
	}
	if got, status := pass(t, p, "/", with(), nil); status != http.StatusOK || got.Header.Get(TokenHeader) != secret {
		t.Errorf("the right one: %d, %+v", status, got)
	}
}

func TestPathBase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ base, target, path, raw, cut string }{
		{"", "/a", "/a", "", ""},
		{"/app", "/app/a", "/a", "", "/app"},
		{"/app", "/APP/a", "/a", "", "/APP"},
		{"/app", "/app", "/", "", "/app"},
		{"/app", "/app/", "/", "", "/app"},
		{"/app", "/apple", "/apple", "", ""},
		{"/app", "/other/app", "/other/app", "", ""},
		{"/app", "/app/a%2Fb", "/a/b", "/a%2Fb", "/app"},
		{"/a b", "/a%20b/c%2Fd", "/c/d", "/c%2Fd", "/a b"},
	} {
		got, _ := pass(t, Pairing{Path: c.base, Token: secret}, c.target, with(), nil)
		want := &seen{c.path, c.raw, c.cut, c.target, "127.0.0.1:4242", "127.0.0.1:4242", false, with()}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s under %q (-want +got):\n%s", c.target, c.base, diff)
		}
	}
}

func TestForwarded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header http.Header
		remote string
		tls    bool
		want   http.Header // without the token
	}{
		"address and scheme": {with("X-Forwarded-For", "1.2.3.4:5678", "X-Forwarded-Proto", "https"), "1.2.3.4:5678", true,
			http.Header{"X-Original-For": {"127.0.0.1:4242"}, "X-Original-Proto": {"http"}}},
		"no port":   {with("X-Forwarded-For", "1.2.3.4"), "1.2.3.4:0", false, http.Header{"X-Original-For": {"127.0.0.1:4242"}}},
		"IPv6":      {with("X-Forwarded-For", "[2001:db8::1]:80"), "[2001:db8::1]:80", false, http.Header{"X-Original-For": {"127.0.0.1:4242"}}},
		"bare IPv6": {with("X-Forwarded-For", "2001:db8::1"), "[2001:db8::1]:0", false, http.Header{"X-Original-For": {"127.0.0.1:4242"}}},
		"a list": {with("X-Forwarded-For", "9.9.9.9, 8.8.8.8", "X-Forwarded-For", "1.2.3.4:5"), "1.2.3.4:5", false,
			http.Header{"X-Original-For": {"127.0.0.1:4242"}, "X-Forwarded-For": {"9.9.9.9, 8.8.8.8"}}},
		"schemes": {with("X-Forwarded-Proto", "https, http"), "127.0.0.1:4242", false,
			http.Header{"X-Original-Proto": {"http"}, "X-Forwarded-Proto": {"https"}}},
		"no address": {with("X-Forwarded-For", "unknown", "X-Forwarded-Proto", "https"), "127.0.0.1:4242", false,
			http.Header{"X-Forwarded-For": {"unknown"}, "X-Forwarded-Proto": {"https"}}},
		"no scheme": {with("X-Forwarded-Proto", "ht tp"), "127.0.0.1:4242", false, http.Header{"X-Forwarded-Proto": {"ht tp"}}},
		"host":      {with("X-Forwarded-Host", "h"), "127.0.0.1:4242", false, http.Header{"X-Forwarded-Host": {"h"}}},
	} {
		got, _ := pass(t, Pairing{Token: secret}, "/", c.header, nil)
		c.want.Set(TokenHeader, secret)
		if diff := cmp.Diff(&seen{"/", "", "", "/", c.remote, c.remote, c.tls, c.want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	got, _ := pass(t, Pairing{Token: secret}, "/", with("X-Forwarded-For", "1.2.3.4:5"), func(r *http.Request) { r.RemoteAddr = "10.0.0.1:1" })
	if got.Remote != "10.0.0.1:1" {
		t.Errorf("a stranger has told that it is %s", got.Remote)
	}
}

func TestShutdownMessage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, target, event string
		stops                 bool
	}{
		{"POST", "/app/iisintegration", "shutdown", true},
		{"POST", "/app/IISIntegration", "ShutDown", true},
		{"POST", "/iisintegration", "shutdown", true},
		{"POST", "/app/iisintegration/x", "shutdown", false},
		{"POST", "/x/iisintegration", "shutdown", false},
		{"GET", "/app/iisintegration", "shutdown", false},
		{"POST", "/app/iisintegration", "start", false},
		{"POST", "/app/iisintegration", "", false},
	} {
		stopped, called := false, false
		h := Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }),
			Pairing{Path: "/app", Token: secret}, Options{Stop: func() { stopped = true }})
		r := httptest.NewRequest(c.method, c.target, nil)
		r.Header = with(EventHeader, c.event)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if stopped != c.stops || called == c.stops || c.stops && w.Code != http.StatusAccepted {
			t.Errorf("%+v: stopped %v, called %v, status %d", c, stopped, called, w.Code)
		}
	}
}

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(7), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	for value, shown := range map[string]bool{base64.StdEncoding.EncodeToString(der): true, "no base64!": false, "bm8gREVS": false} {
		h := Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			secured, ok := feature.Get[feature.TLS](r.Context())
			if ok != shown || ok && secured.ClientCertificate().SerialNumber.Int64() != 7 {
				t.Errorf("%.10s: %v", value, ok)
			}
		}), Pairing{Token: secret}, Options{Log: slog.New(slog.DiscardHandler)})
		r := httptest.NewRequest("GET", "/", nil)
		r.Header = with(ClientCertificateHeader, value)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}
