package devcert

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// rsaCA is a CA as mkcert makes it.
func rsaCA(t *testing.T, now time.Time) (cert, key []byte) {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{Organization: []string{"mkcert development CA"}},
		NotBefore: now.Add(-time.Minute), NotAfter: now.AddDate(10, 0, 0), KeyUsage: x509.KeyUsageCertSign,
		BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	must(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

func TestMkcert(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	root := filepath.Join(t.TempDir(), "mkcert")
	d.env["CAROOT"] = root
	cert, key := rsaCA(t, d.now)
	must(t, os.MkdirAll(root, 0o700))
	must(t, os.WriteFile(filepath.Join(root, mkcertRoot), cert, 0o600))
	must(t, os.WriteFile(filepath.Join(root, mkcertKey), key, 0o400))
	info := d.ensure()
	if info.Source != Mkcert || info.MadeCA || info.AnchorFile != filepath.Join(root, mkcertRoot) || info.Anchor.Subject.Organization[0] != "mkcert development CA" {
		t.Errorf("%+v", info)
	}
	if again := d.ensure(); again.Made || again.Source != Mkcert {
		t.Errorf("again: %+v", again)
	}
	if removed, err := Remove(d.options()); !removed || err != nil {
		t.Errorf("%v, %v", removed, err)
	}
	if !sameCert(info.AnchorFile, info.Anchor) {
		t.Error("mkcert's CA is gone, too")
	}
	d.ensure()
	must(t, os.RemoveAll(root)) // mkcert -uninstall, and its folder deleted
	if info := d.ensure(); !info.Made || !info.MadeCA || info.Source != Own {
		t.Errorf("without mkcert: %+v", info)
	}
}

// Where there is a CA of our own, mkcert's is left alone, also when it comes later.
func TestOwnBeforeMkcert(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.ensure()
	root := t.TempDir()
	d.env["CAROOT"] = root
	cert, key := rsaCA(t, d.now)
	must(t, os.WriteFile(filepath.Join(root, mkcertRoot), cert, 0o600))
	must(t, os.WriteFile(filepath.Join(root, mkcertKey), key, 0o600))
	must(t, os.Remove(d.file("localhost.pem")))
	if info := d.ensure(); info.Source != Own || info.MadeCA {
		t.Errorf("%+v", info)
	}
}

func openssl(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("GORUN_CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return path
}

// ASP.NET Core's certificate, in a PKCS#12 file as .NET keeps it, is used as it is, and given up when it ends.
func TestAspNet(t *testing.T) {
	t.Parallel()
	tool := openssl(t)
	d := newDesk(t)
	store := filepath.Join(d.env["HOME"], ".dotnet/corefx/cryptography/x509stores/my")
	must(t, os.MkdirAll(store, 0o700))
	writePFX(t, tool, filepath.Join(store, "ABC.pfx"), d.now, true)
	writePFX(t, tool, filepath.Join(store, "OTHER.pfx"), d.now.AddDate(0, 0, 7), false)
	must(t, os.WriteFile(filepath.Join(store, "BROKEN.pfx"), []byte("what"), 0o600))
	if found := FindAspNet(d.options().getenv); len(found) != 3 {
		t.Errorf("found %v", found)
	}
	o := d.options()
	_, info, err := Ensure(o)
	if err != nil || info.Source != AspNet || info.Made || info.File != filepath.Join(store, "ABC.pfx") || !info.Anchor.Equal(info.Leaf) {
		t.Errorf("%+v, %v", info, err)
	}
	d.now = d.now.AddDate(1, 0, 1)
	_, info, err = Ensure(o)
	if err != nil || info.Source != Own || !info.Made {
		t.Errorf("when it has ended: %+v, %v", info, err)
	}
}

func writePFX(t *testing.T, tool, path string, now time.Time, marked bool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0)}
	if marked {
		template.ExtraExtensions = []pkix.Extension{{Id: aspNetOID(), Value: []byte{3}}}
	}
	self, err := issued(template, template, key, key)
	must(t, err)
	private, err := keyPEM(key)
	must(t, err)
	from := filepath.Join(t.TempDir(), "both.pem")
	must(t, os.WriteFile(from, append(certPEM(self.cert), private...), 0o600))
	cmd := exec.CommandContext(t.Context(), tool, "pkcs12", "-export", "-passout", "pass:", "-in", from, "-out", path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// OpenSSL reads the key that was encrypted, with the password and only with it.
func TestExportPEM(t *testing.T) {
	t.Parallel()
	tool := openssl(t)
	d := newDesk(t)
	cert, info, err := Ensure(d.options())
	must(t, err)
	for _, password := range []string{"", "pass word", "ü$"} {
		text, key, err := ExportPEM(cert, password)
		must(t, err)
		certs, _, err := parsePEM(text)
		if err != nil || len(certs) != 1 || !certs[0].Equal(info.Leaf) {
			t.Errorf("the certificate: %v", err)
		}
		if wrong := opened(t, tool, key, password+"x"); (wrong != nil) != (password == "") {
			t.Errorf("%q: a wrong password opens it", password)
		}
		private := opened(t, tool, key, password)
		if private == nil || !belongs(info.Leaf, private) {
			t.Errorf("%q: %s", password, key)
		}
	}
	if _, _, err := ExportPEM(tls.Certificate{}, ""); err == nil {
		t.Error("no certificate is exported")
	}
}

func opened(t *testing.T, tool string, key []byte, password string) crypto.Signer {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tool, "pkey", "-passin", "pass:"+password)
	cmd.Stdin = bytes.NewReader(key)
	out, err := cmd.Output()
	if _, exited := errors.AsType[*exec.ExitError](err); exited {
		return nil
	}
	must(t, err)
	_, private, err := parsePEM(out)
	must(t, err)
	return private
}

func TestDefaultDir(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		goos string
		env  map[string]string
		want string // "" is an error
	}{
		{"linux", map[string]string{"HOME": "/home/x"}, "/home/x/.local/share"},
		{"linux", map[string]string{"HOME": "/home/x", "XDG_DATA_HOME": "/data"}, "/data"},
		{"linux", map[string]string{"HOME": "/home/x", "XDG_DATA_HOME": "data"}, "/home/x/.local/share"},
		{"linux", nil, ""},
		{"darwin", map[string]string{"HOME": "/Users/x", "XDG_DATA_HOME": "/data"}, "/Users/x/Library/Application Support"},
		{"windows", map[string]string{"LOCALAPPDATA": "/l", "HOME": "/h"}, "/l"},
		{"windows", map[string]string{"HOME": "/h"}, ""},
	} {
		got, err := dataHome(func(name string) string { return c.env[name] }, c.goos)
		if filepath.ToSlash(got) != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
}

func FuzzParsePEM(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\nx"))
	f.Add([]byte("\n \n"))
	ca, err := newCA(Options{})
	if err != nil {
		f.Fatal(err)
	}
	key, err := keyPEM(ca.key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(certPEM(ca.cert), key...))
	f.Fuzz(func(t *testing.T, data []byte) {
		certs, key, err := parsePEM(data)
		if err != nil && (certs != nil || key != nil) {
			t.Error("both a result and an error")
		}
		for _, cert := range certs { // what was read is written and read back
			if again, _, err := parsePEM(certPEM(cert)); err != nil || !again[0].Equal(cert) {
				t.Error(err)
			}
		}
	})
}
