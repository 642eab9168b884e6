package servers

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/internal/certificates"
	"github.com/gorun-dev/gorun/servers/limits"
	"github.com/gorun-dev/gorun/servers/metrics"
)

// Server serves a site. Kestrel is one, and so is what an app hands to Run by WithServer.
type Server interface {
	// Serve opens the addresses of site, calls site.Listening when all of them are open, and serves site.Handler until ctx
	// is done. Then it opens no new connection, lets running requests finish for site.ShutdownTimeout, cuts off what still
	// runs, and returns when everything that it has started has ended: nil, or an error when requests were cut off. When
	// an address cannot be opened, or no longer be served, it ends all the others and returns why.
	//
	// The contexts of requests derive from site.Context.
	Serve(ctx context.Context, site *Site) error
}

// ServerFunc is a Server in the form of its only method.
type ServerFunc func(ctx context.Context, site *Site) error

// Serve calls f.
func (f ServerFunc) Serve(ctx context.Context, site *Site) error { return f(ctx, site) }

// Limits are what a server puts up with from its clients. The zero value is Kestrel's defaults.
type Limits = limits.Limits

// Site is an app as its Server sees it: what is to be served, where, and how. Run makes it. A Server does not change it, but
// may hand a changed copy to another Server.
type Site struct {
	Name            string // of the server, as in GORUN_SERVER
	Handler         http.Handler
	Endpoints       []Endpoint
	Limits          Limits
	ServerHeader    string // the Server field of responses; empty: none
	ShutdownTimeout time.Duration
	Log             *slog.Logger  // never nil
	Meter           metrics.Meter // nil: nobody wants numbers
	// Middleware is called, in order, with each connection that was accepted, before TLS. It may read from it and wait. An
	// error closes the connection.
	Middleware []func(net.Conn) (net.Conn, error)

	app       *App
	inherited []net.Listener
	path      string // below which the app answers, as pairing.Pairing.Path: its addresses end with it
}

// Endpoint is one address to listen on.
type Endpoint struct {
	endpoint.Endpoint
	Source    string             // where it was asked for, such as ASPNETCORE_URLS or WithURLs
	Protocols endpoint.Protocols // the zero value is HTTP/1.x and, with TLS, HTTP/2
	TLS       *tls.Config        // for https, where a Site has it always; nil for http

	name string                 // the key in a file; "" for others
	tls  *certificates.Endpoint // what a file says; nil for others
}

// Listener is an open socket of an Endpoint.
type Listener struct {
	net.Listener
	Endpoint Endpoint
}

// URL gives the address as it was asked for, with the port that was really bound.
func (l Listener) URL() string {
	return l.Endpoint.WithPort(portOf(l.Addr())).String()
}

// Listen opens all endpoints, or none: the error joins an *AddressError for each that cannot be opened. localhost has two
// sockets, every other endpoint one. A socket that the process has inherited is used in place of a new one.
func (s *Site) Listen() ([]Listener, error) { return listenAll(s.Endpoints, s.inherited) }

// WithListeners gives a copy of s whose Listen uses these open sockets in place of new ones where they are those of an
// endpoint, as it does with sockets that the process has inherited. What Listen gives is its caller's to close. A socket that
// is no endpoint's stays as it is, unless Listen fails: then all are closed.
func (s *Site) WithListeners(list []net.Listener) *Site {
	with := *s
	with.inherited = slices.Concat(s.inherited, list)
	return &with
}

// Listening says that every address is open. addresses are the URLs with the ports that were really bound; one that is
// given twice counts once.
//
// A Server calls it once; called again it replaces the addresses. For a Site that Run has not made it does nothing.
func (s *Site) Listening(addresses ...string) {
	if s.app == nil {
		return
	}
	if s.path != "" {
		addresses = slices.Clone(addresses)
		for i := range addresses {
			if !strings.Contains(addresses[i], "://unix:") {
				addresses[i] += (&url.URL{Path: s.path}).EscapedPath()
			}
		}
	}
	s.app.listening(s.Name, addresses)
}

// Context gives what the contexts of requests derive from: it has the values of Run's context and the feature.Server, and it
// is not cancelled when the server is asked to stop, because running requests may finish. For a Site that Run has not made it
// is context.Background.
func (s *Site) Context() context.Context {
	if s.app == nil {
		return context.Background()
	}
	return s.app.base
}

// urlsOf lists the addresses of listeners, each once.
func urlsOf(listeners []Listener) []string {
	var urls []string
	seen := map[string]bool{}
	for _, l := range listeners {
		if url := l.URL(); !seen[url] {
			seen[url] = true
			urls = append(urls, url)
		}
	}
	return urls
}

// baseContext answers for the server's feature, whose addresses are known only when they are open.
type baseContext struct {
	context.Context
	app *App
}

func (c *baseContext) Value(key any) any {
	if _, ok := key.(feature.Key[feature.Server]); ok {
		return c.app.Feature()
	}
	return c.Context.Value(key)
}
