package feature_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gorun-dev/gorun/servers/feature"
)

// tenant is a feature that an app adds by itself.
type tenant struct{ Name string }

// A feature is a type: what is put into a context is found by it, and the last one counts.
func Example() {
	ctx := feature.With(context.Background(), tenant{"a"})
	ctx = feature.With(ctx, tenant{"b"})
	t, ok := feature.Get[tenant](ctx)
	fmt.Println(t.Name, ok)
	_, ok = feature.Get[*tenant](ctx)
	fmt.Println(ok)
	// Output:
	// b true
	// false
}

func TestGet(t *testing.T) {
	t.Parallel()
	if v, ok := feature.Get[tenant](t.Context()); ok || v != (tenant{}) {
		t.Errorf("nothing was put in: got %v, %v", v, ok)
	}
	ctx := feature.With[http.Handler](t.Context(), http.NotFoundHandler())
	if _, ok := feature.Get[http.Handler](ctx); !ok {
		t.Error("an interface is not found")
	}
}

// TLSOf finds what the server has set, else what net/http has filled in.
func TestTLSOf(t *testing.T) {
	t.Parallel()
	certificate := new(x509.Certificate)
	for name, c := range map[string]struct {
		feature, field *tls.ConnectionState
		want           bool
		certificate    *x509.Certificate
	}{
		"neither":     {},
		"the feature": {feature: &tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate}}, want: true, certificate: certificate},
		"the field":   {field: &tls.ConnectionState{}, want: true},
		"both":        {feature: &tls.ConnectionState{}, field: &tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate}}, want: true},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.TLS = c.field
		if c.feature != nil {
			r = r.WithContext(feature.With(r.Context(), feature.TLS{State: *c.feature}))
		}
		got, ok := feature.TLSOf(r)
		if ok != c.want || got.ClientCertificate() != c.certificate {
			t.Errorf("%s: got %v, %v", name, ok, got.ClientCertificate())
		}
	}
}
