package servers

import (
	"context"

	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/module/pairing"
)

// pairing reports whether a front has started the app.
func (o *options) pairing() (bool, error) {
	p, ok, err := pairing.FromEnvironment(o.process.getenv)
	o.front = p
	return ok, err
}

// frontError says that there is no front.
type frontError struct{}

func (frontError) Error() string {
	return "GORUN_SERVER is \"module\", but no front has said where it expects the app: " +
		pairing.PortVariable + ", " + pairing.PathVariable + " and " + pairing.TokenVariable + " are not all set"
}

// Hint says what to do.
func (frontError) Hint() string {
	return "a front sets them when it starts the app; without one set GORUN_SERVER to kestrel"
}

// module gives the server behind the module's front: Kestrel, or the app's own, on the address that the front expects, for
// requests of the front alone.
func (o *options) module() (string, Server, error) {
	if o.front == (pairing.Pairing{}) {
		return "", nil, frontError{}
	}
	o.fronted = true
	inner := Kestrel()
	if own, ok := o.servers[o.firstServer]; ok {
		inner = own
	}
	return "module", ServerFunc(func(ctx context.Context, site *Site) error {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		paired := *site
		paired.Handler = pairing.Handler(site.Handler, o.front, pairing.Options{Stop: stop, Log: site.Log})
		return inner.Serve(ctx, &paired)
	}), nil
}

// frontEndpoint is the only address of an app behind a front. All others are the front's business.
func (o *options) frontEndpoint() ([]Endpoint, error) {
	e, err := endpoint.Parse(o.front.Address())
	return []Endpoint{{Endpoint: e, Source: pairing.PortVariable, Protocols: endpoint.HTTP1}}, err
}
