package devcert

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What is exported is read again, by this package and by OpenSSL, and by nobody without the password.
func TestExportPFX(t *testing.T) {
	t.Parallel()
	tool := openssl(t)
	d := newDesk(t)
	cert, info, err := Ensure(d.options())
	must(t, err)
	for _, password := range []string{"", "pass word", "ü$"} {
		data, err := ExportPFX(cert, []*x509.Certificate{info.Anchor}, password)
		must(t, err)
		back, err := ReadPFX(data, password)
		must(t, err)
		if !back.Leaf.Equal(info.Leaf) || len(back.Certificate) != 2 || !belongs(info.Leaf, back.PrivateKey.(crypto.Signer)) {
			t.Errorf("%q: %d certificates, the first is of %s", password, len(back.Certificate), back.Leaf.Subject)
		}
		file := filepath.Join(t.TempDir(), "x.pfx")
		must(t, os.WriteFile(file, data, 0o600))
		out, err := exec.CommandContext(t.Context(), tool, "pkcs12", "-in", file, "-nodes", "-passin", "pass:"+password).CombinedOutput()
		if err != nil || strings.Count(string(out), "BEGIN CERTIFICATE") != 2 || !strings.Contains(string(out), "BEGIN PRIVATE KEY") {
			t.Errorf("%q: %v: %s", password, err, out)
		}
		_, err = ReadPFX(data, password+"x")
		if e, ok := errors.AsType[*PFXError](err); !ok || !e.WrongPassword || e.Hint() == "" {
			t.Errorf("%q: a wrong password gives %v", password, err)
		}
	}
	if _, err := ExportPFX(tls.Certificate{}, nil, ""); err == nil {
		t.Error("no certificate is exported")
	}
}

// The certificate of the key comes first, wherever it stands, whatever kind of key it has.
func TestReadPFX(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	ca, err := newCA(Options{})
	must(t, err)
	for name, key := range map[string]crypto.Signer{"rsa": rsaKey, "ed25519": edKey} {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		must(t, err)
		leaf, err := x509.ParseCertificate(der)
		must(t, err)
		data, err := ExportPFX(tls.Certificate{Certificate: [][]byte{ca.cert.Raw}, PrivateKey: key}, []*x509.Certificate{leaf}, "x")
		must(t, err)
		got, err := ReadPFX(data, "x")
		if err != nil || !got.Leaf.Equal(leaf) || len(got.Certificate) != 2 || string(got.Certificate[0]) != string(leaf.Raw) {
			t.Errorf("%s: %v", name, err)
		}
	}
	data, err := ExportPFX(tls.Certificate{Certificate: [][]byte{ca.cert.Raw}, PrivateKey: rsaKey}, nil, "x")
	must(t, err)
	for name, data := range map[string][]byte{"a stranger's key": data, "cut off": data[:len(data)-9], "nonsense": []byte("nonsense"), "empty": nil} {
		_, err := ReadPFX(data, "x")
		if e, ok := errors.AsType[*PFXError](err); !ok || e.WrongPassword || e.Hint() == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An imported certificate takes the place of the own one, and is made anew when it ends.
func TestImport(t *testing.T) {
	t.Parallel()
	there, here := newDesk(t), newDesk(t)
	cert, from, err := Ensure(there.options())
	must(t, err)
	cert.Certificate = append(cert.Certificate, from.Anchor.Raw)
	old := here.ensure()
	info, err := Import(here.options(), cert)
	if err != nil || info.Source != Own || !info.Leaf.Equal(from.Leaf) || !info.Anchor.Equal(from.Anchor) || info.AnchorFile != here.file("ca.pem") {
		t.Fatalf("%+v, %v", info, err)
	}
	if _, err := os.Stat(here.file("ca-key.pem")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the key of the old CA is still there: %v", err)
	}
	if again := here.ensure(); again.Made || !again.Leaf.Equal(from.Leaf) {
		t.Errorf("again: %+v", again)
	}
	here.now = here.now.Add(leafLife)
	if renewed := here.ensure(); !renewed.MadeCA || renewed.Anchor.Equal(from.Anchor) || renewed.Anchor.Equal(old.Anchor) {
		t.Errorf("when it has ended: %+v", renewed)
	}
	if _, err := Import(there.options(), cert); err != nil { // one's own
		t.Error(err)
	}
	if _, err := os.Stat(there.file("ca-key.pem")); err != nil {
		t.Errorf("the key of the same CA is gone: %v", err)
	}
}

func TestImportAspNet(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.ensure()
	cert := selfSigned(t, d.now, "localhost", true)
	info, err := Import(d.options(), cert)
	if err != nil || info.Source != AspNet || info.File != d.file("localhost.pem") || info.AnchorFile != "" || !info.Anchor.Equal(info.Leaf) {
		t.Fatalf("%+v, %v", info, err)
	}
	if again := d.ensure(); again.Made || again.Source != AspNet {
		t.Errorf("again: %+v", again)
	}
	d.now = d.now.AddDate(1, 0, 1)
	if renewed := d.ensure(); !renewed.Made || renewed.MadeCA || renewed.Source != Own {
		t.Errorf("when it has ended, the own CA signs: %+v", renewed)
	}
}

// What is not a development certificate is left out, and nothing changes.
func TestImportable(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	before := d.ensure()
	cert, info, err := Ensure(newDesk(t).options())
	must(t, err)
	for name, c := range map[string]tls.Certificate{
		"none":           {},
		"without its CA": cert,
		"another's CA":   {Certificate: [][]byte{cert.Certificate[0], before.Anchor.Raw}, PrivateKey: cert.PrivateKey, Leaf: info.Leaf},
		"no mark":        selfSigned(t, d.now, "localhost", false),
		"another name":   selfSigned(t, d.now, "example.org", true),
		"ended":          selfSigned(t, d.now.AddDate(-2, 0, 0), "localhost", true),
	} {
		_, err := Import(d.options(), c)
		if e, ok := errors.AsType[*ImportError](err); !ok || e.Hint() == "" {
			t.Errorf("%s: %v", name, err)
		}
		if after := d.ensure(); after.Made || !after.Leaf.Equal(before.Leaf) {
			t.Errorf("%s: %+v", name, after)
		}
	}
}

// A name that ASP.NET Core's certificate lacks is a reason to make one.
func TestAspNetLacksName(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	store := StoreDir(d.options().getenv, "my")
	must(t, os.MkdirAll(store, 0o700))
	data, err := ExportPFX(selfSigned(t, d.now, "localhost", true), nil, "")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(store, "A.pfx"), data, 0o600))
	if info, err := Check(d.options()); err != nil || info.Source != AspNet {
		t.Errorf("%+v, %v", info, err)
	}
	o := d.options()
	o.Names = []string{"api.localhost"}
	if _, info, err := Ensure(o); err != nil || info.Source != Own || info.Leaf.VerifyHostname("api.localhost") != nil {
		t.Errorf("%+v, %v", info, err)
	}
}

// selfSigned is a certificate for a year, with the mark of ASP.NET Core's or without.
func selfSigned(t *testing.T, now time.Time, name string, marked bool) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0), BasicConstraintsValid: true,
	}
	if marked {
		template.ExtraExtensions = []pkix.Extension{{Id: aspNetOID(), Value: []byte{3}}}
	}
	self, err := issued(template, template, key, key)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{self.cert.Raw}, PrivateKey: key, Leaf: self.cert}
}
