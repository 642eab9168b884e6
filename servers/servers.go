// Package servers is what an app imports to be served: one call, the same under every server that gorun knows and
// without gorun.
//
//	func main() {
//		err := servers.Run(context.Background(), http.HandlerFunc(hello))
//		if err != nil {
//			log.Fatal(err)
//		}
//	}
//
// Run finds its addresses where an ASP.NET Core app finds them, listens, serves with package kestrel, which has Kestrel's
// limits and answers to bad input, and stops gracefully. It launches nothing: gorun starts the app and tells it by
// environment variables what to do. This version serves http and, with the local certificate of package devcert, https with
// HTTP/2; HTTP.sys and the module are errors that say so.
//
// The package has no state. Run may be called several times at once, on different addresses.
package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// DefaultShutdownTimeout is how long Run lets requests finish, as ASP.NET Core does (reference: servers.md, 3.9).
const DefaultShutdownTimeout = 30 * time.Second

// Option changes what Run does.
type Option func(*options)

// options is the whole of what Run depends on; the fields without an Option are the process's own but in tests.
type options struct {
	urls            []string
	shutdownTimeout time.Duration
	getenv          func(string) string
	stderr          io.Writer
}

// WithURLs sets the addresses to listen on and has the environment's passed over, as UseUrls does in ASP.NET Core. Each may be a
// list separated by ';', in the syntax of endpoint.Parse. Without any address the option does nothing.
//
// An app that is to follow its launch profile does not use it.
func WithURLs(urls ...string) Option {
	return func(o *options) { o.urls = append(o.urls, urls...) }
}

// WithShutdownTimeout sets how long requests that run may go on once Run was asked to stop. Then they are cut off, at
// once when d is 0 or less. The default is DefaultShutdownTimeout.
func WithShutdownTimeout(d time.Duration) Option {
	return func(o *options) { o.shutdownTimeout = d }
}

// Run serves h until ctx is cancelled or the process gets SIGINT or SIGTERM. A nil h is http.DefaultServeMux.
//
// Addresses come from WithURLs, else ASPNETCORE_URLS, else HTTP_PORTS and HTTPS_PORTS (every interface), else PORT (every
// interface, as platforms that set it want), else http://localhost:5000. The names may begin with DOTNET_ in place of
// ASPNETCORE_, the ports with either or neither (reference: servers.md, 3.6). localhost is both loopback addresses, and
// may have port 0.
//
// An https address is served with the certificate of package devcert, which is made when there is none; then a line on
// stderr says how to have it trusted.
//
// All of them are opened or none: the error then joins an *AddressError for each that is wrong or taken. Without gorun
// (GORUN_SERVER is not set) one line for each address goes to stderr when all are open.
//
// When it is asked to stop, Run opens no new connection, lets running requests finish within the limit of
// WithShutdownTimeout, and returns nil. It returns an error when requests were cut off at that limit; their handlers
// see it by the request's context. Connections that a handler has hijacked are left to it. The context of a request has
// the values of ctx but is not cancelled with it.
// A second signal is not caught: it ends the process.
func Run(ctx context.Context, h http.Handler, opts ...Option) error {
	o := options{shutdownTimeout: DefaultShutdownTimeout, getenv: os.Getenv, stderr: os.Stderr}
	for _, opt := range opts {
		opt(&o)
	}
	return o.run(ctx, h)
}

func (o options) run(ctx context.Context, h http.Handler) error {
	name := o.getenv("GORUN_SERVER")
	if err := checkServer(name); err != nil {
		return err
	}
	addresses, err := o.addresses()
	if err != nil {
		return err
	}
	// From here on a signal is a wish to stop, also while the sockets are opened.
	ctx, uncatch := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer uncatch()
	sockets, err := listenAll(addresses)
	if err != nil {
		return err
	}
	certificate, err := o.certificate(sockets)
	if err != nil {
		return errors.Join(err, closeAll(sockets))
	}
	if name == "" {
		o.announce(sockets)
	}
	s := newServing(ctx, h, certificate)
	s.start(sockets)
	err = s.wait(ctx)
	uncatch()
	return s.stop(err, o.shutdownTimeout)
}

// announce says where the app listens, in Kestrel's words. Under gorun it is gorun that says so, once for all servers.
func (o options) announce(sockets []socket) {
	said := map[string]bool{}
	for _, s := range sockets {
		if url := s.url(); !said[url] {
			said[url] = true
			fmt.Fprintf(o.stderr, "Now listening on: %s\n", url)
		}
	}
}

// serverError says that GORUN_SERVER names a server that is not here.
type serverError struct {
	name    string
	planned bool
}

func (e *serverError) Error() string {
	if e.planned {
		return fmt.Sprintf("GORUN_SERVER is %q, a server that this version of gorun's servers package does not have", e.name)
	}
	return fmt.Sprintf("GORUN_SERVER is %q, which is no server", e.name)
}

func (*serverError) Hint() string { return "set it to kestrel, or do not set it" }

func checkServer(name string) error {
	switch name {
	case "", "kestrel":
		return nil
	case "httpsys", "module":
		return &serverError{name, true}
	default:
		return &serverError{name, false}
	}
}
