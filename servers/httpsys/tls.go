package httpsys

import (
	"cmp"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"

	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/internal/wire"
	"github.com/gorun-dev/gorun/servers/kestrel"
)

const http1 = endpoint.HTTP1

// choices say with which certificate a handshake is answered: with one that is bound to the address or the name, else as the
// registration says. They are not changed, but replaced.
type choices struct {
	listens []registration // those of https, better ones first
	bound   []bound
	config  *tls.Config // asks choose
}

// bound is a certificate that is bound to an address or a name.
type bound struct {
	name        string         // name:port; "" for an address
	addr        netip.AddrPort // not valid for a name
	certificate tls.Certificate
	configs     map[*tls.Config]*tls.Config // what each of the registrations' becomes with it
}

func newChoices(list []registration, certificates []wire.Certificate, log *slog.Logger) *choices {
	c := &choices{}
	for _, r := range list {
		if r.prefix.Scheme == "https" {
			c.listens = append(c.listens, r)
		}
	}
	for _, binding := range certificates {
		certificate, err := tls.X509KeyPair(binding.Chain, binding.Key)
		if err != nil {
			log.Error("a certificate that is bound cannot be used", slog.String("name", binding.Host), slog.String("address", binding.Addr), slog.Any("error", err))
			continue
		}
		b := bound{name: strings.ToLower(binding.Host), certificate: certificate, configs: map[*tls.Config]*tls.Config{}}
		b.addr, _ = netip.ParseAddrPort(binding.Addr)
		for _, r := range c.listens {
			b.configs[r.TLS] = b.with(r.TLS)
		}
		b.configs[nil] = b.with(nil)
		c.bound = append(c.bound, b)
	}
	c.config = &tls.Config{GetConfigForClient: c.choose, NextProtos: endpoint.HTTP1AndHTTP2.ALPN()}
	return c
}

// with gives config with the certificate alone.
func (b *bound) with(config *tls.Config) *tls.Config {
	if config == nil {
		config = &tls.Config{NextProtos: endpoint.HTTP1AndHTTP2.ALPN()}
	}
	config = config.Clone()
	config.Certificates, config.GetCertificate, config.GetConfigForClient = []tls.Certificate{b.certificate}, nil, nil
	return config
}

// binding is how an encrypted connection is served.
func (c *choices) binding() kestrel.Binding {
	return kestrel.Binding{TLS: c.config, Protocols: endpoint.HTTP1AndHTTP2}
}

var errNoCertificate = errors.New("no certificate is bound to the address, and the registration has none")

func (c *choices) choose(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	local := addrPort(hello.Conn.LocalAddr())
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	config, err := asked(c.registered(name, local), hello)
	if err != nil {
		return nil, err
	}
	if b := c.find(name, local); b != nil {
		if ready := b.configs[config]; ready != nil {
			return ready, nil
		}
		return b.with(config), nil
	}
	if config == nil {
		return nil, errNoCertificate
	}
	return config, nil
}

// asked gives what config itself says of a client: package crypto/tls does not ask a second time.
func asked(config *tls.Config, hello *tls.ClientHelloInfo) (*tls.Config, error) {
	if config == nil || config.GetConfigForClient == nil {
		return config, nil
	}
	said, err := config.GetConfigForClient(hello)
	return cmp.Or(said, config), err
}

// find gives the certificate of a client: one of the very address, else of the name, else of any address (reference:
// learn.microsoft.com, "SSL Configuration Parameters Retrieval" of the HTTP Server API).
func (c *choices) find(name string, local netip.AddrPort) *bound {
	at := net.JoinHostPort(name, portText(local.Port()))
	var best *bound
	rank := 0
	for i := range c.bound {
		b := &c.bound[i]
		n := 0
		switch {
		case b.addr.IsValid() && b.addr == local:
			n = 3
		case b.name != "" && b.name == at:
			n = 2
		case b.addr.IsValid() && b.addr.Addr().IsUnspecified() && b.addr.Port() == local.Port():
			n = 1
		}
		if n > rank {
			best, rank = b, n
		}
	}
	return best
}

// registered gives what the best registration for a client says; nil when none says anything.
func (c *choices) registered(name string, local netip.AddrPort) *tls.Config {
	var best *tls.Config
	rank := -1
	for _, r := range c.listens {
		if r.TLS == nil || r.prefix.Port != local.Port() {
			continue
		}
		n := 0 // another name: better than nothing, for clients that name none
		switch host := r.prefix.Host; {
		case host == "+":
			n = 4
		case host == name:
			n = 3
		case host == local.Addr().String():
			n = 2
		case host == "*":
			n = 1
		}
		if n > rank {
			best, rank = r.TLS, n
		}
	}
	return best
}
