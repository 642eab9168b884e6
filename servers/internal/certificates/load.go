package certificates

import (
	"cmp"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/gorun-dev/gorun/servers/devcert"
)

// reader reads the certificate of one Source.
type reader struct {
	source  Source
	setting string // its name, for errors
	o       Options
}

func (r reader) fail(p Problem, file string, err error) *Error {
	return &Error{Setting: r.setting, File: file, Problem: p, Err: err}
}

// path is where a file is that a setting names.
func (r reader) path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(r.o.Folder, name)
}

// files are what has to be looked at to see a change.
func (r reader) files() []string {
	if r.source.Path == "" {
		return []string{devcert.StoreDir(r.o.getenv, r.source.store())}
	}
	files := []string{r.path(r.source.Path)}
	if r.source.KeyPath != "" {
		files = append(files, r.path(r.source.KeyPath))
	}
	return files
}

// read gives the certificate with its key and its Leaf. An error is an *Error.
func (r reader) read() (*tls.Certificate, error) {
	if r.source.Path == "" {
		return r.fromStore()
	}
	path := r.path(r.source.Path)
	data, err := r.open(path)
	if err != nil {
		return nil, err
	}
	if !isPEM(data) {
		cert, err := devcert.ReadPFX(data, r.source.Password)
		if err == nil {
			return inOrder(cert), nil
		}
		if plain, e := x509.ParseCertificates(data); e != nil || len(plain) == 0 { // nor is it DER
			return nil, r.pfxError(path, err)
		}
	}
	certs, err := parseCerts(data)
	if err != nil || len(certs) == 0 {
		return nil, r.fail(NotACert, path, err)
	}
	return r.withKey(path, data, certs)
}

// withKey finds the key, in the certificates' file or its own.
func (r reader) withKey(path string, data []byte, certs []*x509.Certificate) (*tls.Certificate, error) {
	if r.source.KeyPath != "" {
		path = r.path(r.source.KeyPath)
		var err error
		if data, err = r.open(path); err != nil {
			return nil, err
		}
	}
	keys, t := r.keys(data)
	if t != nil {
		return nil, r.fail(t.problem, path, t.err)
	}
	cert, ok := assemble(certs, keys)
	if !ok {
		return nil, r.fail(Mismatch, path, nil)
	}
	return cert, nil
}

func (r reader) keys(data []byte) ([]crypto.Signer, *trouble) {
	if !isPEM(data) { // a bare PKCS#8 key
		if key, err := x509.ParsePKCS8PrivateKey(data); err == nil {
			if signer, ok := key.(crypto.Signer); ok {
				return []crypto.Signer{signer}, nil
			}
		}
	}
	return parseKeys(data, r.source.Password)
}

func (r reader) open(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			err = e.Err // the path stands in the message already
		}
		return nil, r.fail(NotThere, path, err)
	}
	return data, nil
}

func (r reader) pfxError(path string, err error) *Error {
	if e, ok := errors.AsType[*devcert.PFXError](err); ok {
		if e.WrongPassword && r.source.Password == "" {
			return r.fail(NeedsPassword, path, nil)
		}
		if e.WrongPassword {
			return r.fail(WrongPassword, path, nil)
		}
		err = e.Err
	}
	return r.fail(NotACert, path, err)
}

// inOrder puts the chain of a PFX in order.
func inOrder(cert tls.Certificate) *tls.Certificate {
	certs := []*x509.Certificate{cert.Leaf}
	for _, raw := range cert.Certificate[1:] {
		if c, err := x509.ParseCertificate(raw); err == nil {
			certs = append(certs, c)
		}
	}
	whole, _ := assemble(certs, []crypto.Signer{cert.PrivateKey.(crypto.Signer)}) // ReadPFX gives no others
	return whole
}

// warn tells of a plain key that everybody on this system can read.
func (r reader) warn() {
	path := cmp.Or(r.source.KeyPath, r.source.Path)
	if path == "" || r.source.Password != "" || runtime.GOOS == "windows" { // which has other permissions
		return
	}
	if info, err := os.Stat(r.path(path)); err == nil && info.Mode().Perm()&0o004 != 0 {
		r.o.log().Warn("everybody on this system can read the key of the certificate", "setting", r.setting, "file", r.path(path))
	}
}

// store is the name of the .NET store that is meant: "my", unless another is named.
func (s Source) store() string { return fold(cmp.Or(s.Store, "My")) }

// serves reports whether a certificate may be used by servers (reference: aspnetcore, CertificateLoader).
func serves(c *x509.Certificate) bool {
	return len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 ||
		slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny)
}
