package servers

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/gorun-dev/gorun/servers/devcert"
	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/internal/certificates"
)

// secure gives every https endpoint that has none its TLS: what a file says of it, else what WithTLSConfig says, else a
// configuration with the certificate of WithCertificate, of a file, or for this machine. It gives http endpoints their
// protocols alone.
func (o *options) secure(endpoints []Endpoint) error {
	local := o.localCertificate(endpoints)
	var errs []error
	for i := range endpoints {
		e := &endpoints[i]
		if e.Protocols == 0 {
			e.Protocols = o.settings.EndpointDefaults.Protocols
		}
		switch {
		case e.Scheme != "https":
			if e.Protocols.Has(endpoint.HTTP3) {
				e.Protocols &^= endpoint.HTTP3 // HTTP/3 has TLS always
			}
		case e.TLS != nil:
			e.TLS = withProtocols(e.TLS, e.Protocols)
		case e.tls == nil && o.tls != nil:
			e.TLS = withProtocols(o.tls, e.Protocols)
		default:
			config, err := certificates.Config(o.tlsOf(e), certificates.Options{
				Setting: e.setting(), Default: cmp.Or(o.certificate, o.settings.Certificates["Default"]), Development: local,
				ClientCAs: o.clientCAs, Getenv: o.process.getenv, Log: o.log(),
			})
			e.TLS = config
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// tlsOf gives what is said of TLS at e.
func (o *options) tlsOf(e *Endpoint) certificates.Endpoint {
	if e.tls != nil {
		return *e.tls
	}
	s := o.settings.EndpointDefaults
	s.Protocols = e.Protocols
	return certificates.Endpoint{Settings: s}
}

// setting is the name of e in messages.
func (e *Endpoint) setting() string {
	if e.name != "" {
		return "Kestrel:Endpoints:" + e.name
	}
	return e.String()
}

// localCertificate gives how the certificate for this machine is found. It is made at its first use, and the user is told when
// nobody can trust it yet, under gorun, too.
func (o *options) localCertificate(endpoints []Endpoint) func(again bool) (tls.Certificate, string, error) {
	var names []string
	for _, e := range endpoints {
		if e.Scheme == "https" && strings.HasSuffix(e.Host, ".localhost") {
			names = append(names, e.Host)
		}
	}
	options := devcert.Options{Getenv: o.process.getenv, Names: names}
	var tell sync.Once
	return func(again bool) (tls.Certificate, string, error) {
		if again {
			cert, info, err := devcert.Load(options)
			return cert, info.File, err
		}
		cert, info, err := devcert.Ensure(options)
		if err != nil {
			return cert, "", fmt.Errorf("there is no certificate for https: %w", err)
		}
		if info.MadeCA {
			tell.Do(func() {
				fmt.Fprintf(o.process.stderr, "made a certificate for https: %s\nhint: `gorun dev-certs https --trust` has browsers trust it\n", info.File)
			})
		}
		return cert, info.File, nil
	}
}

// withProtocols gives config the names of the protocols, best first.
func withProtocols(config *tls.Config, p endpoint.Protocols) *tls.Config {
	config = config.Clone()
	config.NextProtos = p.ALPN()
	return config
}
