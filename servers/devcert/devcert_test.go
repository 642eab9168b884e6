package devcert

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// desk is a user without anything.
type desk struct {
	t   *testing.T
	env map[string]string
	now time.Time
	dir string
}

func newDesk(t *testing.T) *desk {
	home := t.TempDir()
	return &desk{t: t, env: map[string]string{"HOME": home, "GORUN_DATA": filepath.Join(home, "data")}, now: time.Now(), dir: filepath.Join(home, "data", "dev-certs")}
}

func (d *desk) options() Options {
	return Options{Getenv: func(name string) string { return d.env[name] }, Now: func() time.Time { return d.now }}
}

func (d *desk) ensure() Info {
	d.t.Helper()
	cert, info, err := Ensure(d.options())
	if err != nil {
		d.t.Fatal(err)
	}
	if cert.Leaf != info.Leaf || len(cert.Certificate) != 1 || !belongs(info.Leaf, cert.PrivateKey.(crypto.Signer)) {
		d.t.Error("certificate and key do not belong together")
	}
	return info
}

func (d *desk) file(name string) string { return filepath.Join(d.dir, name) }

func (d *desk) write(name string, data []byte) {
	d.t.Helper()
	if err := os.WriteFile(d.file(name), data, 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) read(name string) []byte {
	d.t.Helper()
	data, err := os.ReadFile(d.file(name))
	if err != nil {
		d.t.Fatal(err)
	}
	return data
}

func TestEnsure(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if _, err := Check(d.options()); stateOf(err) != Missing {
		t.Errorf("at first: %v", err)
	}
	first := d.ensure()
	if !first.Made || !first.MadeCA || first.Reason != "there was none" || first.Source != Own || first.File != d.file("localhost.pem") || first.AnchorFile != d.file("ca.pem") {
		t.Errorf("first: %+v", first)
	}
	second := d.ensure()
	if second.Made || !second.Leaf.Equal(first.Leaf) {
		t.Errorf("second: %+v", second)
	}
	if life := first.Leaf.NotAfter.Sub(first.Leaf.NotBefore); life > 397*24*time.Hour || life < 365*24*time.Hour {
		t.Errorf("the certificate lives %v", life)
	}
	if years := first.Anchor.NotAfter.Sub(d.now).Hours() / 24 / 365.25; years < 9.9 || years > 10.1 {
		t.Errorf("the CA lives %.1f years", years)
	}
	if runtime.GOOS == "windows" {
		return // which has other permissions
	}
	for name, want := range map[string]os.FileMode{".": 0o700, "ca.pem": 0o600, "ca-key.pem": 0o600, "localhost.pem": 0o600} {
		if info, err := os.Stat(d.file(name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	left, err := filepath.Glob(d.file(".new-*"))
	if len(left) > 0 || err != nil {
		t.Errorf("left are %v, %v", left, err)
	}
}

func stateOf(err error) State {
	if e, ok := errors.AsType[*StateError](err); ok {
		return e.State
	}
	return -1
}

// The names that people type are verified, by Go with the CA as the only root.
func TestNames(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	o := d.options()
	o.Names = []string{"API.localhost", "shop.test"}
	_, info, err := Ensure(o)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(info.Anchor)
	for name, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "::1": true, "api.localhost": true, "x.localhost": true, "x.dev.localhost": true,
		"x.dev.internal": true, "host.docker.internal": true, "host.containers.internal": true, "shop.test": true,
		"example.com": false, "192.168.0.1": false, "a.b.localhost": false, "internal": false,
	} {
		_, err := info.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name})
		if (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	// More names come to those that are there, with the same CA, and stay when it is renewed.
	o.Names = []string{"other.localhost"}
	_, more, err := Ensure(o)
	if err != nil || !more.Made || more.MadeCA || more.Reason != "it lacked a name" || !slices.Contains(more.Leaf.DNSNames, "shop.test") {
		t.Errorf("%+v, %v", more, err)
	}
	for _, name := range []string{"example.com", "", "a..test", "localhost.", "evil.test.com", "x y.test", "*.com", "ü.test", strings.Repeat("a", 64) + ".test"} {
		o.Names = []string{name}
		if _, _, err := Ensure(o); !isNameError(err) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func isNameError(err error) bool {
	_, ok := errors.AsType[*NameError](err)
	return ok
}

// Whoever has the CA's key cannot pass for anybody else: what it signs beyond this machine is not believed.
func TestCAIsConstrained(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	info := d.ensure()
	ca, err := readCA(d.file("ca.pem"), d.file("ca-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	forged, err := newLeaf(ca, []string{"example.com"}, d.now)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(info.Anchor)
	_, err = forged.cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: "example.com"})
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); !ok || e.Reason != x509.CANotAuthorizedForThisName {
		t.Errorf("a forged certificate: %v", err)
	}
}

// What befalls the files, and what Check and Ensure make of it.
func TestRemade(t *testing.T) {
	t.Parallel()
	other := newDesk(t)
	other.ensure()
	for _, c := range []struct {
		name   string
		harm   func(*desk)
		state  State // of Check; -1 when it can be used
		reason string
		newCA  bool
	}{
		{"deleted", func(d *desk) { must(d.t, os.Remove(d.file("localhost.pem"))) }, Missing, "there was none", false},
		{"all deleted", func(d *desk) { must(d.t, os.RemoveAll(d.dir)) }, Missing, "there was none", true},
		{"empty", func(d *desk) { d.write("localhost.pem", nil) }, Broken, "the file is not complete", false},
		{"cut off", func(d *desk) { d.write("localhost.pem", d.read("localhost.pem")[:1500]) }, Broken, "the file is not PEM", false},
		{"nonsense", func(d *desk) { d.write("localhost.pem", []byte("nonsense")) }, Broken, "the file is not PEM", false},
		{"another key", func(d *desk) {
			i := bytes.Index(other.read("localhost.pem"), []byte("-----BEGIN PRIVATE"))
			j := bytes.Index(d.read("localhost.pem"), []byte("-----BEGIN PRIVATE"))
			d.write("localhost.pem", append(d.read("localhost.pem")[:j:j], other.read("localhost.pem")[i:]...))
		}, Broken, "the key does not belong to the certificate", false},
		{"another's", func(d *desk) { d.write("localhost.pem", other.read("localhost.pem")) }, Broken, "the CA that signed it is gone", false},
		{"another CA", func(d *desk) {
			d.write("ca.pem", other.read("ca.pem"))
			d.write("ca-key.pem", other.read("ca-key.pem"))
		}, Broken, "the CA that signed it is gone", false},
		{"the CA is deleted", func(d *desk) { must(d.t, os.Remove(d.file("ca.pem"))) }, Broken, "the CA that signed it is gone", true},
		{"the CA's key is deleted", func(d *desk) { must(d.t, os.Remove(d.file("ca-key.pem"))) }, -1, "", false},
		{"the CA's key is another's", func(d *desk) {
			d.write("ca-key.pem", other.read("ca-key.pem"))
			must(d.t, os.Remove(d.file("localhost.pem")))
		}, Missing, "there was none", true},
		{"29 days left", func(d *desk) { d.now = d.now.Add(leafLife - 29*24*time.Hour) }, -1, "it ended soon, on ", false},
		{"31 days left", func(d *desk) { d.now = d.now.Add(leafLife - 31*24*time.Hour) }, -1, "", false},
		{"ended", func(d *desk) { d.now = d.now.Add(leafLife) }, Ended, "it ended on ", false},
		{"the CA ends soon", func(d *desk) { d.now = d.now.AddDate(caYears, 0, -50) }, Ended, "it ended on ", true},
		{"the clock was wrong", func(d *desk) { d.now = d.now.AddDate(-1, 0, 0) }, Broken, "it begins only on ", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.ensure()
			c.harm(d)
			_, err := Check(d.options())
			if stateOf(err) != c.state {
				t.Errorf("check: %v", err)
			}
			info := d.ensure()
			if info.Made != (c.reason != "") || !strings.HasPrefix(info.Reason, c.reason) || info.MadeCA != c.newCA {
				t.Errorf("made %v because %q, a CA %v", info.Made, info.Reason, info.MadeCA)
			}
			if again := d.ensure(); again.Made {
				t.Errorf("made again: %s", again.Reason)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Many at once, as processes would be, get the same.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	infos := make([]Info, 12)
	var wg sync.WaitGroup
	for i := range infos {
		wg.Go(func() {
			var err error
			if _, infos[i], err = Ensure(d.options()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	made := 0
	for _, info := range infos {
		if info.Made {
			made++
		}
		if info.Leaf == nil || !info.Leaf.Equal(infos[0].Leaf) {
			t.Error("two have different certificates")
		}
	}
	if made != 1 {
		t.Errorf("%d made one", made)
	}
}

// TestProcesses is the same with real processes.
func TestProcesses(t *testing.T) {
	if dir := os.Getenv("DEVCERT_TEST_DIR"); dir != "" {
		_, info, err := Ensure(Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("serial " + info.Leaf.SerialNumber.String() + "\n")
		return
	}
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "certs")
	var serials [4]string
	var wg sync.WaitGroup
	for i := range serials {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcesses$")
			cmd.Env = append(os.Environ(), "DEVCERT_TEST_DIR="+dir)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			serials[i], _, _ = strings.Cut(string(out), "\n")
		})
	}
	wg.Wait()
	for _, serial := range serials {
		if serial != serials[0] || !strings.HasPrefix(serial, "serial ") {
			t.Errorf("%q", serials)
		}
	}
}

// A place that cannot be written to is an error with advice, unless what is there still serves.
func TestCannotBeWritten(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.ensure()
	d.now = d.now.Add(leafLife - 20*24*time.Hour)
	must(t, os.Remove(d.file("lock")))
	must(t, os.Mkdir(d.file("lock"), 0o700)) // which stops root as well
	_, info, err := Ensure(d.options())
	if err != nil || info.Made || info.Leftover == nil {
		t.Errorf("%+v, %v", info, err)
	}
	must(t, os.Remove(d.file("localhost.pem")))
	_, _, err = Ensure(d.options())
	if e, ok := errors.AsType[*WriteError](err); !ok || !strings.Contains(e.Hint(), "GORUN_DATA") {
		t.Errorf("%v", err)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if removed, err := Remove(d.options()); removed || err != nil {
		t.Errorf("nothing: %v, %v", removed, err)
	}
	d.ensure()
	d.write("notes.txt", nil)
	if removed, err := Remove(d.options()); !removed || err != nil {
		t.Errorf("%v, %v", removed, err)
	}
	left, err := os.ReadDir(d.dir)
	if err != nil || len(left) != 2 { // notes.txt and the lock
		t.Errorf("left are %v, %v", left, err)
	}
}

// A server with the certificate is believed by a client that knows the CA.
func TestHandshake(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	cert, info, err := Ensure(d.options())
	must(t, err)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	must(t, err)
	defer l.Close()
	served := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			_, err = io.Copy(conn, conn)
			_ = conn.Close() // the copy's error is the one that counts
		}
		served <- err
	}()
	roots := x509.NewCertPool()
	roots.AddCert(info.Anchor)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	conn, err := tls.Dial("tcp", "127.0.0.1:"+port, &tls.Config{RootCAs: roots, ServerName: "localhost"})
	must(t, err)
	must(t, conn.Close())
	must(t, <-served)
}
