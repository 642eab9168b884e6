package devcert

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"

	"software.sslmate.com/src/go-pkcs12"
)

// PFXError is a PKCS#12 file that cannot be read.
type PFXError struct {
	WrongPassword bool
	Err           error // the library's
}

func (e *PFXError) Error() string {
	if e.WrongPassword {
		return "the password of the PFX is wrong"
	}
	return "the PFX cannot be read: " + e.Err.Error()
}

func (e *PFXError) Unwrap() error { return e.Err }

// Hint says how to make one that can be.
func (e *PFXError) Hint() string {
	if e.WrongPassword {
		return "look at the password: it is the one that the file was exported with"
	}
	return "export it again with one key and its certificates: openssl pkcs12 -export. Firefox writes BER, which is not read here"
}

// ReadPFX reads a key and its certificates from PKCS#12 in DER: the certificate that the key belongs to comes first, and is
// the Leaf; the others follow in the order of the file. A password of "" also opens files without one. The error
// is a *PFXError.
func ReadPFX(data []byte, password string) (tls.Certificate, error) {
	key, first, rest, err := pkcs12.DecodeChain(data, password)
	if err != nil {
		return tls.Certificate{}, &PFXError{errors.Is(err, pkcs12.ErrIncorrectPassword), err}
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return tls.Certificate{}, &PFXError{Err: errors.New("its key cannot sign")}
	}
	cert := tls.Certificate{PrivateKey: signer}
	for _, c := range append([]*x509.Certificate{first}, rest...) {
		if cert.Leaf == nil && belongs(c, signer) {
			cert.Leaf = c
			cert.Certificate = append([][]byte{c.Raw}, cert.Certificate...)
			continue
		}
		cert.Certificate = append(cert.Certificate, c.Raw)
	}
	if cert.Leaf == nil {
		return tls.Certificate{}, &PFXError{Err: errors.New("its key belongs to none of its certificates")}
	}
	return cert, nil
}

// ExportPFX gives a certificate, its key and the certificates of chain, which may be empty, as PKCS#12 with
// AES-256 and SHA-256. That is read by OpenSSL from 1.1.1 on, Windows Server 2019, Java 12 and .NET. A password of ""
// protects nothing.
func ExportPFX(cert tls.Certificate, chain []*x509.Certificate, password string) ([]byte, error) {
	if len(cert.Certificate) == 0 {
		return nil, errors.New("there is no certificate")
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return nil, err
	}
	encoder := pkcs12.Modern2023
	if password != "" {
		encoder = encoder.WithIterations(iterations)
	}
	return encoder.Encode(cert.PrivateKey, leaf, chain, password)
}
