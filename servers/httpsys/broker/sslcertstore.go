package broker

import (
	"crypto/tls"
	"fmt"
	"slices"

	"github.com/gorun-dev/gorun/servers/internal/certificates"
)

// SSLCerts lists the bindings, in the order in which they were added.
func (s *Store) SSLCerts() []SSLCert { return s.get().sslCerts() }

func (s *settings) sslCerts() (all []SSLCert) {
	for _, b := range s.certs {
		all = append(all, b.SSLCert)
	}
	return all
}

// AddSSLCert binds a certificate, and gives the binding in the form in which it is kept, with absolute paths. The certificate
// is read first: a file without one, or whose key is another's, is a *CertificateError. What clients will dislike, an end that is
// past or another host's name, comes as warnings in whole sentences, and the binding is added. A place that has a binding
// already is a *BoundError. A running broker knows of it after Reload.
func (s *Store) AddSSLCert(c SSLCert) (added SSLCert, warnings []string, err error) {
	if err := c.absolute(); err != nil {
		return c, nil, err
	}
	b, err := parseBinding(c)
	if err != nil {
		return c, nil, err
	}
	cert, err := s.load(b)
	if err != nil {
		return c, nil, err
	}
	err = s.change(func(now *settings) error {
		if there := now.certs.byName(b.Name()); there != nil {
			return &BoundError{there.SSLCert}
		}
		now.certs = append(now.certs, b)
		return nil
	})
	return b.SSLCert, b.doubts(cert.Leaf, s.o.Now()), err
}

// DeleteSSLCert removes the binding with the HostnamePort or IPPort of c; the rest of c does not count. One that is not there is a
// *NoBindingError.
func (s *Store) DeleteSSLCert(c SSLCert) error {
	c.Cert = "any"
	b, err := parseBinding(c)
	if err != nil {
		return err
	}
	return s.change(func(now *settings) error {
		at := slices.IndexFunc(now.certs, func(there binding) bool { return there.Name() == b.Name() })
		if at < 0 {
			return &NoBindingError{b.Name()}
		}
		now.certs = slices.Delete(now.certs, at, at+1)
		return nil
	})
}

// BoundError is a place that has a certificate already.
type BoundError struct{ There SSLCert }

func (e *BoundError) Error() string {
	return fmt.Sprintf("%s has a certificate already: %s", e.There.Name(), e.There.Cert)
}

// Hint gives the command that removes it.
func (e *BoundError) Hint() string { return "gorun httpsys delete sslcert " + e.There.Name() }

// NoBindingError is a binding that is not there.
type NoBindingError struct{ Name string }

func (e *NoBindingError) Error() string { return e.Name + " has no certificate" }

// Hint gives the command that lists them.
func (e *NoBindingError) Hint() string { return "gorun httpsys show sslcert" }

// loaded is the certificate of a binding, kept as long as the binding is.
type loaded struct {
	config *tls.Config // nil: it could not be read
	err    error       // why
	stale  bool        // is to be read anew: the settings were
}

// configure gives the configuration of TLS for a binding. A certificate that cannot be read any more stays as it was; one that
// could never be read is a *CertificateError, and is tried again after the next reload. Files that change are looked at again
// when a client comes, too (package certificates).
func (s *Store) configure(b binding) (*tls.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.certs[b]
	if l == nil {
		l = &loaded{stale: true}
		s.certs[b] = l
	}
	if l.stale {
		l.stale = false
		config, err := s.config(b)
		if err != nil {
			s.o.Log.Warn("a certificate cannot be used", "error", err)
		}
		if l.err = err; err == nil {
			l.config = config
		}
	}
	if l.config == nil {
		return nil, l.err
	}
	return l.config, nil
}

// config reads a certificate.
func (s *Store) config(b binding) (*tls.Config, error) {
	clients := certificates.NoCertificate
	if b.ClientCertNegotiation {
		clients = certificates.AllowCertificate
	}
	config, err := certificates.Config(
		certificates.Endpoint{Settings: certificates.Settings{Certificate: b.source(), Clients: &clients}},
		certificates.Options{
			Setting: b.Name(), Folder: s.folder(), ClientCAs: s.o.ClientCAs, Getenv: s.o.Getenv, Log: s.o.Log, Now: s.o.Now,
		})
	if err != nil {
		return nil, &CertificateError{b.Name(), err}
	}
	return config, nil
}

// load gives the certificate of a binding that may not be one of the settings.
func (s *Store) load(b binding) (*tls.Certificate, error) {
	config, err := s.config(b)
	if err != nil {
		return nil, err
	}
	return config.GetCertificate(nil)
}
