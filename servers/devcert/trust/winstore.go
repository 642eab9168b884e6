package trust

import (
	"context"
	"crypto/x509"
	"path/filepath"
	"strings"
)

// windowsStore is the user's store of root certificates, which Edge, Chrome, .NET and Go read, and Firefox by its default
// settings. Windows asks before something is added or removed.
type windowsStore struct{ o Options }

func (w windowsStore) name() (string, string) { return "windows", `CurrentUser\Root` }

// certutil is that of Windows, not the one of NSS that may stand before it in PATH.
func (w windowsStore) certutil(ctx context.Context, args ...string) (string, error) {
	return tool{path: w.path()}.run(ctx, args...)
}

func (w windowsStore) path() string {
	root := w.o.Getenv("SystemRoot")
	if root == "" {
		root = `C:\Windows`
	}
	return filepath.Join(root, "System32", "certutil.exe")
}

func (w windowsStore) trusts(_ context.Context, cert *x509.Certificate) (bool, error) {
	return systemVerifies(cert), nil
}

func (w windowsStore) add(ctx context.Context, cert *x509.Certificate) error {
	file, done, err := temporary(cert)
	if err != nil {
		return err
	}
	defer done()
	if _, err := w.certutil(ctx, "-user", "-addstore", "Root", file); err != nil {
		return &storeError{err.Error(), []string{`certutil -user -addstore Root "` + w.o.file() + `"`}}
	}
	return nil
}

func (w windowsStore) remove(ctx context.Context, cert *x509.Certificate) (bool, error) {
	if cert == nil {
		return false, nil
	}
	out, err := w.certutil(ctx, "-user", "-store", "Root", Thumbprint(cert))
	if err != nil || !strings.Contains(strings.ToUpper(strings.ReplaceAll(out, " ", "")), Thumbprint(cert)) {
		return false, nil // its exit status is a failure when the certificate is not there
	}
	_, err = w.certutil(ctx, "-user", "-delstore", "Root", Thumbprint(cert))
	return err == nil, err
}
