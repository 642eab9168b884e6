package trust

import (
	"context"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"path/filepath"
	"strings"
)

// keychain is the login keychain of macOS, which Safari, Chrome, curl and Go read, and Firefox by its default settings.
// The user's own trust settings are enough for all of them, and need no administrator; macOS asks for the password.
type keychain struct{ o Options }

func (k keychain) name() (string, string) { return "keychain", k.path() }

func (k keychain) path() string {
	return filepath.Join(k.o.Getenv("HOME"), "Library", "Keychains", "login.keychain-db")
}

func (k keychain) security(ctx context.Context, ask bool, args ...string) (string, error) {
	return tool{path: "/usr/bin/security", ask: ask}.run(ctx, args...)
}

// trusts asks the system: on macOS each crypto/x509 verification does.
func (k keychain) trusts(_ context.Context, cert *x509.Certificate) (bool, error) {
	return systemVerifies(cert), nil
}

func (k keychain) add(ctx context.Context, cert *x509.Certificate) error {
	file, done, err := temporary(cert)
	if err != nil {
		return err
	}
	defer done()
	args := []string{"add-trusted-cert", "-r", "trustRoot", "-p", "ssl", "-p", "basic", "-k", k.path(), file}
	if _, err := k.security(ctx, k.o.Interactive, args...); err != nil {
		return &storeError{err.Error(), []string{
			command("security", "add-trusted-cert", "-r", "trustRoot", "-p", "ssl", "-p", "basic", "-k", k.path(), k.o.file()),
		}}
	}
	return nil
}

func (k keychain) remove(ctx context.Context, cert *x509.Certificate) (bool, error) {
	if cert == nil {
		return false, nil
	}
	out, err := k.security(ctx, false, "find-certificate", "-a", "-Z", k.path())
	if err != nil || !strings.Contains(strings.ToUpper(out), Thumbprint(cert)) {
		return false, err
	}
	file, done, err := temporary(cert)
	if err != nil {
		return false, err
	}
	defer done()
	if _, err := k.security(ctx, k.o.Interactive, "remove-trusted-cert", file); err != nil {
		return false, err
	}
	_, err = k.security(ctx, k.o.Interactive, "delete-certificate", "-Z", Thumbprint(cert), k.path())
	return err == nil, err
}

// Thumbprint is the SHA-1 of a certificate in capital hexadecimal letters, by which macOS, Windows and .NET name it.
func Thumbprint(cert *x509.Certificate) string {
	sum := sha1.Sum(cert.Raw)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// systemVerifies asks the verifier of macOS or Windows.
func systemVerifies(cert *x509.Certificate) bool {
	_, err := cert.Verify(x509.VerifyOptions{KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err == nil
}
