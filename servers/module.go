package servers

import (
	"context"
	"net"

	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/module/pairing"
)

// pairing reports whether a front has started the app that passes requests on.
func (o *options) pairing() (bool, error) {
	p, ok, err := pairing.FromEnvironment(o.process.getenv)
	o.front = p
	return ok, err
}

// frontError says that there is no front.
type frontError struct{}

func (frontError) Error() string {
	return "GORUN_SERVER is \"module\", but there is no front: none has said where it expects the app (" +
		pairing.PortVariable + ", " + pairing.PathVariable + " and " + pairing.TokenVariable +
		" are not all set), and none has handed its listening sockets over (LISTEN_FDS with LISTEN_PID, or GORUN_LISTEN_FDS)"
}

// Hint says what to do.
func (frontError) Hint() string {
	return "a front does one of the two when it starts the app; without one set GORUN_SERVER to kestrel"
}

// module gives the server behind the module's front: Kestrel, or the app's own. Where the front passes requests on
// (out-of-process), it listens on the address that the front expects, for requests of the front alone; where the front has
// handed its sockets over (in-process), on these.
func (o *options) module(inherited bool) (string, Server, error) {
	inner := Kestrel()
	if own, ok := o.servers[o.firstServer]; ok {
		inner = own
	}
	switch {
	case o.front != (pairing.Pairing{}):
		o.hosting = feature.OutOfProcess
		return "module", o.paired(inner), nil
	case inherited:
		o.hosting = feature.InProcess
		return "module", o.inProcess(inner), nil
	}
	return "", nil, frontError{}
}

// paired has inner serve those who have the front's token, and stop when the front wishes so.
func (o *options) paired(inner Server) Server {
	return ServerFunc(func(ctx context.Context, site *Site) error {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		defer site.app.manager.tellStop(ctx)()
		paired := *site
		paired.Limits = roomForFront(paired.Limits)
		paired.Handler = pairing.Handler(site.Handler, o.front, pairing.Options{Stop: stop, Log: site.Log})
		return inner.Serve(ctx, &paired)
	})
}

// roomForFront is l with room for the fields that the front adds: a request that it lets pass is not to be refused behind it. The
// largest of them is a client's certificate.
func roomForFront(l Limits) Limits {
	const fields, size = 8, 8 << 10
	effective := l.Effective()
	if l.MaxRequestHeaderCount >= 0 {
		l.MaxRequestHeaderCount = effective.MaxRequestHeaderCount + fields
	}
	if l.MaxRequestHeadersTotalSize >= 0 {
		l.MaxRequestHeadersTotalSize = effective.MaxRequestHeadersTotalSize + size
	}
	return l
}

// inProcess has inner serve below the front's path base, which the app's addresses end with (reference: servers.md, S38).
func (o *options) inProcess(inner Server) Server {
	path := pairing.PathFromEnvironment(o.process.getenv)
	return ServerFunc(func(ctx context.Context, site *Site) error {
		below := *site
		below.Handler, below.path = pairing.InProcess(site.Handler, path), path
		return inner.Serve(ctx, &below)
	})
}

// baseOf gives ctx what the requests of an app in-process have as a feature where the handler adds nothing: a path base,
// as they have out-of-process.
func (o *options) baseOf(ctx context.Context) context.Context {
	if o.hosting == feature.InProcess {
		return feature.With(ctx, feature.PathBase{})
	}
	return ctx
}

// frontEndpoint is the only address of an app behind a front that passes requests on. All others are the front's business.
func (o *options) frontEndpoint() ([]Endpoint, error) {
	e, err := endpoint.Parse(o.front.Address())
	return []Endpoint{{Endpoint: e, Source: pairing.PortVariable, Protocols: endpoint.HTTP1}}, err
}

// ofFront gives those of endpoints whose sockets the front has handed over. All others are the front's business, here too.
func (o *options) ofFront(endpoints []Endpoint, inherited []net.Listener) []Endpoint {
	var its, others []Endpoint
	for _, e := range endpoints {
		if sockets, _ := take(e, inherited); len(sockets) > 0 {
			its = append(its, e)
		} else {
			others = append(others, e)
		}
	}
	if len(others) > 0 {
		o.log().Warn("an app in-process is served on the addresses of its front alone",
			"passed over", join(others), "source", others[0].Source)
	}
	return its
}
