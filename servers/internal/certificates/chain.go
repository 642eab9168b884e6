package certificates

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"slices"
)

// assemble joins a key with the certificate that it belongs to, and with that one's issuers in their order, however they
// stood in the file. A root is not sent: whoever trusts it has it. It reports false when no key belongs to any certificate.
func assemble(certs []*x509.Certificate, keys []crypto.Signer) (*tls.Certificate, bool) {
	for _, cert := range certs {
		for _, key := range keys {
			if !belongs(cert, key) {
				continue
			}
			whole := &tls.Certificate{PrivateKey: key, Leaf: cert}
			for _, c := range chain(cert, certs) {
				whole.Certificate = append(whole.Certificate, c.Raw)
			}
			return whole, true
		}
	}
	return nil, false
}

func belongs(cert *x509.Certificate, key crypto.Signer) bool {
	public, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(key.Public())
}

// chain goes from leaf to issuer as long as there is one among certs. Of two that fit, the first in the file is taken.
func chain(leaf *x509.Certificate, certs []*x509.Certificate) []*x509.Certificate {
	path := []*x509.Certificate{leaf}
	for range certs {
		last := path[len(path)-1]
		i := slices.IndexFunc(certs, func(c *x509.Certificate) bool {
			return !selfIssued(c) && !slices.Contains(path, c) && bytes.Equal(c.RawSubject, last.RawIssuer) && last.CheckSignatureFrom(c) == nil
		})
		if i < 0 {
			break
		}
		path = append(path, certs[i])
	}
	return path
}

func selfIssued(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, c.RawIssuer) }
