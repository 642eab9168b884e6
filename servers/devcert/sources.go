package devcert

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"os"
	"path/filepath"
	"slices"
)

// The files of mkcert.
const (
	mkcertRoot = "rootCA.pem"
	mkcertKey  = "rootCA-key.pem"
)

// signer is the CA that signs: ours, or mkcert's when we have none. An error means that there is none.
func (f files) signer(o Options) (pair, error) {
	own, err := readCA(f.ca, f.caKey)
	if err == nil && usable(own, o) {
		tighten(f.caKey)
		return own, nil
	}
	if f.mkcert != "" {
		ca, err := readCA(filepath.Join(f.mkcert, mkcertRoot), filepath.Join(f.mkcert, mkcertKey))
		if err == nil && usable(ca, o) {
			return ca, nil
		}
	}
	return pair{}, errors.New("there is no CA")
}

func usable(ca pair, o Options) bool {
	now := o.now()
	return ca.cert.IsCA && now.After(ca.cert.NotBefore) && ca.cert.NotAfter.Sub(now) > caRest
}

// readCA reads a CA with its key, which must belong together.
func readCA(certPath, keyPath string) (pair, error) {
	certData, err := os.ReadFile(certPath)
	if err != nil {
		return pair{}, err
	}
	keyData, err := os.ReadFile(keyPath)
	if err != nil {
		return pair{}, err
	}
	certs, _, err := parsePEM(certData)
	if err != nil {
		return pair{}, err
	}
	_, key, err := parsePEM(keyData)
	if err != nil {
		return pair{}, err
	}
	if len(certs) != 1 || key == nil || !belongs(certs[0], key) {
		return pair{}, errors.New("certificate and key do not belong together")
	}
	return pair{certs[0], key}, nil
}

// aspNetOID marks ASP.NET Core's development certificates (reference: its CertificateManager.AspNetHttpsOid).
func aspNetOID() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 84, 1, 1} }

// FindAspNet lists the files of .NET's certificate store of the user, any of which may be its development
// certificate: StoreFiles of the store "my".
func FindAspNet(getenv func(string) string) []string { return StoreFiles(getenv, "my") }

// StoreDir is the folder that holds a certificate store of the user as .NET keeps it on Linux, "my" or "root" and so on
// in lower case; "" when HOME is not set. On macOS and Windows .NET uses the system's stores, and nothing is there.
// getenv must not be nil.
func StoreDir(getenv func(string) string, store string) string {
	home := getenv("HOME")
	if home == "" {
		return ""
	}
	return filepath.Join(home, ".dotnet", "corefx", "cryptography", "x509stores", store)
}

// StoreFiles lists the files of such a store, sorted. They are PKCS#12 with an empty password.
func StoreFiles(getenv func(string) string, store string) []string {
	dir := StoreDir(getenv, store)
	if dir == "" {
		return nil
	}
	found, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*.pfx"))
	if err != nil {
		return nil
	}
	return found
}

// escapeGlob makes a path mean itself. Windows has no escapes, and no .NET store in files either.
func escapeGlob(path string) string {
	var out []rune
	for _, r := range path {
		if r == '*' || r == '?' || r == '[' || r == '\\' {
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(out)
}

// loadAspNet finds the certificate of ASP.NET Core that is valid the longest. One that lacks a name of o.Names is left out.
func loadAspNet(o Options) (best tls.Certificate, info Info, ok bool) {
	for _, path := range FindAspNet(o.getenv) {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		cert, err := ReadPFX(data, "")
		if err != nil {
			continue
		}
		leaf := cert.Leaf
		if !isAspNet(leaf) || !o.current(leaf) || !o.named(leaf) || info.Leaf != nil && leaf.NotAfter.Before(info.Leaf.NotAfter) {
			continue
		}
		best, ok = cert, true
		info = Info{Source: AspNet, File: path, Leaf: leaf, Anchor: leaf}
	}
	return best, info, ok
}

func (o Options) current(cert *x509.Certificate) bool {
	now := o.now()
	return !now.Before(cert.NotBefore) && now.Before(cert.NotAfter)
}

// named reports whether clients that ask for a name of o.Names take cert.
func (o Options) named(cert *x509.Certificate) bool {
	return !slices.ContainsFunc(o.Names, func(name string) bool { return cert.VerifyHostname(name) != nil })
}

func isAspNet(cert *x509.Certificate) bool {
	oid := aspNetOID()
	return slices.ContainsFunc(cert.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(oid) })
}
