//go:build amd64 || arm64

package httpsys

import (
	"context"
	"math"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorun-dev/gorun/servers/feature"
)

// requestContext is a request's. Its connection is watched as soon as somebody wants to know when it ends.
type requestContext struct {
	x     *exchange
	inner context.Context

	mu      sync.Mutex
	watched bool
	over    bool
}

func (c *requestContext) Deadline() (time.Time, bool) { return c.inner.Deadline() }
func (c *requestContext) Err() error                  { return c.inner.Err() }

func (c *requestContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.watched && !c.over {
		c.watched = true
		c.x.host.watch(c.x)
	}
	return c.inner.Done()
}

// end stops the watching.
func (c *requestContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if c.watched {
		c.x.host.unwatch(c.x)
	}
}

// Value answers for what package feature and net/http know of a request.
func (c *requestContext) Value(key any) any {
	x := c.x
	switch key.(type) {
	case feature.Key[feature.Connection]:
		return feature.Connection{ID: connectionName(x.connection), Local: x.local, Remote: x.remote}
	case feature.Key[feature.TLS]:
		if x.tls != nil {
			return feature.TLS{State: *x.tls}
		}
		return nil
	case feature.Key[feature.Body]:
		return feature.Body(bodyFeature{x})
	case feature.Key[feature.Upgrade]:
		return feature.Upgrade(noUpgrade{})
	case feature.Key[feature.Trailers]:
		return feature.Trailers(trailersFeature{x})
	case delegatorKey:
		return delegator(x)
	}
	if key == http.LocalAddrContextKey {
		return net.Addr(x.local)
	}
	return c.inner.Value(key)
}

// noUpgrade says that connections cannot be taken over: they are the system's.
type noUpgrade struct{}

func (noUpgrade) IsUpgradable() bool { return false }

type trailersFeature struct{ x *exchange }

func (f trailersFeature) IsSupported() bool { return f.x.response.canTrail() }

type bodyFeature struct{ x *exchange }

func (f bodyFeature) MaxSize() int64 {
	if f.x.maxBody == math.MaxInt64 {
		return -1
	}
	return f.x.maxBody
}

func (f bodyFeature) SetMaxSize(n int64) error {
	if b := f.x.body; b != nil && b.started.Load() {
		return feature.ErrBodyStarted
	}
	if n < 0 {
		n = math.MaxInt64
	}
	f.x.maxBody = n
	return nil
}
