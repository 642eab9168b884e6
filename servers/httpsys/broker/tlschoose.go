//go:build linux || darwin

package broker

import (
	"crypto/tls"
	"net/netip"
	"sync"

	"github.com/gorun-dev/gorun/servers/devcert"
	"github.com/gorun-dev/gorun/servers/internal/certificates"
)

// bound gives the binding for a client, with its configuration; nil: there is none, or it cannot be used.
func (s *Store) bound(name string, local netip.AddrPort) (*binding, *tls.Config) {
	b := s.get().certs.find(name, local)
	if b == nil {
		return nil, nil
	}
	config, err := s.configure(*b)
	if err != nil {
		return b, nil
	}
	return b, config
}

// asksClients reports whether clients that ask for a host at local are to show a certificate. The broker asks them itself, and ends
// their TLS also where one app owns the host.
func (s *Store) asksClients(name string, local netip.AddrPort) bool {
	b := s.get().certs.find(name, local)
	return b != nil && b.ClientCertNegotiation
}

func (s *Store) options() StoreOptions {
	if s == nil {
		return StoreOptions{}.filled()
	}
	return s.o
}

// development is the configuration for clients of hosts and addresses without a binding. It is made at its first use, and again
// when that has failed. Apps have put the names of their hosts into the certificate (package servers); one that is renewed or
// gets another name is read again.
type development struct {
	mu     sync.Mutex
	config *tls.Config
	told   string // the problem that was logged last
}

func (d *development) get(o StoreOptions) (*tls.Config, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.config != nil {
		return d.config, nil
	}
	find := func(again bool) (tls.Certificate, string, error) {
		get := devcert.Ensure
		if again {
			get = devcert.Load
		}
		cert, info, err := get(devcert.Options{Getenv: o.Getenv, Now: o.Now})
		return cert, info.File, err
	}
	config, err := certificates.Config(certificates.Endpoint{}, certificates.Options{
		Setting: "https", Development: find, Getenv: o.Getenv, Log: o.Log, Now: o.Now,
	})
	if err != nil {
		if err.Error() != d.told {
			d.told = err.Error()
			o.Log.Warn("HTTP.sys: there is no certificate for https", "error", err)
		}
		return nil, err
	}
	d.config = config
	return config, nil
}
