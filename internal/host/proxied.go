package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/profiles"
	"github.com/gorun-dev/gorun/servers/devcert"
	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/module/backend"
	"github.com/gorun-dev/gorun/servers/reverseproxy"
)

// What a program behind nginx or Apache has: the module's defaults, since these profiles have no settings of their own for it.
const (
	proxiedStart = 2 * time.Minute
	proxiedStop  = 10 * time.Second
	proxiedFails = 10
)

// runProxied runs a plan in which nginx or Apache stands in front of the program: first the program, on a private port, then the
// front. A program that ends by itself is started again, on another port, and the front moves to it.
func (h *host) runProxied(ctx context.Context, record *record) (Result, error) {
	config, err := ProxyConfig(ctx, h.plan, h.GoEnv)
	if err != nil {
		return Result{}, err
	}
	path, err := h.prepareFront(ctx)
	if err != nil {
		return Result{}, err
	}
	h.follow(record)
	started := time.Now()
	p := &proxied{host: h, record: record, config: config, behind: &behind{host: h, plan: h.plan, built: path}}
	p.life, p.kill = context.WithCancel(context.Background())
	defer p.kill()
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- p.run(running) }()
	stopping := &stopping{host: h, tree: &proxiedProcess{stop, p.kill}, record: record}
	err = h.await(ctx, stopping, ended)
	return Result{Duration: time.Since(started), Stopped: stopping.asked}, err
}

// samplePort stands for the program's port, which is chosen when it starts.
const samplePort = 1025

// ProxyConfig is what nginx or Apache is told, but for the program's port, for which there is 1025. environ is gorun's own. Errors are
// those of package reverseproxy, and of devcert.
func ProxyConfig(ctx context.Context, plan profiles.Plan, environ []string) (reverseproxy.Config, error) {
	if !plan.Fronted() || plan.Server.Value == "module" {
		return reverseproxy.Config{}, &NoProxyError{Server: plan.Server.Value}
	}
	program, err := reverseproxy.Find(ctx, reverseproxy.Kind(plan.Server.Value), lookup(environ))
	if err != nil {
		return reverseproxy.Config{}, err
	}
	config := reverseproxy.Config{Program: program, App: backend.NewUnpaired().Endpoint().WithPort(samplePort)}
	for _, e := range plan.Endpoints {
		public := reverseproxy.Public{Endpoint: e.Endpoint}
		if e.Scheme == "https" {
			cert, _, err := devcert.Ensure(devcert.Options{Getenv: lookup(environ)})
			if err != nil {
				return reverseproxy.Config{}, err
			}
			public.Certificate = &cert
		}
		config.Public = append(config.Public, public)
	}
	return config, config.Check()
}

// NoProxyError is a plan in which neither nginx nor Apache has a part.
type NoProxyError struct{ Server string }

func (e *NoProxyError) Error() string {
	return fmt.Sprintf("the server is %s: there is no configuration to show", e.Server)
}

// Hint says which profiles have one.
func (e *NoProxyError) Hint() string {
	return `choose a profile with "gorun": {"server": "nginx"} or "apache"`
}

// proxiedProcess is a program with its front as something that can be stopped.
type proxiedProcess struct{ stop, kill context.CancelFunc }

// Signal asks both to stop by each signal that ends a program.
func (p *proxiedProcess) Signal(sig os.Signal) error {
	if asksToStop(sig) {
		p.stop()
	}
	return nil
}

// Kill ends both at once.
func (p *proxiedProcess) Kill() error {
	p.stop()
	p.kill()
	return nil
}

// proxied is a program behind nginx or Apache. One goroutine runs it.
type proxied struct {
	*host
	behind *behind
	record *record
	config reverseproxy.Config
	life   context.Context // its end kills
	kill   context.CancelFunc

	pool    *backend.Pool
	process *backend.Process
	front   *reverseproxy.Front
}

// run stays until ctx is done, the front ends, or the program does not start. It stops the front first, so that the requests that
// run are answered.
func (p *proxied) run(ctx context.Context) (err error) {
	p.pool = backend.New(p.processes())
	defer func() { err = errors.Join(err, p.end()) }()
	if p.process, err = p.pool.Get(ctx); err != nil {
		return unlessStopped(ctx, err)
	}
	if err := p.open(ctx); err != nil {
		return unlessStopped(ctx, err)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.front.Done():
			return p.front.Wait()
		case <-p.process.Exited():
			if err := p.next(ctx); err != nil {
				return unlessStopped(ctx, err)
			}
		}
	}
}

// unlessStopped is err, or nil when it only says that everything ends.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// processes says what the pool starts.
func (p *proxied) processes() backend.Options {
	return backend.Options{
		Name: p.name, Command: p.behind.command(), Start: p.host.Start,
		Host: func(int) backend.Hosting { return backend.NewUnpaired() }, Attempts: 2,
		StartupTimeLimit: proxiedStart, ShutdownTimeLimit: proxiedStop, RapidFailsPerMinute: proxiedFails,
		Stdout: p.Stdout, Stderr: p.Stderr, StopSignal: stopSignals[p.plan.Stop.Signal.Value], Emit: p.Emit,
	}
}

// open starts the front.
func (p *proxied) open(ctx context.Context) (err error) {
	p.config.App = p.app()
	p.front, err = reverseproxy.Start(ctx, p.config, reverseproxy.Options{Env: p.GoEnv, Errors: told{p.Stderr}})
	if err != nil {
		return err
	}
	var urls []string
	for _, e := range p.front.Endpoints() {
		urls = append(urls, e.String())
		p.Emit.Tell(event.Event{Kind: event.EndpointReady, Program: p.name, URL: e.String()})
	}
	p.record.listening(urls, true)
	p.browseFront(urls)
	return nil
}

func (p *proxied) app() endpoint.Endpoint { return p.process.Hosting().(*backend.Unpaired).Endpoint() }

// next replaces a program that has ended.
func (p *proxied) next(ctx context.Context) (err error) {
	p.process.Release()
	if p.process, err = p.pool.Get(ctx); err != nil {
		return err
	}
	err = p.front.Move(ctx, p.app())
	if _, draining := errors.AsType[*reverseproxy.DrainingError](err); draining {
		return nil
	}
	return err
}

// end stops the front, then the program.
func (p *proxied) end() error {
	var errs []error
	if p.front != nil {
		ctx, cancel := context.WithTimeout(p.life, proxiedStop)
		errs = append(errs, unlessEnded(p.front.Stop(ctx)))
		cancel()
	}
	if p.process != nil {
		p.process.Release()
	}
	if err := p.pool.Stop(p.life); err != nil && !errors.Is(err, context.Canceled) {
		p.warn(diagnostic.Diagnostic{Code: "left", Message: err.Error()})
	}
	return errors.Join(errs...)
}

// unlessEnded leaves out that the front had ended already, which run has said.
func unlessEnded(err error) error {
	if _, ended := errors.AsType[*reverseproxy.ExitError](err); ended {
		return nil
	}
	return err
}
