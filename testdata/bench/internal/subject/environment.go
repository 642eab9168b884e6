package subject

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gorun-dev/gorun/servers/devcert"
)

// Environ is this process's environment without what would change a server, and with the certificate of a bench's folder.
func Environ(dir string) []string {
	var env []string
	for _, e := range os.Environ() {
		if !hasOneOf(e, "GORUN_", "ASPNETCORE_", "DOTNET_", "LISTEN_", "NOTIFY_SOCKET=", "PORT=", "HTTP_PORTS=", "HTTPS_PORTS=") {
			env = append(env, e)
		}
	}
	return append(env, certificateEnv(dir)...)
}

func hasOneOf(text string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(text, prefix) })
}

// Trust is how clients know that servers show the same certificate. The zero value has no certificate.
type Trust struct {
	certificate tls.Certificate // with its key
	leaf        []byte          // as it is sent
	roots       *x509.CertPool
}

// PEM is the certificate and its key as nginx reads them.
func (t Trust) PEM() (certificate, key []byte, err error) {
	return devcert.ExportPEM(t.certificate, "")
}

// Is reports whether this is the certificate.
func (t Trust) Is(c *x509.Certificate) bool { return bytes.Equal(t.leaf, c.Raw) }

// Roots are what signed it.
func (t Trust) Roots() *x509.CertPool { return t.roots }

// MakeCertificate makes the certificate that servers find with the Environ of the same folder.
func MakeCertificate(dir string) (Trust, error) {
	env := certificateEnv(dir)
	getenv := func(name string) string {
		for _, e := range env {
			if value, ok := strings.CutPrefix(e, name+"="); ok {
				return value
			}
		}
		return ""
	}
	certificate, info, err := devcert.Ensure(devcert.Options{Getenv: getenv})
	if err != nil {
		return Trust{}, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(info.Anchor)
	return Trust{certificate, info.Leaf.Raw, roots}, nil
}

// certificateEnv has package devcert look in dir alone: not for the user's certificates, nor for those of mkcert.
func certificateEnv(dir string) []string {
	return []string{"GORUN_DATA=" + filepath.Join(dir, "data"), "CAROOT=" + filepath.Join(dir, "no-mkcert")}
}
