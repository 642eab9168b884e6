package endpoint

import (
	"slices"
	"strings"
	"testing"
)

func TestProtocols(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		p    Protocols
		name string
		alpn []string
	}{
		"http1":                 {HTTP1, "Http1", []string{"http/1.1"}},
		"Http2":                 {HTTP2, "Http2", []string{"h2"}},
		"HTTP3":                 {HTTP3, "Http3", nil},
		"Http1AndHttp2":         {HTTP1AndHTTP2, "Http1AndHttp2", []string{"h2", "http/1.1"}},
		"Http1, Http2":          {HTTP1AndHTTP2, "Http1AndHttp2", []string{"h2", "http/1.1"}},
		"http1andhttp2andhttp3": {HTTP1AndHTTP2AndHTTP3, "Http1AndHttp2AndHttp3", []string{"h2", "http/1.1"}},
		"Http1,Http3":           {HTTP1 | HTTP3, "Http1, Http3", []string{"http/1.1"}},
	} {
		p, err := ParseProtocols(text)
		if err != nil || p != want.p || p.String() != want.name || !slices.Equal(p.ALPN(), want.alpn) {
			t.Errorf("%s: got %d %q %q, %v", text, p, p, p.ALPN(), err)
		}
		if again, err := ParseProtocols(p.String()); again != p || err != nil {
			t.Errorf("%s: reads back as %v, %v", p, again, err)
		}
	}
	for _, text := range []string{"", "Http", "Http1;Http2", "None", "h2"} {
		if p, err := ParseProtocols(text); err == nil || !strings.Contains(err.Error(), "Http1AndHttp2") {
			t.Errorf("%q: got %v, %v", text, p, err)
		}
	}
	var none Protocols
	if none.String() != "Http1AndHttp2" || !none.Has(HTTP2) || none.Has(HTTP3) {
		t.Errorf("the zero value is %v", none)
	}
}
