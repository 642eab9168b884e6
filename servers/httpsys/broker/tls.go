package broker

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"

	"golang.org/x/net/idna"

	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// certificates gives the bindings that a worker with these prefixes may need to end TLS itself: those of their ports, but for host
// names that clients cannot be given to it for, and those that ask clients for certificates, which the broker asks itself. What
// cannot be read is left out. The files are read anew after a reload.
func (s *Store) certificates(all []urlprefix.Prefix) (needed []wire.Certificate) {
	for _, b := range s.get().certs {
		if b.ClientCertNegotiation || !b.isFor(all) {
			continue
		}
		config, err := s.configure(b)
		if err != nil {
			continue
		}
		cert, err := config.GetCertificate(nil)
		if err != nil {
			continue
		}
		chain, key, err := encode(cert)
		if err != nil {
			s.o.Log.Warn("the key of a certificate cannot be given to apps", "binding", b.Name(), "error", err)
			continue
		}
		needed = append(needed, wire.Certificate{Host: b.HostnamePort, Addr: b.IPPort, Chain: chain, Key: key})
	}
	return needed
}

// isFor reports whether clients of one of these prefixes may be shown the certificate.
func (b *binding) isFor(all []urlprefix.Prefix) bool {
	for _, p := range all {
		if p.Scheme == "https" && p.Port == b.addr.Port() && (b.host == "" || p.Kind() != urlprefix.Name || isHost(b.host, p.Host)) {
			return true
		}
	}
	return false
}

// isHost reports whether a prefix's host, which may begin with *., names the one that is written in the letters of the DNS.
func isHost(ascii, host string) bool {
	host, below := strings.CutPrefix(host, "*.")
	host, err := idna.Lookup.ToASCII(host)
	if below {
		return err == nil && strings.HasSuffix(ascii, "."+host)
	}
	return err == nil && host == ascii
}

// encode writes a certificate with its issuers, and its key, as PEM.
func encode(cert *tls.Certificate) (chain, key []byte, err error) {
	for _, raw := range cert.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})...)
	}
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return nil, nil, err
	}
	return chain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// describe adds bindings and reservations to what is shown. There are no keys in it.
func (s *Store) describe(state *wire.State) {
	for _, b := range s.get().certs {
		one := wire.Bound{Host: b.HostnamePort, Addr: b.IPPort, File: b.Cert}
		config, err := s.configure(b)
		var cert *tls.Certificate
		if err == nil {
			cert, err = config.GetCertificate(nil)
		}
		if err != nil {
			one.Problem = err.Error()
		} else {
			one.Subject, one.NotAfter = cert.Leaf.Subject.String(), cert.Leaf.NotAfter
		}
		state.Certificates = append(state.Certificates, one)
	}
	for _, r := range s.get().acls {
		state.Reservations = append(state.Reservations, wire.Reservation{Prefix: r.URL, User: r.User})
	}
}
