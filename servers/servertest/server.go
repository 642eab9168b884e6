package servertest

import (
	"context"
	"errors"
	"time"

	"github.com/gorun-dev/gorun/servers"
)

// For gives the Target of a Server that listens itself, as an app runs it: by servers.New, with the options added last. A
// nil s is the server that servers has under that name. GORUN_SERVER must not be set to another name.
func For(name string, s servers.Server, opts ...servers.Option) Target {
	return Target{Name: name, Start: func(c Config) (*Running, error) {
		app := servers.New(c.Handler, append(options(c, name, s), opts...)...)
		ctx, stop := context.WithCancel(c.Context)
		done := make(chan error, 1)
		go func() { done <- app.Run(ctx) }()
		select {
		case <-app.Listening():
			return &Running{URLs: app.Addresses(), Stop: stop, Done: done}, nil
		case err := <-done:
			stop()
			if err == nil {
				err = errors.New("the server has ended without a word")
			}
			return nil, err
		case <-time.After(limit):
			stop()
			return nil, errors.New("the server neither listens nor fails")
		}
	}}
}

// options says what c says. Addresses are endpoints, because those have protocols.
func options(c Config, name string, s servers.Server) []servers.Option {
	opts := []servers.Option{
		servers.WithLimits(c.Limits), servers.WithServerHeader(c.ServerHeader), servers.WithTLSConfig(c.TLS),
		servers.WithShutdownTimeout(c.ShutdownTimeout), servers.WithLogger(c.Log), servers.WithSignals(),
	}
	for _, url := range c.URLs {
		opts = append(opts, servers.WithEndpoint(url, servers.Endpoint{Protocols: c.Protocols}))
	}
	if s != nil {
		opts = append(opts, servers.WithServer(name, s))
	}
	return opts
}
