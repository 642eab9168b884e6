package trust

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// database is one NSS database, the store of Firefox and, on Linux, of Chromium and its relatives.
type database struct {
	browser string // "chromium" or "firefox"
	dir     string
	home    string
}

// made marks a database that was not there before us.
const made = "made-by-gorun"

// databases are those of this user. Where there is none and Chromium is installed, its database is about to be made:
// in ~/.pki, which all versions use when it is there. (Since 146 Chromium makes it in ~/.local/share/pki where there is
// none at all; reference: its docs/linux/cert_management.md.)
func (o Options) databases() []store {
	home := o.Getenv("HOME")
	if home == "" {
		return nil
	}
	data, config := o.folder("XDG_DATA_HOME", ".local/share"), o.folder("XDG_CONFIG_HOME", ".config")
	var list []store
	for _, pattern := range []string{
		home + "/.pki/nssdb", data + "/pki/nssdb",
		home + "/snap/*/current/.pki/nssdb", home + "/snap/*/current/.local/share/pki/nssdb",
		home + "/.var/app/*/.pki/nssdb", home + "/.var/app/*/data/pki/nssdb",
	} {
		list = append(list, found("chromium", pattern, home)...)
	}
	if len(list) == 0 && hasChromium() {
		list = append(list, database{"chromium", home + "/.pki/nssdb", home})
	}
	for _, root := range []string{
		home + "/.mozilla/firefox", config + "/mozilla/firefox", home + "/snap/firefox/common/.mozilla/firefox",
		home + "/.var/app/org.mozilla.firefox/.mozilla/firefox", home + "/.var/app/org.mozilla.firefox/config/mozilla/firefox",
	} {
		list = append(list, found("firefox", root+"/*", home)...)
	}
	return list
}

// folder is an XDG folder; a relative one is to be ignored, says the specification.
func (o Options) folder(name, fallback string) string {
	if dir := o.Getenv(name); filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(o.Getenv("HOME"), fallback)
}

// found are the folders with a database in them.
func found(browser, pattern, home string) []store {
	paths, err := filepath.Glob(pattern + "/cert9.db")
	if err != nil {
		return nil
	}
	var list []store
	for _, path := range paths {
		list = append(list, database{browser, filepath.Dir(path), home})
	}
	return list
}

func hasChromium() bool {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "brave-browser", "vivaldi"} {
		if _, err := exec.LookPath(name); err == nil {
			return true
		}
	}
	return false
}

func (d database) name() (string, string) { return d.browser, d.dir }

// certutil runs NSS's certutil on the database. Nothing is asked: a database with a password is a failure.
func (d database) certutil(ctx context.Context, args ...string) (string, error) {
	path, ok := find("certutil")
	if !ok {
		return "", &storeError{"the tool certutil is not installed", []string{installer(), "gorun dev-certs https --trust"}}
	}
	return tool{path: path}.run(ctx, append(args, "-d", "sql:"+d.dir)...)
}

// installer is the command that installs certutil here.
func installer() string {
	for _, one := range []struct{ manager, command string }{
		{"apt-get", "sudo apt-get install libnss3-tools"},
		{"dnf", "sudo dnf install nss-tools"},
		{"pacman", "sudo pacman -S nss"},
		{"zypper", "sudo zypper install mozilla-nss-tools"},
		{"apk", "sudo apk add nss-tools"},
	} {
		if _, ok := find(one.manager); ok {
			return one.command
		}
	}
	return "sudo apt-get install libnss3-tools"
}

// entry is a line of certutil -L.
type entry struct {
	name  string
	flags string // "C,,": trusted to sign for servers
}

// entries reads what certutil -L prints: names, in which blanks may stand, and their trust at the end of the line.
func entries(text string) []entry {
	var list []entry
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		i := strings.LastIndexAny(line, " \t")
		if i < 0 || strings.Count(line[i+1:], ",") != 2 || strings.Contains(line[i+1:], "/") {
			continue // not an entry, or the headline
		}
		list = append(list, entry{strings.TrimSpace(line[:i]), line[i+1:]})
	}
	return list
}

func (d database) list(ctx context.Context) ([]entry, error) {
	if _, err := os.Stat(filepath.Join(d.dir, "cert9.db")); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	out, err := d.certutil(ctx, "-L")
	return entries(out), err
}

// trusts looks for the certificate under any name, because NSS keeps the first one that it got.
func (d database) trusts(ctx context.Context, cert *x509.Certificate) (bool, error) {
	list, err := d.list(ctx)
	if err != nil {
		return false, err
	}
	for _, e := range list {
		server, _, _ := strings.Cut(e.flags, ",")
		if !strings.Contains(server, "C") && !strings.Contains(server, "P") {
			continue
		}
		text, err := d.certutil(ctx, "-L", "-a", "-n", e.name)
		if err != nil {
			return false, err
		}
		for _, c := range decoded([]byte(text)) {
			if c.Equal(cert) {
				return true, nil
			}
		}
	}
	return false, nil
}

func (d database) add(ctx context.Context, cert *x509.Certificate) error {
	if err := d.create(ctx); err != nil {
		return err
	}
	file, done, err := temporary(cert)
	if err != nil {
		return err
	}
	defer done()
	flags := "C,," // a CA for servers
	if !cert.IsCA && d.browser == "chromium" {
		flags = "P,," // a server that is trusted itself; Firefox wants C for that, too (reference: aspnetcore UnixCertificateManager.cs)
	}
	_, err = d.certutil(ctx, "-A", "-t", flags, "-n", label(cert), "-i", file)
	return err
}

// create makes the database where there is none yet.
func (d database) create(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(d.dir, "cert9.db")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, ok := find("certutil"); !ok {
		_, err := d.certutil(ctx)
		return err
	}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(d.dir, made), nil, 0o600); err != nil {
		return err
	}
	_, err := d.certutil(ctx, "-N", "--empty-password")
	return err
}

func (d database) remove(ctx context.Context, _ *x509.Certificate) (bool, error) {
	list, err := d.list(ctx)
	if err != nil {
		return false, err
	}
	removed := false
	for _, e := range list {
		if !strings.HasPrefix(e.name, labelPrefix) {
			continue
		}
		if _, err := d.certutil(ctx, "-D", "-n", e.name); err != nil {
			return removed, err
		}
		removed = true
	}
	return removed, d.discard(ctx)
}

// discard removes a database that we made and that holds nothing of anybody else's.
func (d database) discard(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(d.dir, made)); err != nil {
		return nil // it is not ours, or not there
	}
	list, err := d.list(ctx)
	if err != nil || len(list) > 0 {
		return err
	}
	if keys, err := d.certutil(ctx, "-K"); err == nil && strings.Contains(keys, "<") { // "< 0> rsa ..."
		return nil
	}
	for _, name := range []string{"cert9.db", "key4.db", "pkcs11.txt", made} {
		if err := os.Remove(filepath.Join(d.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for dir := d.dir; dir != d.home && len(dir) > len(d.home); dir = filepath.Dir(dir) {
		if os.Remove(dir) != nil { // somebody else has something in it
			return nil
		}
	}
	return nil
}
