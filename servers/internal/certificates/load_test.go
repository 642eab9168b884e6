package certificates

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// Each kind of key serves, in one file or in two.
func TestKinds(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	for name, key := range map[string]crypto.Signer{"ecdsa": newKey(t), "rsa": rsaKey, "ed25519": edKey} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFolder(t)
			p := issue(t, name, key, nil, nil)
			f.write("one.pem", append([]byte("some text\n"), append(p.keyPEM(t), p.certPEM()...)...))
			f.write("cert.pem", p.certPEM())
			f.write("cert.der", p.cert.Raw)
			f.write("key.pem", p.keyPEM(t))
			der, err := x509.MarshalPKCS8PrivateKey(key)
			must(t, err)
			f.write("key.der", der)
			for _, s := range []Source{
				{Path: "one.pem"}, {Path: f.path("one.pem")}, {Path: "cert.pem", KeyPath: "key.pem"},
				{Path: "cert.der", KeyPath: "key.pem"}, {Path: "cert.pem", KeyPath: "key.der"},
			} {
				c, err := f.config(s)
				must(t, err)
				if got := shown(t, c, name); got != name {
					t.Errorf("%+v shows %s", s, got)
				}
			}
			if log := f.logged(); log != "" {
				t.Error(log)
			}
		})
	}
}

// What OpenSSL encrypts is opened with the password, and with no other.
func TestEncrypted(t *testing.T) {
	t.Parallel()
	const password = "pa ss$ü"
	pfx := func(more ...string) []string {
		return append([]string{"pkcs12", "-export", "-passout", "pass:" + password, "-inkey", "key", "-in", "cert", "-certfile", "more", "-out", "out"}, more...)
	}
	pkcs8 := func(more ...string) []string {
		return append([]string{"pkcs8", "-topk8", "-passout", "pass:" + password, "-in", "key", "-out", "out"}, more...)
	}
	for name, args := range map[string][]string{
		"pfx modern":         pfx(),
		"pfx legacy 3des":    pfx("-descert", "-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"),
		"pfx legacy rc2":     pfx("-legacy"),
		"pfx plain certs":    pfx("-certpbe", "NONE"),
		"pkcs8 aes256":       pkcs8("-v2", "aes256"),
		"pkcs8 aes128 sha1":  pkcs8("-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"),
		"pkcs8 aes192 512":   pkcs8("-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA512"),
		"pkcs8 3des":         pkcs8("-v2", "des3"),
		"legacy pem aes":     {"rsa", "-traditional", "-aes256", "-passout", "pass:" + password, "-in", "rsa", "-out", "out"},
		"legacy pem ec 3des": {"ec", "-des3", "-passout", "pass:" + password, "-in", "key", "-out", "out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFolder(t)
			root := issue(t, "root", newKey(t), nil, asCA)
			key := newKey(t)
			if slices.Contains(args, "rsa") {
				var err error
				key, err = rsa.GenerateKey(rand.Reader, 2048)
				must(t, err)
			}
			p := issue(t, name, key, root, nil)
			f.write("key", p.keyPEM(t))
			f.write("rsa", p.keyPEM(t))
			f.write("cert", p.certPEM())
			f.write("more", root.certPEM())
			args := slices.Clone(args)
			for i, arg := range args[1:] {
				if slices.Contains([]string{"key", "rsa", "cert", "more", "out"}, arg) {
					args[i+1] = f.path(arg)
				}
			}
			openssl(t, args...)
			source := Source{Path: "out", Password: password}
			if args[0] != "pkcs12" {
				source = Source{Path: "cert", KeyPath: "out", Password: password}
			}
			c, err := f.config(source)
			must(t, err)
			if got := shown(t, c, name); got != name {
				t.Errorf("it shows %s", got)
			}
			for wrong, want := range map[string]Problem{"": NeedsPassword, "pass": WrongPassword} {
				source.Password = wrong
				if _, err := f.config(source); problem(err) != want || !strings.Contains(err.Error(), f.path("out")) {
					t.Errorf("password %q: %v", wrong, err)
				}
			}
		})
	}
}

// The issuers follow the certificate in order, however they stand in the file, and the root is not among them.
func TestChain(t *testing.T) {
	t.Parallel()
	root := issue(t, "root", newKey(t), nil, asCA)
	upper := issue(t, "upper", newKey(t), root, asCA)
	lower := issue(t, "lower", newKey(t), upper, asCA)
	leaf := issue(t, "leaf", newKey(t), lower, nil)
	stranger := issue(t, "stranger", newKey(t), nil, nil)
	for name, order := range map[string][]*pair{
		"in order":  {leaf, lower, upper, root},
		"reversed":  {root, upper, lower, leaf},
		"shuffled":  {upper, stranger, leaf, root, lower},
		"twice":     {leaf, leaf, lower, lower, upper},
		"leaf last": {lower, upper, leaf},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFolder(t)
			var all []byte
			for _, p := range order {
				all = append(all, p.certPEM()...)
			}
			f.write("chain.pem", all)
			f.write("key.pem", leaf.keyPEM(t))
			openssl(t, "pkcs12", "-export", "-passout", "pass:", "-inkey", f.path("key.pem"), "-in", f.path("chain.pem"), "-out", f.path("chain.pfx"))
			for _, s := range []Source{{Path: "chain.pem", KeyPath: "key.pem"}, {Path: "chain.pfx"}} {
				c, err := f.config(s)
				must(t, err)
				client := asking("leaf")
				client.InsecureSkipVerify, client.RootCAs = false, root.pool()
				_, state, err := shake(t, c, client)
				must(t, err)
				var got []string
				for _, c := range state.PeerCertificates {
					got = append(got, c.Subject.CommonName)
				}
				if want := []string{"leaf", "lower", "upper"}; !slices.Equal(got, want) {
					t.Errorf("%s: sent %q, want %q", s.Path, got, want)
				}
			}
		})
	}
}

// Every mistake has its problem, names the setting and the file, and says what to do.
func TestMistakes(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	p, other := issue(t, "a", newKey(t), nil, nil), issue(t, "b", newKey(t), nil, nil)
	f.write("cert.pem", p.certPEM())
	f.write("key.pem", p.keyPEM(t))
	f.write("other.pem", other.both(t))
	f.write("nonsense", []byte("nonsense"))
	f.write("empty", nil)
	f.write("cut.pem", p.both(t)[:300])
	f.write("scrypt", nil)
	openssl(t, "pkcs8", "-topk8", "-scrypt", "-passout", "pass:x", "-in", f.path("key.pem"), "-out", f.path("scrypt"))
	openssl(t, "pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-passout", "pass:x", "-in", f.path("key.pem"), "-out", f.path("pbes1"))
	openssl(t, "pkcs12", "-export", "-nokeys", "-passout", "pass:x", "-in", f.path("cert.pem"), "-out", f.path("nokey.pfx"))
	must(t, os.Mkdir(f.path("folder"), 0o700))
	for name, c := range map[string]struct {
		source Source
		want   Problem
		about  string // the file, or ""
	}{
		"no file":          {Source{Path: "none.pem"}, NotThere, "none.pem"},
		"no key file":      {Source{Path: "cert.pem", KeyPath: "none.key"}, NotThere, "none.key"},
		"a folder":         {Source{Path: "folder"}, NotThere, "folder"},
		"nonsense":         {Source{Path: "nonsense"}, NotACert, "nonsense"},
		"empty":            {Source{Path: "empty"}, NotACert, "empty"},
		"cut off":          {Source{Path: "cut.pem"}, NotACert, "cut.pem"},
		"a key alone":      {Source{Path: "key.pem"}, NotACert, "key.pem"},
		"no key":           {Source{Path: "cert.pem"}, NoKey, "cert.pem"},
		"no key in file":   {Source{Path: "cert.pem", KeyPath: "nonsense"}, NoKey, "nonsense"},
		"pfx without key":  {Source{Path: "nokey.pfx", Password: "x"}, NotACert, "nokey.pfx"},
		"another's key":    {Source{Path: "cert.pem", KeyPath: "other.pem"}, Mismatch, "other.pem"},
		"scrypt":           {Source{Path: "cert.pem", KeyPath: "scrypt", Password: "x"}, Unsupported, "scrypt"},
		"pbes1":            {Source{Path: "cert.pem", KeyPath: "pbes1", Password: "x"}, Unsupported, "pbes1"},
		"password alone":   {Source{Password: "x"}, BadCombination, ""},
		"path and subject": {Source{Path: "x", Subject: "y"}, BadCombination, ""},
		"none at all":      {Source{}, NoneGiven, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, err := f.config(c.source)
			e, ok := errors.AsType[*Error](err)
			if !ok || config != nil || e.Problem != c.want || e.Setting != "Kestrel:Endpoints:Web:Certificate" {
				t.Fatalf("%v: %#v", err, e)
			}
			if c.about != "" && e.File != f.path(c.about) || !strings.Contains(e.Error(), c.about) {
				t.Errorf("it is about %q: %v", e.File, e)
			}
			if c.want != BadCombination && e.Hint() == "" {
				t.Error("it has no hint")
			}
			if strings.Contains(e.Error(), "\n") {
				t.Errorf("%q", e)
			}
		})
	}
}

// A certificate that has ended, or a key that all can read, is used and told about, once.
func TestWarnings(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	p := issue(t, "old", newKey(t), nil, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	f.write("old.pem", p.both(t))
	must(t, os.Chmod(f.path("old.pem"), 0o644))
	c, err := f.config(Source{Path: "old.pem"})
	must(t, err)
	log := f.logged()
	if !strings.Contains(log, "the certificate has ended") || !strings.Contains(log, "Kestrel:Endpoints:Web:Certificate") {
		t.Errorf("logged %q", log)
	}
	if open := strings.Contains(log, "everybody"); open != (runtime.GOOS != "windows") {
		t.Errorf("logged %q", log)
	}
	f.later(time.Minute)
	if got := shown(t, c, "old"); got != "old" {
		t.Error(got)
	}
	if log := f.logged(); log != "" {
		t.Errorf("logged again: %q", log)
	}
}

// A certificate that ends while it serves is told about, once.
func TestEndsMeanwhile(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.serving("x")
	c, err := f.config(Source{Path: "x.pem"})
	must(t, err)
	f.later(time.Minute)
	shown(t, c, "x")
	if log := f.logged(); log != "" {
		t.Errorf("logged %q", log)
	}
	f.later(48 * time.Hour)
	for range 3 {
		f.later(time.Minute)
		shown(t, c, "x")
	}
	if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "has ended") {
		t.Errorf("logged %q", log)
	}
}

func FuzzParseKeys(f *testing.F) {
	p := issue(f, "x", newKey(f), nil, nil)
	f.Add(p.both(f), "x")
	f.Add([]byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n"), "x")
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMAA=\n-----END RSA PRIVATE KEY-----\n"), "x")
	f.Fuzz(func(t *testing.T, data []byte, password string) {
		keys, trouble := parseKeys(data, password)
		if (len(keys) > 0) == (trouble != nil) {
			t.Errorf("%d keys, %v", len(keys), trouble)
		}
		if certs, err := parseCerts(data); err == nil && len(keys) > 0 {
			if whole, ok := assemble(certs, keys); ok && whole.Leaf == nil {
				t.Error("there is no leaf")
			}
		}
	})
}
