package certificates

import (
	"crypto/tls"
	"path/filepath"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/devcert"
)

// The certificate of package devcert serves, is verified by a client that trusts its CA, and is changed without a restart when it
// was removed and made anew.
func TestDevcert(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	d := devcert.Options{Dir: filepath.Join(f.dir, "certs"), Getenv: f.options().Getenv}
	o := f.options()
	o.Development = func(again bool) (tls.Certificate, string, error) {
		get := devcert.Ensure
		if again {
			get = devcert.Load
		}
		cert, info, err := get(d)
		return cert, info.File, err
	}
	c, err := Config(Endpoint{}, o)
	must(t, err)
	trusts := func() bool {
		info, err := devcert.Check(d)
		must(t, err)
		client := asking("localhost")
		client.InsecureSkipVerify, client.RootCAs = false, (&pair{cert: info.Anchor}).pool()
		_, _, err = shake(t, c, client)
		return err == nil
	}
	if !trusts() {
		t.Error("the certificate is not trusted")
	}
	_, err = devcert.Remove(d)
	must(t, err)
	f.later(time.Minute)
	if shown(t, c, "localhost") != "localhost" {
		t.Error("without the file there is no certificate any more")
	}
	_, _, err = devcert.Ensure(d)
	must(t, err)
	f.later(time.Minute)
	if !trusts() {
		t.Error("the new certificate is not shown")
	}
}
