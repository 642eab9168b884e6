package certificates

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

// Options are what Config needs to know beside the endpoint itself. The zero value has no certificate to fall back on.
type Options struct {
	// Setting is the endpoint's name in messages, such as "Kestrel:Endpoints:Web"; "" is "https".
	Setting string

	// Default is Kestrel:Certificates:Default: for endpoints and host names without a certificate of their own.
	Default Source

	// Development gives the certificate that is used where there is no Default either, and the file that it is in, "" for
	// none. Config calls it when it is needed, with again false: devcert.Ensure. When the file has changed it is called
	// with again true: devcert.Load. Configurations that share it may call it from several goroutines at once. nil is none.
	Development func(again bool) (cert tls.Certificate, file string, err error)

	// Folder is where relative paths start; "" is the working directory.
	Folder string

	// ClientCAs are who may have signed clients' certificates; nil is the system's. See Settings.Clients.
	ClientCAs *x509.CertPool

	// VerifyClient, when it is not nil, decides in place of ClientCAs about a certificate that a client shows, also when
	// the client resumes a session. The certificates are as the client sent them, one at least. It may be called by
	// several goroutines at once.
	VerifyClient func(chain []*x509.Certificate) error

	Getenv func(string) string // reads the environment; nil is os.Getenv
	Log    *slog.Logger        // nil is slog.Default()
	Now    func() time.Time    // nil is time.Now
}

func (o Options) now() time.Time {
	if o.Now == nil {
		return time.Now()
	}
	return o.Now()
}

func (o Options) getenv(name string) string {
	if o.Getenv == nil {
		return os.Getenv(name)
	}
	return o.Getenv(name)
}

func (o Options) log() *slog.Logger {
	if o.Log == nil {
		return slog.Default()
	}
	return o.Log
}

func (o Options) setting() string { return cmp.Or(o.Setting, "https") }

// Config gives the configuration of TLS for the clients of one endpoint. Certificates are read at once, and all errors
// are reported, joined, each an *Error or what Development gave. Later the files are looked at again when a client
// comes, at most once a second: a changed certificate is used without a restart, one that cannot be used is not.
//
// Versions of TLS begin with 1.2 unless Settings.TLSVersions says otherwise. The configuration is not to be changed; it may
// be given to http3.ConfigureTLSConfig. A client whose host name has no settings is refused in its handshake, where
// e.SNI is not empty. (reference: servers.md, 3.3 and 3.4)
func Config(e Endpoint, o Options) (*tls.Config, error) {
	b := builder{o: o, holders: map[Source]*holder{}}
	hosts := make(table, len(e.SNI))
	for _, name := range slices.Sorted(maps.Keys(e.SNI)) {
		hosts[strings.ToLower(name)] = b.host(o.setting()+":Sni:"+name, e.SNI[name].over(e.Settings))
	}
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12, // of no effect, but for those who print or check it
		GetConfigForClient: hosts.configFor,
	}
	if len(hosts) == 0 {
		config = b.host(o.setting(), e.Settings).config
	}
	if err := errors.Join(b.problems...); err != nil {
		return nil, err
	}
	return config, nil
}

// over fills what s leaves open from below.
func (s Settings) over(below Settings) Settings {
	if s.Certificate == (Source{}) {
		s.Certificate = below.Certificate
	}
	if len(s.TLSVersions) == 0 {
		s.TLSVersions = below.TLSVersions
	}
	s.Clients = cmp.Or(s.Clients, below.Clients)
	s.Protocols = cmp.Or(s.Protocols, below.Protocols)
	return s
}

// builder makes the configurations of one endpoint, and collects what is wrong. Those that name the same certificate share
// what holds it.
type builder struct {
	o        Options
	holders  map[Source]*holder
	problems []error
}

func (b *builder) problem(err error) {
	if err != nil {
		b.problems = append(b.problems, err)
	}
}

func (b *builder) host(setting string, s Settings) *host {
	low, high, err := versions(setting, s.TLSVersions)
	b.problem(err)
	protocols, err := alpn(setting, s.Protocols, high)
	b.problem(err)
	certificate := b.holder(setting, s.Certificate)
	c := &tls.Config{
		MinVersion: low, MaxVersion: high,
		NextProtos:     protocols,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate.get(), nil },
		Time:           b.o.Now,
	}
	b.o.askClients(c, s.Clients)
	keepTickets(c)
	return &host{c, s.Protocols.Has(endpoint.HTTP3)}
}

// holder gives what holds the certificate of a source, or of the defaults.
func (b *builder) holder(setting string, s Source) *holder {
	setting += ":Certificate"
	if s == (Source{}) && b.o.Default != (Source{}) {
		s, setting = b.o.Default, "Kestrel:Certificates:Default"
	}
	if h, ok := b.holders[s]; ok {
		return h
	}
	h := &holder{now: b.o.now, log: b.o.log().With("setting", setting)}
	b.holders[s] = h
	err := b.o.source(h, s, setting)
	if err == nil {
		err = h.load()
	}
	b.problem(err)
	return h
}

// source says where a holder reads from.
func (o Options) source(h *holder, s Source, setting string) error {
	wrong := func(why string) error {
		return &Error{Setting: setting, Problem: BadCombination, Err: errors.New(why)}
	}
	switch {
	case s.Path != "" && s.Subject != "":
		return wrong("there are both Path and Subject")
	case s.Path != "" || s.Subject != "":
		r := reader{s, setting, o}
		h.warn = r.warn
		h.read = func() (*tls.Certificate, []string, error) {
			cert, err := r.read()
			return cert, r.files(), err
		}
	case s != (Source{}):
		return wrong("there is neither Path nor Subject")
	case o.Development == nil:
		return &Error{Setting: setting, Problem: NoneGiven}
	default:
		again := false
		h.read = func() (*tls.Certificate, []string, error) {
			cert, files, err := o.development(again)
			again = true
			return cert, files, err
		}
	}
	return nil
}

// development reads the certificate of Development, and what file to look at.
func (o Options) development(again bool) (*tls.Certificate, []string, error) {
	cert, file, err := o.Development(again)
	if err != nil {
		return nil, nil, err
	}
	if len(cert.Certificate) == 0 {
		return nil, nil, errors.New("there is no development certificate")
	}
	if cert.Leaf == nil {
		if cert.Leaf, err = x509.ParseCertificate(cert.Certificate[0]); err != nil {
			return nil, nil, err
		}
	}
	var files []string
	if file != "" {
		files = []string{file}
	}
	return &cert, files, nil
}
