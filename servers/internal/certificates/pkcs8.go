package certificates

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
)

// maxIterations bounds what a file can have this program do: some seconds at most.
const maxIterations = 10_000_000

// The structures of RFC 5958, section 3, and RFC 8018, appendix A.
type (
	encryptedKey struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	pbes2Params struct {
		KeyDerivation, Encryption pkix.AlgorithmIdentifier
	}
	pbkdf2Params struct {
		Salt       []byte
		Iterations int
		KeyLength  int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

// scheme is a cipher in CBC mode.
type scheme struct {
	keyLength int
	block     func([]byte) (cipher.Block, error)
}

// schemeOf knows the ciphers that OpenSSL and .NET write.
func schemeOf(oid asn1.ObjectIdentifier) (scheme, bool) {
	s, ok := map[string]scheme{
		"2.16.840.1.101.3.4.1.2":  {16, aes.NewCipher},
		"2.16.840.1.101.3.4.1.22": {24, aes.NewCipher},
		"2.16.840.1.101.3.4.1.42": {32, aes.NewCipher},
		"1.2.840.113549.3.7":      {24, des.NewTripleDESCipher},
	}[oid.String()]
	return s, ok
}

// prfOf knows HMAC with the usual hashes; without a name it is SHA-1 (RFC 8018, A.2).
func prfOf(oid asn1.ObjectIdentifier) (func() hash.Hash, bool) {
	h, ok := map[string]func() hash.Hash{
		"":                    sha1.New,
		"1.2.840.113549.2.7":  sha1.New,
		"1.2.840.113549.2.8":  sha256.New224,
		"1.2.840.113549.2.9":  sha256.New,
		"1.2.840.113549.2.10": sha512.New384,
		"1.2.840.113549.2.11": sha512.New,
	}[oid.String()]
	return h, ok
}

// decryptPKCS8 opens an encrypted PKCS#8 key: PBES2 with PBKDF2 (RFC 8018, 6.2). Scrypt and the ciphers of PKCS#5 v1.5 and
// PKCS#12 are not known here.
func decryptPKCS8(der []byte, password string) ([]byte, *trouble) {
	if password == "" {
		return nil, &trouble{NeedsPassword, nil}
	}
	data, mode, err := openerOf(der, password)
	if err != nil {
		return nil, &trouble{Unsupported, err}
	}
	if len(data) == 0 || len(data)%mode.BlockSize() != 0 {
		return nil, &trouble{NoKey, errors.New("it is cut off")}
	}
	mode.CryptBlocks(data, data)
	plain, ok := unpadded(data, mode.BlockSize())
	if !ok {
		return nil, &trouble{WrongPassword, nil}
	}
	return plain, nil
}

// openerOf gives the encrypted data and what decrypts it.
func openerOf(der []byte, password string) ([]byte, cipher.BlockMode, error) {
	var whole encryptedKey
	var params pbes2Params
	var derivation pbkdf2Params
	var iv []byte
	if err := exactly(der, &whole); err != nil {
		return nil, nil, err
	}
	if got := whole.Algorithm.Algorithm.String(); got != "1.2.840.113549.1.5.13" {
		return nil, nil, fmt.Errorf("its encryption is %s, which is not PBES2", got)
	}
	if err := exactly(whole.Algorithm.Parameters.FullBytes, &params); err != nil {
		return nil, nil, err
	}
	if got := params.KeyDerivation.Algorithm.String(); got != "1.2.840.113549.1.5.12" {
		return nil, nil, fmt.Errorf("its key derivation is %s, which is not PBKDF2", got)
	}
	if err := errors.Join(
		exactly(params.KeyDerivation.Parameters.FullBytes, &derivation),
		exactly(params.Encryption.Parameters.FullBytes, &iv),
	); err != nil {
		return nil, nil, err
	}
	s, knownCipher := schemeOf(params.Encryption.Algorithm)
	prf, knownHash := prfOf(derivation.PRF.Algorithm)
	switch {
	case !knownCipher:
		return nil, nil, fmt.Errorf("its cipher is %s", params.Encryption.Algorithm)
	case !knownHash:
		return nil, nil, fmt.Errorf("its hash is %s", derivation.PRF.Algorithm)
	case derivation.Iterations < 1 || derivation.Iterations > maxIterations:
		return nil, nil, fmt.Errorf("it asks for %d iterations", derivation.Iterations)
	}
	key, err := pbkdf2.Key(prf, password, derivation.Salt, derivation.Iterations, s.keyLength)
	if err != nil {
		return nil, nil, err
	}
	block, err := s.block(key)
	if err != nil {
		return nil, nil, err
	}
	if len(iv) != block.BlockSize() {
		return nil, nil, errors.New("its initialization vector has another length than its cipher's blocks")
	}
	return whole.Data, cipher.NewCBCDecrypter(block, iv), nil
}

func exactly(der []byte, into any) error {
	rest, err := asn1.Unmarshal(der, into)
	if err == nil && len(rest) > 0 {
		err = errors.New("there is more after its end")
	}
	return err
}

// unpadded takes the padding away, and reports whether there was a right one.
func unpadded(data []byte, size int) ([]byte, bool) {
	n := int(data[len(data)-1])
	if n == 0 || n > size || n > len(data) {
		return nil, false
	}
	for _, b := range data[len(data)-n:] {
		if int(b) != n {
			return nil, false
		}
	}
	return data[:len(data)-n], true
}
