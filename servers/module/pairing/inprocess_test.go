package pairing

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gorun-dev/gorun/servers/feature"
)

// In-process a request needs no token, nobody speaks for the client, and no message stops the app.
func TestInProcess(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ base, target, path, raw, cut string }{
		{"", "/a", "/a", "", ""},
		{"/app", "/app/a", "/a", "", "/app"},
		{"/app", "/APP", "/", "", "/APP"},
		{"/app", "/apple", "/apple", "", ""},
		{"/app", "/app/a%2Fb", "/a/b", "/a%2Fb", "/app"},
		{"/app", "/app/iisintegration", "/iisintegration", "", "/app"},
	} {
		var got *http.Request
		h := InProcess(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }), c.base)
		r := httptest.NewRequestWithContext(feature.With(t.Context(), feature.PathBase{}), "POST", c.target, nil)
		for field, value := range map[string]string{
			EventHeader: "shutdown", "X-Forwarded-For": "1.2.3.4:5", "X-Forwarded-Proto": "https", ClientCertificateHeader: "x",
		} {
			r.Header.Set(field, value)
		}
		r.RemoteAddr = "127.0.0.1:4242"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got != r || w.Code != http.StatusOK {
			t.Fatalf("%s: the handler saw %v, the status is %d", c.target, got, w.Code)
		}
		base, ok := feature.Get[feature.PathBase](got.Context())
		if got.URL.Path != c.path || got.URL.RawPath != c.raw || base.Path != c.cut || !ok {
			t.Errorf("%s under %q: path %q (%q), base %q (%v)", c.target, c.base, got.URL.Path, got.URL.RawPath, base.Path, ok)
		}
		if got.RemoteAddr != "127.0.0.1:4242" || got.TLS != nil || len(got.Header) != 4 || got.Header.Get("X-Forwarded-For") == "" {
			t.Errorf("%s: somebody has spoken for the client: %s, %v, %v", c.target, got.RemoteAddr, got.TLS, got.Header)
		}
	}
}

func TestPathFromEnvironment(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{"": "", "/": "", "/app": "/app", "/app/": "/app", "app": "/app", "//": ""} {
		got := PathFromEnvironment(func(name string) string { return map[string]string{PathVariable: value}[name] })
		if got != want {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
	}
}
