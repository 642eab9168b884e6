package devcert

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"slices"
)

// mkcertOrganization is the O of the CAs that mkcert makes.
const mkcertOrganization = "mkcert development CA"

// ImportError is a certificate that Import does not take.
type ImportError struct{ Reason string } // lower case, no full stop

func (e *ImportError) Error() string {
	return "this is no development certificate: " + e.Reason
}

// Hint says where one comes from.
func (e *ImportError) Hint() string {
	return "export one where it was made, by gorun or dotnet: dev-certs https --export-path FILE --password PASSWORD"
}

// Importable reports, as an *ImportError, why Import would not take a certificate, or nil. It takes those of ASP.NET Core, and
// those for localhost that come with the CA of gorun or mkcert that signed them, as ReadPFX gives them.
func Importable(o Options, cert tls.Certificate) error {
	_, err := anchorOf(o, cert)
	return err
}

func anchorOf(o Options, cert tls.Certificate) (*x509.Certificate, error) {
	leaf := cert.Leaf
	switch {
	case leaf == nil:
		return nil, &ImportError{"there is none"}
	case !o.current(leaf):
		return nil, &ImportError{"it is valid from " + day(leaf.NotBefore) + " to " + day(leaf.NotAfter) + " alone"}
	case leaf.VerifyHostname("localhost") != nil:
		return nil, &ImportError{"it is not for localhost"}
	case isAspNet(leaf):
		return leaf, nil
	}
	for _, raw := range cert.Certificate[1:] {
		ca, err := x509.ParseCertificate(raw)
		if err == nil && ca.IsCA && development(ca) && leaf.CheckSignatureFrom(ca) == nil {
			return ca, nil
		}
	}
	return nil, &ImportError{"neither ASP.NET Core made it, nor is the CA of gorun or mkcert that signed it in the file"}
}

func development(ca *x509.Certificate) bool {
	return slices.ContainsFunc(ca.Subject.Organization, func(o string) bool { return o == Organization || o == mkcertOrganization })
}

// Import puts a certificate and its key, as ReadPFX gives them, in the place of the own one, until it ends. Its CA comes
// without a key, so that what has to be trusted changes when the certificate is made anew. An error is an *ImportError, a
// *WriteError, a *NoFolderError or of the system.
func Import(o Options, cert tls.Certificate) (Info, error) {
	anchor, err := anchorOf(o, cert)
	if err != nil {
		return Info{}, err
	}
	f, err := o.files()
	if err != nil {
		return Info{}, err
	}
	if err := f.prepare(); err != nil {
		return Info{}, err
	}
	unlock, err := lock(f.lock)
	if err != nil {
		return Info{}, &WriteError{f.lock, err}
	}
	defer unlock()
	if err := f.writeImported(pair{cert.Leaf, cert.PrivateKey.(crypto.Signer)}, anchor); err != nil {
		return Info{}, err
	}
	_, info, err := f.load(o)
	return info, err
}

// writeImported writes the certificate last: until then the old one counts, and is found broken when its CA is gone.
func (f files) writeImported(leaf pair, anchor *x509.Certificate) error {
	if anchor != leaf.cert && !sameCert(f.ca, anchor) {
		if err := os.Remove(f.caKey); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return &WriteError{f.caKey, reason(err)}
		}
		if err := write(f.ca, certPEM(anchor)); err != nil {
			return err
		}
	}
	return f.writeLeaf(leaf, anchor)
}
