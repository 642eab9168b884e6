package certificates

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// trouble is a Problem without its place yet.
type trouble struct {
	problem Problem
	err     error
}

// isPEM reports whether data is text. Certificates as text may have other text around them.
func isPEM(data []byte) bool { return bytes.Contains(data, []byte("-----BEGIN ")) }

// blocks gives the blocks of a PEM file, and skips the text between them.
func blocks(data []byte) (all []*pem.Block) {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return all
		}
		all = append(all, block)
	}
}

// parseCerts reads the certificates of a PEM file, or the one of a DER file.
func parseCerts(data []byte) ([]*x509.Certificate, error) {
	if !isPEM(data) {
		return x509.ParseCertificates(data)
	}
	var certs []*x509.Certificate
	for _, block := range blocks(data) {
		if block.Type != "CERTIFICATE" && block.Type != "TRUSTED CERTIFICATE" && block.Type != "X509 CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		certs = append(certs, cert)
	}
	return certs, nil
}

// parseKeys reads the private keys of a PEM file, with their password. There is one at least, or an error.
func parseKeys(data []byte, password string) ([]crypto.Signer, *trouble) {
	var keys []crypto.Signer
	var first *trouble
	for _, block := range blocks(data) {
		key, t := parseKey(block, password)
		if t != nil && first == nil {
			first = t
		}
		if key != nil {
			keys = append(keys, key)
		}
	}
	switch {
	case len(keys) > 0:
		return keys, nil
	case first == nil:
		first = &trouble{NoKey, nil}
	}
	return nil, first
}

// parseKey reads one block; a block that is no key is neither a key nor trouble.
func parseKey(block *pem.Block, password string) (crypto.Signer, *trouble) {
	der, t := block.Bytes, (*trouble)(nil)
	encrypted := block.Type == "ENCRYPTED PRIVATE KEY"
	switch {
	case encrypted:
		der, t = decryptPKCS8(block.Bytes, password)
	case block.Headers["DEK-Info"] != "":
		encrypted = true
		der, t = decryptLegacy(block, password)
	}
	if t != nil {
		return nil, t
	}
	key, err := parseDER(block.Type, der)
	switch {
	case err != nil && encrypted: // some wrong passwords show only now
		return nil, &trouble{WrongPassword, nil}
	case err != nil:
		return nil, &trouble{NoKey, err}
	case key == nil:
		return nil, nil
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, &trouble{NoKey, fmt.Errorf("a %T signs nothing", key)}
	}
	return signer, nil
}

// parseDER gives nil for a block that holds no private key.
func parseDER(kind string, der []byte) (any, error) {
	switch kind {
	case "PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(der)
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(der)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(der)
	}
	return nil, nil
}

// decryptLegacy opens a key as OpenSSL wrote it before 1.0 (RFC 1421). It is no good protection, but such files are about.
func decryptLegacy(block *pem.Block, password string) ([]byte, *trouble) {
	if password == "" {
		return nil, &trouble{NeedsPassword, nil}
	}
	//lint:ignore SA1019 whoever has such a file cannot choose
	der, err := x509.DecryptPEMBlock(block, []byte(password))
	switch {
	case errors.Is(err, x509.IncorrectPasswordError):
		return nil, &trouble{WrongPassword, nil}
	case err != nil:
		return nil, &trouble{Unsupported, err}
	}
	return der, nil
}
