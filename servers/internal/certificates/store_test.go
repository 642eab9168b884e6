package certificates

import (
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/devcert"
)

// keep puts a certificate into .NET's store of the user.
func (f *folder) keep(store, file string, p *pair) {
	f.t.Helper()
	data, err := devcert.ExportPFX(p.tls(), nil, "")
	must(f.t, err)
	name := filepath.Join(".dotnet", "corefx", "cryptography", "x509stores", store, file+".pfx")
	must(f.t, os.MkdirAll(filepath.Dir(f.path(name)), 0o700))
	f.write(name, data)
}

func TestStore(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		if _, err := newFolder(t).config(Source{Subject: "localhost"}); problem(err) != NoStore {
			t.Error(err)
		}
		return
	}
	f := newFolder(t)
	until := func(d time.Duration) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.NotAfter = time.Now().Add(d) }
	}
	f.keep("my", "B", issue(t, "shop.test", newKey(t), nil, until(time.Hour)))
	f.keep("my", "A", issue(t, "the shop.test again", newKey(t), nil, until(2*time.Hour)))
	f.keep("my", "C", issue(t, "shop.test for clients", newKey(t), nil, func(c *x509.Certificate) { until(9 * time.Hour)(c); forClient(c) }))
	f.keep("webhosting", "D", issue(t, "other.test", newKey(t), nil, nil))
	f.write(".dotnet/corefx/cryptography/x509stores/my/E.pfx", []byte("nonsense"))
	for _, c := range []struct {
		source Source
		want   string // the certificate's name, or "" for an error
		reason string
	}{
		{Source{Subject: "SHOP.test", AllowInvalid: true}, "the shop.test again", ""},
		{Source{Subject: "shop.test", Store: "My", Location: "CurrentUser", AllowInvalid: true}, "the shop.test again", ""},
		{Source{Subject: "other", Store: "WebHosting", AllowInvalid: true}, "other.test", ""},
		{Source{Subject: "shop.test"}, "", "unknown authority"},
		{Source{Subject: "clients", AllowInvalid: true}, "", `none has this subject and a key`},
		{Source{Subject: "other", AllowInvalid: true}, "", "x509stores/my"},
		{Source{Subject: "shop.test", Location: "LocalMachine", AllowInvalid: true}, "", "LocalMachine"},
		{Source{Subject: "shop.test", Store: "../my", AllowInvalid: true}, "", "no name"},
	} {
		config, err := f.config(c.source)
		if c.want == "" {
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Problem != NotInStore && e.Problem != NoStore || !strings.Contains(e.Error(), c.reason) || e.Hint() == "" {
				t.Errorf("%+v: %v", c.source, err)
			}
			continue
		}
		must(t, err)
		if got := shown(t, config, "x"); got != c.want {
			t.Errorf("%+v: %s, want %s", c.source, got, c.want)
		}
	}
}

// A certificate that comes into the store later, and ends later, is taken.
func TestStoreReload(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return // there is none; TestStore looks at what is said
	}
	f := newFolder(t)
	f.keep("my", "A", issue(t, "first.test", newKey(t), nil, nil))
	c, err := f.config(Source{Subject: ".test", AllowInvalid: true})
	must(t, err)
	f.keep("my", "B", issue(t, "second.test", newKey(t), nil, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(48 * time.Hour) }))
	f.later(time.Minute)
	if got := shown(t, c, "x"); got != "second.test" {
		t.Error(got)
	}
}
