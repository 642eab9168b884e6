package trust

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gorun-dev/gorun/servers/devcert"
)

// systemStore is that of Linux: a folder for certificates, and a tool that makes the bundle from it that everybody reads.
type systemStore struct{ o Options }

// layout is how a family of distributions does it.
type layout struct {
	dir    string
	suffix string
	update []string
}

// layouts are looked through in this order (as in mkcert's truststore_linux.go, and the manuals of the tools).
func layouts() []layout {
	return []layout{
		{"/etc/pki/ca-trust/source/anchors", ".pem", []string{"update-ca-trust", "extract"}},       // Fedora, RHEL
		{"/usr/local/share/ca-certificates", ".crt", []string{"update-ca-certificates"}},           // Debian, Ubuntu, Alpine
		{"/etc/ca-certificates/trust-source/anchors", ".crt", []string{"trust", "extract-compat"}}, // Arch
		{"/etc/pki/trust/anchors", ".pem", []string{"update-ca-certificates"}},                     // openSUSE
	}
}

// bundles are the files that Go reads, in its order (reference: crypto/x509 root_linux.go).
func bundles() []string {
	return []string{
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
	}
}

func (s systemStore) name() (string, string) {
	if l, ok := s.layout(); ok {
		return "system", s.o.Root + l.dir
	}
	return "system", s.bundle()
}

func (s systemStore) layout() (layout, bool) {
	for _, l := range layouts() {
		if info, err := os.Stat(s.o.Root + l.dir); err == nil && info.IsDir() {
			if _, ok := find(l.update[0]); ok {
				return l, true
			}
		}
	}
	return layout{}, false
}

// bundle is the file that programs read, whether it is there or not.
func (s systemStore) bundle() string {
	if file := s.o.Getenv("SSL_CERT_FILE"); file != "" {
		return file
	}
	for _, path := range bundles() {
		if _, err := os.Stat(s.o.Root + path); err == nil {
			return s.o.Root + path
		}
	}
	return s.o.Root + bundles()[0]
}

// trusts verifies the certificate against what the system has now. crypto/x509 reads the system's store once in the
// life of a process, which would hide what was added a moment ago.
func (s systemStore) trusts(_ context.Context, cert *x509.Certificate) (bool, error) {
	data, err := os.ReadFile(s.bundle())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(data)
	for dir := range strings.SplitSeq(s.o.Getenv("SSL_CERT_DIR"), ":") {
		found, err := filepath.Glob(filepath.Join(dir, "*"))
		if dir == "" || err != nil {
			continue
		}
		for _, path := range found {
			if data, err := os.ReadFile(path); err == nil {
				pool.AppendCertsFromPEM(data)
			}
		}
	}
	_, err = cert.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err == nil, nil
}

func (s systemStore) add(ctx context.Context, cert *x509.Certificate) error {
	l, ok := s.layout()
	if !ok {
		return &storeError{why: "this system has no store that gorun knows; let your programs read the certificate by SSL_CERT_FILE, or add it in the way of your distribution"}
	}
	file, done, err := temporary(cert)
	if err != nil {
		return err
	}
	defer done()
	target := filepath.Join(s.o.Root+l.dir, label(cert)+l.suffix)
	return s.change(ctx, l, [][]string{{"install", "-m", "644", file, target}}, func() error {
		return os.WriteFile(target, encoded(cert), 0o644) // everybody may read whom to trust
	}, func() []string {
		return []string{"sudo " + command("install", "-m", "644", s.o.file(), target)}
	})
}

func (s systemStore) remove(ctx context.Context, cert *x509.Certificate) (bool, error) {
	l, ok := s.layout()
	if !ok {
		return false, nil
	}
	found, err := s.added(l, cert)
	if len(found) == 0 {
		return false, err
	}
	rm := append([]string{"rm", "-f", "--"}, found...)
	if _, debian := find("dpkg"); debian { // whose tool else leaves links to what is gone
		l.update = append(l.update[:1:1], "--fresh")
	}
	return true, s.change(ctx, l, [][]string{rm}, func() error {
		for _, path := range found {
			err = errors.Join(err, os.Remove(path))
		}
		return err
	}, func() []string { return []string{"sudo " + command(rm...)} })
}

// added are the files of ours in the folder that are this user's: the store is everybody's, and others of this system have
// CAs of their own in it.
func (s systemStore) added(l layout, cert *x509.Certificate) ([]string, error) {
	all, err := filepath.Glob(filepath.Join(s.o.Root+l.dir, labelPrefix+"*"+l.suffix))
	return slices.DeleteFunc(all, func(path string) bool {
		data, err := os.ReadFile(path)
		if err != nil {
			return true
		}
		certs := decoded(data)
		return len(certs) != 1 || !certs[0].Equal(cert) && !s.own(certs[0].Subject)
	}), err
}

// own tells a CA of this user's, also one that is not used any more, by its subject.
func (s systemStore) own(subject pkix.Name) bool {
	return slices.Equal(subject.Organization, []string{devcert.Organization}) &&
		slices.Equal(subject.OrganizationalUnit, []string{devcert.Owner(s.o.Getenv)})
}

// change changes the folder and has the bundle made anew: itself where it may, by sudo where somebody can type a
// password, and else not at all.
func (s systemStore) change(ctx context.Context, l layout, commands [][]string, itself func() error, byHand func() []string) error {
	updater, _ := find(l.update[0])
	update := append([]string{updater}, append(l.update[1:len(l.update):len(l.update)], s.folders(l)...)...)
	if err := itself(); err == nil {
		_, err = tool{path: updater}.run(ctx, update[1:]...)
		return err
	} else if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	sudo, ok := find("sudo")
	if !ok || !s.o.Interactive {
		return &storeError{"only an administrator may change it", append(byHand(), "sudo "+command(update...))}
	}
	for _, words := range append(commands, update) {
		if _, err := (tool{path: sudo, ask: true}).run(ctx, append([]string{"--"}, words...)...); err != nil {
			return &storeError{err.Error(), append(byHand(), "sudo "+command(update...))}
		}
	}
	return nil
}

// folders tells Debian's tool of another root.
func (s systemStore) folders(l layout) []string {
	if s.o.Root == "" {
		return nil
	}
	in := func(path string) string { return s.o.Root + path }
	return []string{
		"--localcertsdir", in(l.dir), "--certsdir", in("/usr/share/ca-certificates"), "--certsconf", in("/etc/ca-certificates.conf"),
		"--etccertsdir", in("/etc/ssl/certs"), "--hooksdir", in("/etc/ca-certificates/update.d"),
	}
}
