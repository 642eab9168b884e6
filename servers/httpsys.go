package servers

import (
	"context"
	"errors"
	"log/slog"
	"net"

	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/httpsys"
	"github.com/gorun-dev/gorun/servers/internal/settings"
)

// HTTPSys gives the Server that is called httpsys: HTTP.sys on Windows, elsewhere a client of gorun's broker (package httpsys). It
// shares its ports with other programs, by host and path. Fields of o that are zero are what WithHTTPSys, and then a file, says.
func HTTPSys(o httpsys.Options) Server { return &httpSys{o} }

// WithHTTPSys sets the options of the server httpsys. Other servers pass them over.
func WithHTTPSys(o httpsys.Options) Option {
	return func(all *options) { all.httpsys = o }
}

type httpSys struct{ options httpsys.Options }

// Serve implements Server.
func (h *httpSys) Serve(ctx context.Context, site *Site) error {
	listens, err := listensOf(site)
	if err != nil {
		return err
	}
	server := &httpsys.Server{
		Options: h.options, Handler: site.Handler, Listens: listens, Limits: site.Limits, ServerHeader: site.ServerHeader, Log: site.Log,
		Meter: site.Meter, Middleware: guard{ctx, site.Log}.all(site.Middleware), BaseContext: site.Context,
		ShutdownTimeout: site.ShutdownTimeout, Getenv: site.getenv(),
	}
	return asAddressErrors(server.Serve(ctx, func(addresses []string) { site.Listening(addresses...) }))
}

// listensOf gives what is registered. Endpoints that speak nothing but HTTP/3 cannot be.
func listensOf(site *Site) ([]httpsys.Listen, error) {
	list := []httpsys.Listen{} // not nil: there is no other default
	var errs []error
	for _, e := range site.Endpoints {
		switch {
		case e.Protocols == endpoint.HTTP3:
			why := &unsupported{"HTTP.sys has no endpoints for HTTP/3 alone", "choose endpoint.HTTP1AndHTTP2"}
			errs = append(errs, &AddressError{URL: e.String(), Source: e.Source, Err: why})
		case e.Protocols.Has(endpoint.HTTP3):
			site.Log.Info("HTTP/3 is not spoken under httpsys", slog.String("address", e.String()))
		}
		list = append(list, httpsys.Listen{URL: e.Endpoint.String(), Source: e.Source, TLS: e.TLS, Protocols: e.Protocols &^ endpoint.HTTP3, Default: e.Source == byDefault})
	}
	return list, errors.Join(errs...)
}

// asAddressErrors has what says that an address is not registered be said in the words of this package.
func asAddressErrors(err error) error {
	if refused, ok := err.(*httpsys.RegistrationError); ok {
		return &AddressError{URL: refused.URL, Source: refused.Source, Err: refused.Err}
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if _, some := errors.AsType[*httpsys.RegistrationError](err); !ok || !some {
		return err // with its own words
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, asAddressErrors(e))
	}
	return errors.Join(all...)
}

func (s *Site) getenv() func(string) string {
	if s.app == nil {
		return nil
	}
	return s.app.options.process.getenv
}

// sharing prepares the options for a server that is HTTP.sys: what a file and options say of it, a path in addresses. Sockets
// that were handed over are of no use there, and closed. Any other server comes back as it is.
func (o *options) sharing(server Server, inherited []net.Listener) (Server, []net.Listener, error) {
	h, ok := server.(*httpSys)
	if !ok {
		return server, inherited, nil
	}
	said, err := settings.LoadHTTPSys(o.allFiles(), o.process.environ())
	for _, w := range said.Warnings {
		o.log().Warn(w.Error(), "hint", w.Hint())
	}
	if err != nil {
		return nil, inherited, err
	}
	all := h.options.Or(o.httpsys).Or(httpSysOptions(said))
	o.shares = &all
	if len(inherited) > 0 {
		o.log().Warn("listening sockets that were handed over are not used under httpsys, which has none", "count", len(inherited))
	}
	return &httpSys{all}, nil, closeListeners(inherited)
}

// httpSysOptions gives what a file says.
func httpSysOptions(s settings.HTTPSys) httpsys.Options {
	o := httpsys.Options{
		UrlPrefixes: s.UrlPrefixes, RequestQueueName: s.RequestQueueName, RequestQueueLimit: s.RequestQueueLimit, MaxAccepts: s.MaxAccepts,
		MaxConnections: s.MaxConnections, MaxRequestBodySize: s.MaxRequestBodySize, EnableResponseCaching: s.EnableResponseCaching,
		Timeouts: httpsys.Timeouts{
			EntityBody: s.Timeouts.EntityBody, DrainEntityBody: s.Timeouts.DrainEntityBody, RequestQueue: s.Timeouts.RequestQueue,
			IdleConnection: s.Timeouts.IdleConnection, HeaderWait: s.Timeouts.HeaderWait, MinSendBytesPerSecond: s.Timeouts.MinSendBytesPerSecond,
		},
	}
	// These are names that package settings knows as well.
	o.RequestQueueMode, _ = httpsys.ParseMode(s.RequestQueueMode)
	o.Http503Verbosity, _ = httpsys.ParseVerbosity(s.Http503Verbosity)
	o.ClientCertificateMethod, _ = httpsys.ParseClientCertificateMethod(s.ClientCertificateMethod)
	return o
}

// fromPrefixes is the source of an address that is one of UrlPrefixes.
const fromPrefixes = "UrlPrefixes"

// prefixes are the UrlPrefixes of HTTP.sys, as endpoints.
func (o *options) prefixes() ([]Endpoint, error) {
	if o.shares == nil {
		return nil, nil
	}
	var list []Endpoint
	var errs []error
	for _, prefix := range o.shares.UrlPrefixes {
		e, err := endpoint.Parse(prefix)
		if err != nil {
			errs = append(errs, &AddressError{URL: prefix, Source: fromPrefixes, Err: err})
			continue
		}
		list = append(list, Endpoint{Endpoint: e, Source: fromPrefixes})
	}
	return list, errors.Join(errs...)
}

// attaches reports whether there is a queue to attach to, for which no address is taken by default (reference: servers.md, 4.1).
func (o *options) attaches() bool {
	return o.shares != nil && o.shares.RequestQueueMode == httpsys.Attach
}
