package servers

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/gorun-dev/gorun/servers/accesslog"
	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/httpsys"
	"github.com/gorun-dev/gorun/servers/internal/certificates"
	"github.com/gorun-dev/gorun/servers/internal/settings"
	"github.com/gorun-dev/gorun/servers/metrics"
	"github.com/gorun-dev/gorun/servers/module/pairing"
)

// Option changes what Run does.
type Option func(*options)

// options is all that Run depends on, beside its handler.
type options struct {
	urls            []string
	preferURLs      bool
	own             []Endpoint // by WithEndpoint
	files           []string
	settings        settings.Settings
	configured      []Endpoint       // by a file
	httpsys         httpsys.Options  // by WithHTTPSys
	shares          *httpsys.Options // what the server httpsys goes by; nil: it is another server
	front           pairing.Pairing
	hosting         feature.HostingModel // by the module's front
	logs            []accesslog.Log
	errs            []error // of options
	servers         map[string]Server
	firstServer     string
	shutdownTimeout time.Duration
	limits          Limits
	serverHeader    string
	tls             *tls.Config
	certificate     certificates.Source // by WithCertificate
	clientCAs       *x509.CertPool
	logger          *slog.Logger
	meter           metrics.Meter
	middleware      []func(net.Conn) (net.Conn, error)
	signals         []os.Signal
	process         process
}

// WithURLs sets the addresses to listen on and has the environment's passed over, as UseUrls does in ASP.NET Core. Each may be a
// list separated by ';', in the syntax of endpoint.Parse. Without any address the option does nothing.
//
// An app that is to follow its launch profile does not use it.
func WithURLs(urls ...string) Option {
	return func(o *options) { o.urls = append(o.urls, urls...) }
}

// WithPreferredURLs has addresses win over endpoints (WithEndpoint, and those of a file), which otherwise are listened on
// in place of addresses (reference: servers.md, 3.6).
func WithPreferredURLs() Option {
	return func(o *options) { o.preferURLs = true }
}

// WithServer adds a server of the app's own, which GORUN_SERVER chooses by name. Without GORUN_SERVER the first that was
// added is taken. A known name, such as kestrel, is replaced. Without a name or with a nil s it is an error of Run.
func WithServer(name string, s Server) Option {
	return func(o *options) {
		if s == nil || name == "" {
			o.errs = append(o.errs, fmt.Errorf("WithServer(%q, %v) needs a name and a server", name, s))
			return
		}
		if o.servers == nil {
			o.servers = map[string]Server{}
			o.firstServer = name
		}
		o.servers[name] = s
	}
}

// WithShutdownTimeout sets how long requests that run may go on once Run was asked to stop. Then they are cut off, at
// once when d is 0 or less. The default is DefaultShutdownTimeout.
func WithShutdownTimeout(d time.Duration) Option {
	return func(o *options) { o.shutdownTimeout = d }
}

// WithLimits sets what clients may ask of the server. Fields that are 0 are what a file says, else Kestrel's defaults.
func WithLimits(l Limits) Option {
	return func(o *options) { o.limits = l }
}

// WithServerHeader has every response that has none carry a Server field with this value. Kestrel's is "Kestrel"; here the
// default is no such field.
func WithServerHeader(value string) Option {
	return func(o *options) { o.serverHeader = value }
}

// WithTLSConfig sets how https is served where nothing else is said of an endpoint. Where config has no certificate it gets the
// one that would be served without it: &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool} asks clients
// for theirs and leaves the rest as it is. The NextProtos of config are set by the endpoint's protocols. It is not to be changed
// afterwards. nil is none.
func WithTLSConfig(config *tls.Config) Option {
	return func(o *options) { o.tls = config }
}

// WithCertificate sets the certificate of https where nothing else is said of an endpoint, in place of the one for this machine:
// PEM with the key in keyFile, or in the same file when keyFile is "", or PFX without a password. When the files change
// new connections get the new one.
func WithCertificate(file, keyFile string) Option {
	return func(o *options) { o.certificate = certificates.Source{Path: file, KeyPath: keyFile} }
}

// WithClientCAs sets who may have signed the certificates of clients, where a file has them asked for one. The default is
// the system's pool. A tls.Config has its own ClientCAs, and these do not count there.
func WithClientCAs(pool *x509.CertPool) Option {
	return func(o *options) { o.clientCAs = pool }
}

// WithOutput sets where the addresses are told when all are open, one line for each, and that a certificate was made. The
// default is stderr, but under gorun it is gorun that tells the addresses that it knows of; nil tells nobody.
func WithOutput(w io.Writer) Option {
	if w == nil {
		w = io.Discard
	}
	return func(o *options) { o.process.stderr = w }
}

// WithLogger sets where the server tells what goes wrong. The default is slog.Default().
func WithLogger(l *slog.Logger) Option {
	return func(o *options) { o.logger = l }
}

// WithMetrics has the server tell its numbers to m, by the names in package metrics. Without it nothing is measured.
func WithMetrics(m metrics.Meter) Option {
	return func(o *options) { o.meter = m }
}

// WithConnectionMiddleware has f see each connection that was accepted, before TLS: to read the header of the PROXY
// protocol, to count bytes, to refuse a client. It gives the connection that is served in its place; an error closes it.
// It may be given several times; a nil f is none. A connection that is no *net.TCPConn gets files without sendfile.
//
// f is called on a goroutine of its own. A panic refuses the connection. When Run is asked to stop, a connection that f still
// has is closed, and Run does not wait for f.
func WithConnectionMiddleware(f func(net.Conn) (net.Conn, error)) Option {
	return func(o *options) {
		if f != nil {
			o.middleware = append(o.middleware, f)
		}
	}
}

// WithEnvironment has Run read these variables, NAME=value, in place of the process's own, and take no sockets that the process
// was handed: for an app inside a program that is configured in another way. Of equal names the last counts; nil is none at all.
func WithEnvironment(environ []string) Option {
	return func(o *options) {
		variables := make(map[string]string, len(environ))
		for _, kv := range environ {
			name, value, _ := strings.Cut(kv, "=")
			variables[name] = value
		}
		o.process.getenv = func(name string) string { return variables[name] }
		o.process.environ = func() []string { return environ }
		o.process.inherit = func() ([]net.Listener, error) { return nil, nil }
		o.process.notifySocket = func() string { return variables[notifySocketVariable] }
	}
}

// WithSignals sets the signals that ask Run to stop; none for an app that has its own way. The default is SIGINT and SIGTERM.
func WithSignals(signals ...os.Signal) Option {
	return func(o *options) { o.signals = signals }
}

func stopSignals() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }
