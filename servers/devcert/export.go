package devcert

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
)

// ExportPEM gives a certificate as text, and its key as PKCS#8: encrypted where password is not "".
func ExportPEM(cert tls.Certificate, password string) (certificate, key []byte, err error) {
	if len(cert.Certificate) == 0 {
		return nil, nil, errors.New("there is no certificate")
	}
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey.(crypto.Signer)) // crypto/tls wants one, too
	if err != nil {
		return nil, nil, err
	}
	if password == "" {
		return certificate, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
	}
	der, err = encrypted(der, password)
	return certificate, pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}), err
}

// iterations are those of .NET for the same export.
const iterations = 100_000

// The structures of RFC 8018, appendix A.
type (
	encryptedKey struct { // RFC 5958, section 3
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	pbes2Params struct {
		KeyDerivation, Encryption pkix.AlgorithmIdentifier
	}
	pbkdf2Params struct {
		Salt       []byte
		Iterations int
		PRF        pkix.AlgorithmIdentifier
	}
)

// encrypted wraps a PKCS#8 key with a password by PBES2: PBKDF2 with HMAC-SHA-256, and AES-256 in CBC mode (RFC 8018).
func encrypted(der []byte, password string) ([]byte, error) {
	salt, iv := random(16), random(aes.BlockSize)
	key, err := pbkdf2.Key(sha256.New, password, salt, iterations, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	pad := aes.BlockSize - len(der)%aes.BlockSize
	data := der[:len(der):len(der)]
	for range pad {
		data = append(data, byte(pad))
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)

	var b builder
	derivation := b.algorithm([]int{1, 2, 840, 113549, 1, 5, 12}, pbkdf2Params{ // PBKDF2
		salt, iterations, pkix.AlgorithmIdentifier{Algorithm: []int{1, 2, 840, 113549, 2, 9}, Parameters: asn1.NullRawValue}, // hmacWithSHA256
	})
	encryption := b.algorithm([]int{2, 16, 840, 1, 101, 3, 4, 1, 42}, iv) // aes256-CBC-PAD
	whole := encryptedKey{b.algorithm([]int{1, 2, 840, 113549, 1, 5, 13}, pbes2Params{derivation, encryption}), data}
	out := b.marshal(whole)
	return out, b.err
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it ends the program rather than fail
	return b
}

// builder keeps the first error.
type builder struct{ err error }

func (b *builder) marshal(v any) []byte {
	out, err := asn1.Marshal(v)
	if b.err == nil {
		b.err = err
	}
	return out
}

func (b *builder) algorithm(oid asn1.ObjectIdentifier, parameters any) pkix.AlgorithmIdentifier {
	return pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.RawValue{FullBytes: b.marshal(parameters)}}
}

// Remove deletes the certificate and our CA with their keys, and reports whether there was anything. What belongs
// to mkcert and to ASP.NET Core stays. The CA stays trusted where it is: that is for package trust to undo, before.
func Remove(o Options) (removed bool, err error) {
	f, err := o.files()
	if err != nil {
		return false, err
	}
	if _, err := os.Stat(f.dir); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	unlock, err := lock(f.lock)
	if err != nil {
		return false, &WriteError{f.lock, reason(err)}
	}
	defer unlock()
	for _, path := range []string{f.leaf, f.ca, f.caKey} {
		switch e := os.Remove(path); {
		case e == nil:
			removed = true
		case !errors.Is(e, fs.ErrNotExist):
			err = errors.Join(err, &WriteError{path, reason(e)})
		}
	}
	return removed, err
}
