package trust

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/devcert"
)

// needs skips a test without a tool; under CI that is a failure.
func needs(t *testing.T, name string) string {
	t.Helper()
	path, ok := find(name)
	if !ok {
		if os.Getenv("GORUN_CI") != "" {
			t.Fatalf("%s is not installed", name)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}

// desk is a user with nothing in the home folder, on a system whose store is a folder of the test's.
type desk struct {
	home, root, data string
	env              map[string]string
}

func newDesk(t *testing.T) desk {
	t.Helper()
	dir := t.TempDir()
	d := desk{home: filepath.Join(dir, "home"), root: filepath.Join(dir, "root"), data: filepath.Join(dir, "data")}
	for _, path := range []string{
		d.home, "root/usr/local/share/ca-certificates", "root/usr/share/ca-certificates", "root/etc/ssl/certs", "root/etc/ca-certificates/update.d",
	} {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		must(t, os.MkdirAll(path, 0o755))
	}
	must(t, os.WriteFile(filepath.Join(d.root, "etc/ca-certificates.conf"), nil, 0o644))
	d.env = map[string]string{"HOME": d.home, "GORUN_DATA": d.data, "USER": filepath.Base(dir) + filepath.Base(t.Name())}
	return d
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (d desk) getenv(name string) string { return d.env[name] }

func (d desk) options(stores ...string) Options {
	return Options{Getenv: d.getenv, Root: d.root, Stores: stores}
}

// info makes a certificate of the user's own.
func (d desk) info(t *testing.T) devcert.Info {
	t.Helper()
	_, info, err := devcert.Ensure(devcert.Options{Getenv: d.getenv})
	must(t, err)
	return info
}

// database makes an empty NSS database below the home folder.
func (d desk) database(t *testing.T, path string) string {
	t.Helper()
	certutil := needs(t, "certutil")
	dir := filepath.Join(d.home, path)
	must(t, os.MkdirAll(dir, 0o700))
	out, err := exec.CommandContext(t.Context(), certutil, "-N", "--empty-password", "-d", "sql:"+dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

func states(results []Result) (all []State) {
	for _, r := range results {
		all = append(all, r.State)
	}
	return all
}

// want fails the test unless all stores have this state, and there are as many.
func want(t *testing.T, results []Result, n int, state State) {
	t.Helper()
	if got := states(results); len(got) != n || slices.ContainsFunc(got, func(s State) bool { return s != state }) {
		t.Errorf("want %d times %q, got %+v", n, state, results)
	}
}

// The real tool of Debian, on folders of the test's.
func TestSystemStore(t *testing.T) {
	t.Parallel()
	needs(t, "update-ca-certificates")
	d, other := newDesk(t), newDesk(t)
	other.root = d.root
	info := d.info(t)
	o := d.options("system")
	folder := filepath.Join(d.root, "usr/local/share/ca-certificates")
	want(t, Add(t.Context(), other.info(t).Anchor, other.options("system")), 1, Added)
	theirs := filepath.Join(folder, label(other.info(t).Anchor)+".crt")

	want(t, Check(t.Context(), info.Anchor, o), 1, Untrusted)
	want(t, Remove(t.Context(), info.Anchor, o), 1, Untrusted)
	want(t, Add(t.Context(), info.Anchor, o), 1, Added)
	want(t, Add(t.Context(), info.Anchor, o), 1, Trusted)
	want(t, Check(t.Context(), info.Anchor, o), 1, Trusted)

	// What programs read now verifies what servers show.
	bundle, err := os.ReadFile(filepath.Join(d.root, "etc/ssl/certs/ca-certificates.crt"))
	must(t, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(bundle)
	for _, name := range []string{"localhost", "127.0.0.1", "::1", "shop.dev.localhost", "api.localhost", "host.docker.internal"} {
		if _, err := info.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	want(t, Remove(t.Context(), nil, o), 1, Removed)
	want(t, Check(t.Context(), info.Anchor, o), 1, Untrusted)
	left, err := filepath.Glob(folder + "/*")
	if err != nil || !reflect.DeepEqual(left, []string{theirs}) {
		t.Errorf("left are %v, %v", left, err)
	}
	links, err := filepath.Glob(filepath.Join(d.root, "etc/ssl/certs/*"))
	must(t, err)
	for _, link := range links {
		if _, err := os.Stat(link); err != nil {
			t.Errorf("a link to what is gone is left: %v", err)
		}
	}
	if got := Check(t.Context(), other.info(t).Anchor, o); !OK(got) {
		t.Errorf("somebody else's is not trusted any more: %+v", got)
	}
}

// Nobody is an administrator: the commands are exactly what there is to do.
func TestSystemStoreOfOthers(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := systemStore{d.options()}
	s.o.Root, s.o.File = "", "/home/me/it's/ca.pem"
	l := layout{"/usr/local/share/ca-certificates", ".crt", []string{"update-ca-certificates"}}
	err := s.change(t.Context(), l, nil, func() error { return &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission} },
		func() []string { return []string{"sudo " + command("install", "-m", "644", s.o.file(), "/usr/x.crt")} })
	e, ok := errors.AsType[*storeError](err)
	if !ok || len(e.todo) != 2 || e.todo[0] != `sudo install -m 644 '/home/me/it'\''s/ca.pem' /usr/x.crt` || !strings.HasSuffix(e.todo[1], "update-ca-certificates") {
		t.Errorf("%#v", err)
	}
}

// Where somebody can type a password, sudo does the same.
func TestSudo(t *testing.T) {
	updater := needs(t, "update-ca-certificates")
	needs(t, "install")
	d := newDesk(t)
	info := d.info(t)
	bin := t.TempDir()
	must(t, os.WriteFile(filepath.Join(bin, "sudo"), []byte("#!/bin/sh\n[ \"$1\" = -- ] || exit 1\nshift\nexec \"$@\"\n"), 0o700))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH")+":"+filepath.Dir(updater))
	s := systemStore{d.options()}
	s.o.Interactive = true
	l, ok := s.layout()
	target := filepath.Join(d.root, l.dir, label(info.Anchor)+l.suffix)
	err := s.change(t.Context(), l, [][]string{{"install", "-m", "644", info.AnchorFile, target}}, func() error { return fs.ErrPermission }, func() []string { return nil })
	if trusted, e := s.trusts(t.Context(), info.Anchor); !ok || err != nil || e != nil || !trusted {
		t.Errorf("trusted %v, %v, %v", trusted, err, e)
	}
}

// Old CAs of the same user go as well; without them the ones that are in use would have to be known.
func TestSystemStoreForgetsOldCAs(t *testing.T) {
	t.Parallel()
	needs(t, "update-ca-certificates")
	d, other := newDesk(t), newDesk(t)
	// A system has other CAs; without any, Debian's tool leaves the bundle as it is.
	must(t, os.WriteFile(filepath.Join(d.root, "usr/local/share/ca-certificates/other.crt"), encoded(other.info(t).Anchor), 0o644))
	old := d.info(t)
	want(t, Add(t.Context(), old.Anchor, d.options("system")), 1, Added)
	must(t, os.RemoveAll(d.data))
	info := d.info(t)
	want(t, Check(t.Context(), info.Anchor, d.options("system")), 1, Untrusted)
	want(t, Remove(t.Context(), info.Anchor, d.options("system")), 1, Removed)
	want(t, Check(t.Context(), old.Anchor, d.options("system")), 1, Untrusted)
}

func TestDatabases(t *testing.T) {
	t.Parallel()
	d, other := newDesk(t), newDesk(t)
	for _, path := range []string{
		".pki/nssdb", ".local/share/pki/nssdb", "snap/chromium/12/.pki/nssdb", ".var/app/org.chromium.Chromium/data/pki/nssdb",
		".mozilla/firefox/ab12.default-release", "snap/firefox/common/.mozilla/firefox/x.default", ".config/mozilla/firefox/y.work",
		".var/app/org.mozilla.firefox/.mozilla/firefox/z.default",
	} {
		d.database(t, path)
	}
	must(t, os.Symlink("12", filepath.Join(d.home, "snap/chromium/current")))
	must(t, os.MkdirAll(filepath.Join(d.home, ".mozilla/firefox/Crash Reports"), 0o700))
	const n = 8
	info := d.info(t)
	o := d.options("chromium", "firefox")

	// Somebody else's certificate, with a blank in its name.
	theirs := filepath.Join(d.home, "theirs.pem")
	must(t, os.WriteFile(theirs, encoded(other.info(t).Anchor), 0o600))
	db := database{"chromium", filepath.Join(d.home, ".pki/nssdb"), d.home}
	_, err := db.certutil(t.Context(), "-A", "-t", "C,,", "-n", "My own CA", "-i", theirs)
	must(t, err)

	want(t, Check(t.Context(), info.Anchor, o), n, Untrusted)
	want(t, Add(t.Context(), info.Anchor, o), n, Added)
	want(t, Add(t.Context(), info.Anchor, o), n, Trusted)
	want(t, Check(t.Context(), info.Anchor, o), n, Trusted)
	want(t, Remove(t.Context(), nil, o), n, Removed)
	want(t, Check(t.Context(), info.Anchor, o), n, Untrusted)
	want(t, Remove(t.Context(), nil, o), n, Untrusted)
	if trusted, err := db.trusts(t.Context(), other.info(t).Anchor); !trusted || err != nil {
		t.Errorf("somebody else's is gone: %v", err)
	}
}

// A certificate that is there under another name, as mkcert -install leaves it, is trusted, and stays.
func TestDatabaseHasIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	db := database{"chromium", d.database(t, ".pki/nssdb"), d.home}
	info := d.info(t)
	_, err := db.certutil(t.Context(), "-A", "-t", "C,,", "-n", "mkcert development CA 12", "-i", info.AnchorFile)
	must(t, err)
	want(t, Add(t.Context(), info.Anchor, d.options("chromium")), 1, Trusted)
	want(t, Remove(t.Context(), info.Anchor, d.options("chromium")), 1, Untrusted)
	want(t, Check(t.Context(), info.Anchor, d.options("chromium")), 1, Trusted)
}

// A database that was made for the certificate goes with it, unless something else came into it.
func TestMadeDatabase(t *testing.T) {
	t.Parallel()
	needs(t, "certutil")
	d := newDesk(t)
	info := d.info(t)
	db := database{"chromium", filepath.Join(d.home, ".pki/nssdb"), d.home}
	must(t, db.add(t.Context(), info.Anchor))
	removed, err := db.remove(t.Context(), nil)
	if _, stat := os.Stat(filepath.Join(d.home, ".pki")); !removed || err != nil || !errors.Is(stat, fs.ErrNotExist) {
		t.Errorf("removed %v, %v; .pki: %v", removed, err, stat)
	}

	must(t, db.add(t.Context(), info.Anchor))
	other := newDesk(t).info(t)
	_, err = db.certutil(t.Context(), "-A", "-t", "C,,", "-n", "theirs", "-i", other.AnchorFile)
	must(t, err)
	removed, err = db.remove(t.Context(), nil)
	if trusted, e := db.trusts(t.Context(), other.Anchor); !removed || !trusted || err != nil || e != nil {
		t.Errorf("removed %v, trusted %v, %v, %v", removed, trusted, err, e)
	}
}

// Without certutil each browser says what to install.
func TestNoCertutil(t *testing.T) {
	d := newDesk(t)
	d.database(t, ".pki/nssdb")
	info := d.info(t)
	t.Setenv("PATH", t.TempDir())
	if _, ok := find("certutil"); ok {
		if os.Getenv("GORUN_CI") != "" {
			t.Fatal("certutil is in a folder that is always looked through")
		}
		t.Skip("certutil is in a folder that is always looked through")
	}
	for _, results := range [][]Result{Add(t.Context(), info.Anchor, d.options("chromium")), Check(t.Context(), info.Anchor, d.options("chromium"))} {
		if len(results) != 1 || results[0].State != Failed || len(results[0].Todo) != 2 || results[0].Todo[1] != "gorun dev-certs https --trust" || OK(results) {
			t.Errorf("%+v", results)
		}
	}
}

// A broken database is a failure with a reason, and the others are done all the same.
func TestBrokenDatabase(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.database(t, ".local/share/pki/nssdb")
	must(t, os.MkdirAll(filepath.Join(d.home, ".pki/nssdb"), 0o700))
	must(t, os.WriteFile(filepath.Join(d.home, ".pki/nssdb/cert9.db"), []byte("what"), 0o600))
	results := Add(t.Context(), d.info(t).Anchor, d.options("chromium"))
	if got := states(results); !reflect.DeepEqual(got, []State{Failed, Added}) || !strings.HasPrefix(results[0].Why, "certutil: ") {
		t.Errorf("%+v", results)
	}
}

func FuzzEntries(f *testing.F) {
	f.Add("gorun-development-ca-0123                                    C,,  \n")
	f.Add("Certificate Nickname  SSL,S/MIME,JAR/XPI\n a,, ,,\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, e := range entries(text) {
			if strings.Count(e.flags, ",") != 2 || strings.TrimSpace(e.name) != e.name || !strings.Contains(text, e.name) {
				t.Errorf("%q", e)
			}
		}
	})
}

func TestEntries(t *testing.T) {
	t.Parallel()
	text := `
Certificate Nickname                                         Trust Attributes
                                                             SSL,S/MIME,JAR/XPI

gorun-development-ca-0123                                    C,,  
My own CA                                                    CT,C,c
nothing,,                                                    ,,   
`
	want := []entry{{"gorun-development-ca-0123", "C,,"}, {"My own CA", "CT,C,c"}, {"nothing,,", ",,"}}
	if got := entries(text); !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
}
