package main

import (
	"bytes"
	"crypto/x509"
	"path/filepath"
	"strings"

	"github.com/gorun-dev/gorun/servers/devcert"
)

// trust is how clients know that both servers show the same certificate.
type trust struct {
	leaf  []byte // as it is sent
	roots *x509.CertPool
}

// is reports whether this is the certificate.
func (t trust) is(c *x509.Certificate) bool { return bytes.Equal(t.leaf, c.Raw) }

// makeCertificate makes the certificate that both servers find by certificateEnv.
func makeCertificate(dir string) (trust, error) {
	env := certificateEnv(dir)
	getenv := func(name string) string {
		for _, e := range env {
			if value, ok := strings.CutPrefix(e, name+"="); ok {
				return value
			}
		}
		return ""
	}
	_, info, err := devcert.Ensure(devcert.Options{Getenv: getenv})
	if err != nil {
		return trust{}, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(info.Anchor)
	return trust{info.Leaf.Raw, roots}, nil
}

// certificateEnv has package devcert look in dir alone: not for the user's certificates, nor for those of mkcert.
func certificateEnv(dir string) []string {
	return []string{"GORUN_DATA=" + filepath.Join(dir, "data"), "CAROOT=" + filepath.Join(dir, "no-mkcert")}
}
