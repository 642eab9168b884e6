package devcert

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// files are the paths in the folder. The certificate and its key are one file, so that nobody ever reads two that do
// not belong together.
type files struct {
	dir    string
	lock   string
	leaf   string // certificate, the CA's certificate, key
	ca     string // the CA's certificate, for those who have to trust it
	caKey  string
	mkcert string // mkcert's folder, or ""
}

func (o Options) files() (files, error) {
	dir := o.Dir
	if dir == "" {
		var err error
		if dir, err = DefaultDir(o.getenv); err != nil {
			return files{}, err
		}
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	return files{dir, in("lock"), in("localhost.pem"), in("ca.pem"), in("ca-key.pem"), mkcertDir(o.getenv)}, nil
}

// prepare makes the folder, for its owner alone.
func (f files) prepare() error {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return &WriteError{f.dir, reason(err)}
	}
	info, err := os.Stat(f.dir)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = os.Chmod(f.dir, 0o700)
	}
	if err != nil {
		return &WriteError{f.dir, reason(err)}
	}
	return nil
}

// reason is an error without the path, which stands in the message already.
func reason(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// load reads the certificate and looks whether it can be used.
func (f files) load(o Options) (tls.Certificate, Info, error) {
	leaf, anchor, err := readLeaf(f.leaf)
	if errors.Is(err, fs.ErrNotExist) {
		if cert, info, ok := loadAspNet(o); ok {
			return cert, info, nil
		}
		return tls.Certificate{}, Info{}, &StateError{Missing, f.leaf, "there was none"}
	}
	info := Info{Source: Own, File: f.leaf, Leaf: leaf.cert, Anchor: anchor}
	if err == nil && anchor.Equal(leaf.cert) {
		info.Source = AspNet // it was imported
	}
	now := o.now()
	broken := func(state State, why string) (tls.Certificate, Info, error) {
		return tls.Certificate{}, info, &StateError{state, f.leaf, why}
	}
	switch {
	case err != nil:
		return broken(Broken, err.Error())
	case !signedBy(leaf.cert, anchor):
		return broken(Broken, "the CA in the file did not sign it")
	case now.After(leaf.cert.NotAfter) || now.After(anchor.NotAfter):
		return broken(Ended, "it ended on "+day(leaf.cert.NotAfter))
	case now.Before(leaf.cert.NotBefore):
		return broken(Broken, "it begins only on "+day(leaf.cert.NotBefore))
	}
	switch {
	case info.Source == AspNet: // there is no CA
	case sameCert(f.ca, anchor):
		info.AnchorFile = f.ca
	case f.mkcert != "" && sameCert(filepath.Join(f.mkcert, mkcertRoot), anchor):
		info.Source, info.AnchorFile = Mkcert, filepath.Join(f.mkcert, mkcertRoot)
	default:
		return broken(Broken, "the CA that signed it is gone")
	}
	// The CA itself is not sent: whoever does not have it does not trust it.
	return tls.Certificate{Certificate: [][]byte{leaf.cert.Raw}, PrivateKey: leaf.key, Leaf: leaf.cert}, info, nil
}

// signedBy reports whether anchor signed cert. ASP.NET Core's certificates sign themselves, and are no CAs.
func signedBy(cert, anchor *x509.Certificate) bool {
	if cert.Equal(anchor) {
		return isAspNet(cert) && cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) == nil
	}
	return cert.CheckSignatureFrom(anchor) == nil
}

func sameCert(path string, cert *x509.Certificate) bool {
	data, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	found, _, err := parsePEM(data)
	return err == nil && len(found) == 1 && found[0].Equal(cert)
}

// readLeaf reads the file of the certificate. A nil error means that certificate and key belong together.
func readLeaf(path string) (leaf pair, anchor *x509.Certificate, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return pair{}, nil, err
	}
	tighten(path)
	certs, key, err := parsePEM(data)
	switch {
	case err != nil:
		return pair{}, nil, err
	case len(certs) != 2 || key == nil:
		return pair{}, nil, errors.New("the file is not complete")
	case !belongs(certs[0], key):
		return pair{}, nil, errors.New("the key does not belong to the certificate")
	}
	return pair{certs[0], key}, certs[1], nil
}

// tighten takes a secret away from the eyes of others. Where it cannot, nothing is worse than before.
func tighten(path string) {
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		_ = os.Chmod(path, 0o600)
	}
}

func belongs(cert *x509.Certificate, key crypto.Signer) bool {
	public, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(key.Public())
}

// parsePEM reads certificates, and a key where there is one.
func parsePEM(data []byte) (certs []*x509.Certificate, key crypto.Signer, err error) {
	for len(bytes.TrimSpace(data)) > 0 {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return nil, nil, errors.New("the file is not PEM")
		}
		switch block.Type {
		case "CERTIFICATE":
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, nil, err
			}
			certs = append(certs, cert)
		default:
			if key, err = parseKey(block); err != nil {
				return nil, nil, err
			}
		}
	}
	return certs, key, nil
}

func parseKey(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, errors.New("the file holds a " + block.Type)
	}
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("the key cannot sign")
	}
	return signer, nil
}

func (f files) writeLeaf(leaf pair, anchor *x509.Certificate) error {
	key, err := keyPEM(leaf.key)
	if err != nil {
		return err
	}
	return write(f.leaf, append(append(certPEM(leaf.cert), certPEM(anchor)...), key...))
}

// writeCA writes the key first: a CA without a key signs nothing, and the next maker makes another.
func (f files) writeCA(ca pair) error {
	key, err := keyPEM(ca.key)
	if err != nil {
		return err
	}
	if err := write(f.caKey, key); err != nil {
		return err
	}
	return write(f.ca, certPEM(ca.cert))
}

func certPEM(cert *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
}

func keyPEM(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}

// write puts a file in place whole, readable by its owner alone.
func write(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return &WriteError{path, reason(err)}
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // it is nobody's
		return &WriteError{path, reason(err)}
	}
	return nil
}
