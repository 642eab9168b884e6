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

// secure gives every https endpoint its TLS: its own, else what a file says of it, else what WithTLSConfig says. A configuration
// without a certificate gets that of WithCertificate, of a file, or for this machine. It gives http endpoints their protocols
// alone.
func (o *options) secure(endpoints []Endpoint) error {
	local := o.localCertificate(endpoints)
	var errs []error
	for i := range endpoints {
		e := &endpoints[i]
		if e.Protocols == 0 {
			e.Protocols = o.settings.EndpointDefaults.Protocols
		}
		if e.Scheme != "https" || e.Unix != "" {
			e.Protocols &^= endpoint.HTTP3 // which needs TLS and a port; who has asked for it here was refused before
		}
		if e.Scheme != "https" {
			continue
		}
		byCode := e.TLS
		if byCode == nil && e.tls == nil {
			byCode = o.tls
		}
		if byCode != nil && hasCertificate(byCode) {
			e.TLS = withProtocols(byCode, e.Protocols)
			continue
		}
		config, err := certificates.Config(o.tlsOf(e), certificates.Options{
			Setting: e.setting(), Default: cmp.Or(o.certificate, o.settings.Certificates["Default"]), Development: local,
			ClientCAs: o.clientCAs, Getenv: o.process.getenv, Log: o.log(),
		})
		if err == nil && byCode != nil {
			byCode = withProtocols(byCode, e.Protocols)
			byCode.GetCertificate = config.GetCertificate
			config = byCode
		}
		e.TLS = config
		errs = append(errs, o.named(err))
	}
	return errors.Join(errs...)
}

// hasCertificate reports whether a server can be run with config as it is.
func hasCertificate(config *tls.Config) bool {
	return len(config.Certificates) > 0 || config.GetCertificate != nil || config.GetConfigForClient != nil
}

// named has an error say WithCertificate where that, and no file, names the certificate.
func (o *options) named(err error) error {
	if problem, ok := errors.AsType[*certificates.Error](err); ok && o.certificate != (certificates.Source{}) && problem.Setting == "Kestrel:Certificates:Default" {
		problem.Setting = "WithCertificate"
	}
	return err
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
