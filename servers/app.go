package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"sync"

	"github.com/gorun-dev/gorun/servers/feature"
)

// App is an app with its server, for those who need a handle: New makes it, Run serves it. Its other methods may be called
// from any goroutine, also before Run.
type App struct {
	handler http.Handler
	options options
	base    context.Context
	manager *manager
	ready   chan struct{}
	once    sync.Once // closes ready
	// ownPlaces is whether the app, and not its environment, has chosen an address: gorun cannot know of it.
	ownPlaces bool

	mu      sync.Mutex
	ran     bool
	feature feature.Server
}

// New makes an App that serves h; nil is http.DefaultServeMux. A nil option is none. It does nothing yet: mistakes in the options
// are errors of Run.
func New(h http.Handler, opts ...Option) *App {
	a := &App{handler: h, ready: make(chan struct{}), options: options{
		shutdownTimeout: DefaultShutdownTimeout,
		signals:         stopSignals(),
		process:         thisProcess(),
	}}
	for _, opt := range opts {
		if opt != nil {
			opt(&a.options)
		}
	}
	return a
}

// Listening is closed when every address is open. It stays open when Run fails before.
func (a *App) Listening() <-chan struct{} { return a.ready }

// Feature gives what the app knows of its server. Before Listening is closed it has no addresses.
func (a *App) Feature() feature.Server {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.feature
}

// Addresses gives the URLs that are bound, with the ports that the system chose; nil before Listening is closed. Those of an app
// in-process end with its path base.
func (a *App) Addresses() []string { return slices.Clone(a.Feature().Addresses) }

// Run is the function Run for this App. It can be called once.
func (a *App) Run(ctx context.Context) error { return withAdvice(a.run(ctx)) }

func (a *App) run(ctx context.Context) error {
	a.mu.Lock()
	ran := a.ran
	a.ran = true
	a.mu.Unlock()
	if ran {
		return errors.New("servers: Run was called twice for one App")
	}
	a.manager = &manager{socket: a.options.process.notifySocket(), log: a.options.log()}
	site, server, err := a.site()
	if err != nil {
		return err
	}
	// Requests go on after ctx is cancelled: stopping is graceful.
	a.base = &baseContext{a.options.baseOf(context.WithoutCancel(ctx)), a}
	// From here on a signal is a wish to stop, also while the sockets are opened.
	if len(a.options.signals) > 0 {
		stopping, uncatch := signal.NotifyContext(ctx, a.options.signals...)
		defer uncatch()
		context.AfterFunc(stopping, uncatch) // a second one ends the process
		ctx = stopping
	}
	defer a.manager.tellStop(ctx)()
	return server.Serve(ctx, site)
}

// site joins what the options, the environment and the files say.
func (a *App) site() (*Site, Server, error) {
	o := &a.options
	if err := errors.Join(o.errs...); err != nil {
		return nil, nil, err
	}
	inherited, err := o.process.inherit()
	if err != nil {
		return nil, nil, err
	}
	site, server, err := a.siteOn(inherited)
	if err != nil {
		return nil, nil, errors.Join(err, closeListeners(inherited))
	}
	return site, server, nil
}

// siteOn is site with the sockets that were handed over, which are the caller's to close when it fails.
func (a *App) siteOn(inherited []net.Listener) (*Site, Server, error) {
	o := &a.options
	name, server, err := o.server(len(inherited) > 0)
	if err != nil {
		return nil, nil, err
	}
	if err := o.readConfig(); err != nil {
		return nil, nil, err
	}
	if o.meter != nil {
		o.meter = &guardedMeter{meter: o.meter, log: o.log()}
	}
	if server, inherited, err = o.sharing(server, inherited); err != nil {
		return nil, nil, err
	}
	endpoints, err := o.endpoints(len(inherited) > 0)
	if err != nil {
		return nil, nil, err
	}
	if o.hosting == feature.InProcess {
		endpoints = o.ofFront(endpoints, inherited)
	}
	a.ownPlaces = slices.ContainsFunc(endpoints, Endpoint.isOwn)
	endpoints = adopt(endpoints, inherited)
	if err := o.secure(endpoints); err != nil {
		return nil, nil, err
	}
	return &Site{
		Name: name, Handler: o.observed(a.handler), Endpoints: endpoints, Limits: o.limits, ServerHeader: o.serverHeader,
		ShutdownTimeout: o.shutdownTimeout, Log: o.log(), Meter: o.meter, Middleware: o.middleware,
		app: a, inherited: inherited,
	}, server, nil
}

// listening is what Site.Listening does.
func (a *App) listening(name string, addresses []string) {
	a.mu.Lock()
	a.feature = feature.Server{Name: name, HostingModel: a.options.hosting, Addresses: slices.Compact(slices.Clone(addresses))}
	a.mu.Unlock()
	if a.options.process.getenv("GORUN_SERVER") == "" || a.ownPlaces {
		// In Kestrel's words. Under gorun it is gorun that says so, once for all servers, where it knows.
		for _, url := range a.Feature().Addresses {
			fmt.Fprintf(a.options.process.stderr, "Now listening on: %s\n", url)
		}
	}
	a.once.Do(func() {
		close(a.ready)
		a.manager.tellReady(a.options.hosting == feature.OutOfProcess)
	})
}

// process is the world of an App; tests have their own.
type process struct {
	getenv       func(string) string
	environ      func() []string
	stderr       io.Writer
	inherit      func() ([]net.Listener, error)
	notifySocket func() string
}

func thisProcess() process {
	return process{
		getenv: os.Getenv, environ: os.Environ, stderr: os.Stderr, inherit: inheritedSockets, notifySocket: takeNotifySocket,
	}
}

func (o *options) log() *slog.Logger {
	if o.logger == nil {
		return slog.Default()
	}
	return o.logger
}
