package certificates

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/gorun-dev/gorun/servers/devcert"
)

// fromStore searches .NET's store of the user for a subject, as .NET does on Linux: some part of the subject, in any case;
// a certificate for servers, with its key; of several the one that ends last. Without AllowInvalid it must be valid now and
// trusted by the system (reference: aspnetcore, CertificateLoader.LoadFromStoreCert). What .NET's own "Root" store
// trusts beyond that is not known here.
func (r reader) fromStore() (*tls.Certificate, error) {
	dir, err := r.storeDir()
	if err != nil {
		return nil, err
	}
	var best *tls.Certificate
	why := errors.New("none has this subject and a key")
	for _, path := range devcert.StoreFiles(r.o.getenv, r.source.store()) {
		cert := r.storeFile(path)
		if cert == nil {
			continue
		}
		if err := r.acceptable(cert); err != nil {
			why = fmt.Errorf("%s was found, but %w", path, err)
			continue
		}
		if best == nil || cert.Leaf.NotAfter.After(best.Leaf.NotAfter) {
			best = cert
		}
	}
	if best == nil {
		return nil, r.fail(NotInStore, dir, fmt.Errorf("subject %q: %w", r.source.Subject, why))
	}
	return best, nil
}

// storeDir is the folder of the store, where this system has one that can be read.
func (r reader) storeDir() (string, error) {
	unsupported := func(why string) error { return r.fail(NoStore, "", errors.New(why)) }
	switch {
	case runtime.GOOS == "windows" || runtime.GOOS == "darwin":
		return "", unsupported("this program cannot read that of " + runtime.GOOS)
	case r.source.Location != "" && !strings.EqualFold(r.source.Location, "CurrentUser"):
		return "", unsupported("Location " + r.source.Location + " has none here, CurrentUser does")
	case strings.ContainsAny(r.source.store(), `/\`) || strings.HasPrefix(r.source.store(), "."):
		return "", unsupported(r.source.Store + " is no name of one")
	}
	dir := devcert.StoreDir(r.o.getenv, r.source.store())
	if dir == "" {
		return "", unsupported("HOME is not set")
	}
	return dir, nil
}

// storeFile gives the certificate of a file of the store if it is one that is meant, or nil. Those without a key
// are for others to verify with.
func (r reader) storeFile(path string) *tls.Certificate {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	cert, err := devcert.ReadPFX(data, "")
	if err != nil || !r.named(cert.Leaf) || !serves(cert.Leaf) {
		return nil
	}
	return inOrder(cert)
}

func (r reader) named(c *x509.Certificate) bool {
	var parts []string
	for _, part := range c.Subject.Names {
		parts = append(parts, fmt.Sprint(part.Value))
	}
	return strings.Contains(fold(strings.Join(parts, ", ")), fold(r.source.Subject))
}

func (r reader) acceptable(cert *tls.Certificate) error {
	if r.source.AllowInvalid {
		return nil
	}
	between := x509.NewCertPool()
	for _, raw := range cert.Certificate[1:] {
		if c, err := x509.ParseCertificate(raw); err == nil {
			between.AddCert(c)
		}
	}
	_, err := cert.Leaf.Verify(x509.VerifyOptions{CurrentTime: r.o.now(), Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err
}

func fold(s string) string { return strings.ToLower(s) }
