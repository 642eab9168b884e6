package broker

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/devcert"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// issued is a certificate that signed itself, with its key.
type issued struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// issue makes one for hosts and addresses. change may be nil.
func issue(t testing.TB, change func(*x509.Certificate), names ...string) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: names[0]}, BasicConstraintsValid: true, IsCA: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return &issued{cert, key}
}

func (i *issued) certPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.cert.Raw})
}

func (i *issued) keyPEM(t testing.TB) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(i.key)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// testStore is a store in a folder of its own, and files beside it.
type testStore struct {
	*Store
	t    testing.TB
	path string // of the folder
}

func newTestStore(t testing.TB, change func(*StoreOptions)) *testStore {
	t.Helper()
	dir := t.TempDir()
	o := StoreOptions{
		File: filepath.Join(dir, "data", "httpsys.json"), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Getenv: func(name string) string {
			return map[string]string{"HOME": dir, "GORUN_DATA": filepath.Join(dir, "data"), "LOCALAPPDATA": dir}[name]
		},
		Lookup: func(name string) (string, bool) {
			uid, ok := map[string]string{"me": "1000", "you": "1001", "1002": "1002"}[name]
			return uid, ok
		},
	}
	if change != nil {
		change(&o)
	}
	s, err := OpenStore(o)
	must(t, err)
	return &testStore{s, t, dir}
}

// put writes a file and gives its path.
func (s *testStore) put(name string, data []byte) string {
	s.t.Helper()
	path := filepath.Join(s.path, name)
	must(s.t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(s.t, os.WriteFile(path, data, 0o600))
	return path
}

// bind adds a binding with a certificate of its own, and gives that.
func (s *testStore) bind(c SSLCert, names ...string) *issued {
	s.t.Helper()
	i := issue(s.t, nil, names...)
	base := strings.NewReplacer(":", "_", "[", "", "]", "").Replace(c.HostnamePort + c.IPPort)
	c.Cert, c.Key = s.put(base+".pem", i.certPEM()), s.put(base+".key", i.keyPEM(s.t))
	_, warnings, err := s.AddSSLCert(c)
	must(s.t, err)
	if len(warnings) > 0 {
		s.t.Errorf("warnings: %q", warnings)
	}
	return i
}

// again opens the file anew.
func (s *testStore) again() (*Store, error) { return OpenStore(s.o) }

func TestStoreFile(t *testing.T) {
	t.Parallel()
	s := newTestStore(t, nil)
	s.bind(SSLCert{HostnamePort: "API.localhost:443", ClientCertNegotiation: true}, "api.localhost")
	s.bind(SSLCert{IPPort: "0.0.0.0:443", Password: "not needed"}, "localhost")
	_, err := s.AddURLACL(URLACL{URL: "http://+:80/App", User: "me"})
	must(t, err)
	other, err := s.again()
	must(t, err)
	if got, want := fmt.Sprint(other.SSLCerts(), other.URLACLs()), fmt.Sprint(s.SSLCerts(), s.URLACLs()); got != want || len(s.SSLCerts()) != 2 {
		t.Errorf("read %s\nwritten %s", got, want)
	}
	if c := other.SSLCerts()[0]; c.HostnamePort != "api.localhost:443" || !filepath.IsAbs(c.Cert) || !c.ClientCertNegotiation {
		t.Errorf("%+v", c)
	}
	if info, err := os.Stat(s.File()); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	must(t, other.DeleteSSLCert(SSLCert{HostnamePort: "api.LOCALHOST:443"}))
	must(t, other.DeleteSSLCert(SSLCert{IPPort: "0.0.0.0:443"}))
	must(t, other.DeleteURLACL("HTTP://+:80/App/"))
	must(t, s.reload())
	if len(s.SSLCerts())+len(s.URLACLs()) != 0 {
		t.Errorf("left: %v %v", s.SSLCerts(), s.URLACLs())
	}
}

// What cannot be read changes nothing, neither in memory nor on the disk.
func TestStoreBroken(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"empty":          {"", ":1:1: the file ends too early"},
		"cut":            {"{\n  \"sslcert\": [\n", ":3:1: the file ends too early"},
		"no object":      {"[]", ":1:1: here should be {"},
		"no list":        {"{\"urlacl\":\n {}}", ":2:2: here should be ["},
		"syntax":         {"{\n \"sslcert\": [ {]\n}", ":2:16: invalid character ']'"},
		"unknown key":    {"{\n\n  \"sslcerts\": []}", `:3:3: "sslcerts" is unknown here`},
		"unknown field":  {"{\"urlacl\": [\n  {\"url\": \"http://+:80/\", \"usr\": \"me\"}]}", `:2:3: unknown field "usr"`},
		"a number":       {"{\"urlacl\": [{\"url\": 80}]}", ":1:13: url wants a string, not a number"},
		"no entry":       {"{\"urlacl\": [80]}", ":1:13: here should be an object, not a number"},
		"no user":        {"{\"urlacl\": [{\"url\": \"http://+:80/\"}]}", ":1:13: user is missing"},
		"no prefix":      {"{\"urlacl\": [{\"url\": \"+:80\", \"user\": \"me\"}]}", ":1:13: "},
		"twice":          {"{\"urlacl\": [{\"url\": \"http://+:80/\", \"user\": \"me\"},\n{\"url\": \"http://+:80\", \"user\": \"you\"}]}", ":2:1: http://+:80/ is reserved twice"},
		"key twice":      {"{\"urlacl\": [],\n\"urlacl\": []}", `:2:1: "urlacl" stands twice`},
		"two places":     {"{\"sslcert\": [{\"cert\": \"a\", \"ipport\": \"1.2.3.4:5\", \"hostnameport\": \"a:5\"}]}", ":1:14: a binding has either"},
		"no cert":        {"{\"sslcert\": [{\"ipport\": \"1.2.3.4:5\"}]}", ":1:14: cert is missing"},
		"behind the end": {"{}\n{}", ":2:1: invalid character '{' after top-level value"},
		"null":           {"{\"sslcert\": [null]}", ":1:14: a binding has either"},
		"two problems":   {"{\"a\": 1,\n\"b\": 2}", ":2:1: \"b\" is unknown"},
		"too long":       {strings.Repeat(" ", maxStore+1), ": it is longer than 1 MiB"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestStore(t, nil)
			_, err := s.AddURLACL(URLACL{URL: "http://localhost:8080/", User: "me"})
			must(t, err)
			must(t, os.WriteFile(s.File(), []byte(test.text), 0o600))
			err = s.reload()
			if err == nil || !strings.Contains(err.Error(), s.File()+test.want) {
				t.Fatalf("got  %v\nwant %s", err, test.want)
			}
			if e, ok := errors.AsType[*StoreError](err); !ok || e.Hint() == "" {
				t.Errorf("%T without a hint", err)
			}
			if len(s.URLACLs()) != 1 {
				t.Errorf("left: %v", s.URLACLs())
			}
			if _, err := s.AddURLACL(URLACL{URL: "http://localhost:8081/", User: "me"}); err == nil {
				t.Error("something was added to a broken file")
			}
			if err := s.DeleteURLACL("http://localhost:8080/"); err == nil {
				t.Error("something was deleted from a broken file")
			}
			if now, err := os.ReadFile(s.File()); err != nil || string(now) != test.text {
				t.Errorf("the file has changed: %q, %v", now, err)
			}
			if other, err := s.again(); err == nil || other == nil || other.allows(mustPrefix(t, "http://+:80/"), 1) != nil {
				t.Errorf("opened anew: %v", err)
			}
		})
	}
}

// Of many writers none loses anything, whichever Store they have.
func TestStoreWriters(t *testing.T) {
	t.Parallel()
	s := newTestStore(t, nil)
	var all sync.WaitGroup
	const n = 12
	for i := range n {
		all.Go(func() {
			other, err := s.again()
			if err == nil {
				_, err = other.AddURLACL(URLACL{URL: fmt.Sprintf("http://+:80/%d/", i), User: "me"})
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	must(t, s.reload())
	if len(s.URLACLs()) != n {
		t.Errorf("%d of %d are left", len(s.URLACLs()), n)
	}
	entries, err := os.ReadDir(filepath.Dir(s.File()))
	must(t, err)
	if len(entries) != 2 { // the file and its lock
		t.Errorf("left in the folder: %v", entries)
	}
}

func TestDefaultStoreFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	got, err := DefaultStoreFile(func(name string) string { return map[string]string{"GORUN_DATA": dir}[name] })
	if want := filepath.Join(dir, "httpsys.json"); err != nil || got != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	_, err = DefaultStoreFile(func(string) string { return "" })
	if _, ok := errors.AsType[*devcert.NoFolderError](err); !ok {
		t.Errorf("without a folder: %v", err)
	}
}

// What was parsed is written in a form that is parsed to the same, and nothing panics.
func FuzzParseStore(f *testing.F) {
	f.Add([]byte(`{"sslcert": [{"hostnameport": "a.localhost:443", "cert": "a.pem", "clientcertnegotiation": true}], "urlacl": [{"url": "http://+:80/", "user": "me"}]}`))
	f.Add([]byte(`{"sslcert": [{"ipport": "[::1]:443", "cert": "a.pfx", "password": "p"}]}`))
	f.Add([]byte(`{"sslcert": [{"ipport": 1}, null, []], "x": {}}`))
	s := &Store{file: filepath.Join(f.TempDir(), "httpsys.json")}
	f.Fuzz(func(t *testing.T, data []byte) {
		now, err := parseStore("f", data)
		if err != nil {
			if !strings.Contains(err.Error(), "f:") {
				t.Fatalf("no place: %v", err)
			}
			return
		}
		must(t, s.write(now))
		again, err := s.read()
		if err != nil || fmt.Sprint(again) != fmt.Sprint(now) {
			t.Fatalf("%v, then %v, %v", now, again, err)
		}
	})
}
