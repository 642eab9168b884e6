package reverseproxy

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// prefix begins the names of the folders.
func prefix(kind Kind) string { return "gorun-" + string(kind) + "-" }

// makeFolder makes the front's folder, which nobody else may look into, with all that it reads. Nothing is left when it
// fails.
func makeFolder(parent string, c Config) (string, error) {
	folder, err := os.MkdirTemp(parent, prefix(c.Program.Kind))
	if err != nil {
		return "", err
	}
	if err := fillFolder(folder, c); err != nil {
		return "", errors.Join(err, os.RemoveAll(folder))
	}
	return filepath.Abs(folder)
}

func fillFolder(folder string, c Config) error {
	if err := writeCertificates(folder, c); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, dialects[c.Program.Kind].file()), []byte(c.Text()), 0o600)
}

func writeCertificates(folder string, c Config) error {
	for _, s := range c.sites() {
		if !s.TLS {
			continue
		}
		public := c.Public[s.Number-1]
		chain, key, err := pemOf(public.Certificate)
		if err != nil {
			return &CertificateError{public.Endpoint, err}
		}
		for name, data := range map[string][]byte{"crt": chain, "key": key} {
			if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%d.%s", s.Number, name)), data, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// pemOf gives a certificate as files have it, if its key belongs to it.
func pemOf(cert *tls.Certificate) (chain, key []byte, err error) {
	if cert == nil || len(cert.Certificate) == 0 || cert.PrivateKey == nil {
		return nil, nil, errors.New("there is no certificate with a private key")
	}
	var out bytes.Buffer
	for _, der := range cert.Certificate {
		_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: der}) // a Buffer takes it
	}
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return nil, nil, err
	}
	key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	_, err = tls.X509KeyPair(out.Bytes(), key)
	return out.Bytes(), key, err
}

// removeSocket removes the file of a unix socket that nobody listens on any more. Whatever else it may be is left.
func removeSocket(path string) {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		_ = os.Remove(path) // the program says what is wrong with a file that stays
		return
	}
	conn.Close()
}
