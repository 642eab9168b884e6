package main

import (
	"context"
	"path/filepath"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/site"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// compared makes a scenario of a load on two ways to serve the app.
func compared(name, measured, against string, request subject.Request, aim string) scenario {
	c := site.Comparison{Name: name, Measured: measured, Against: against, Requests: []subject.Request{request}, Aim: aim}
	measure := func(ctx context.Context, b *bench, r *report) error {
		c := c
		c.Load = b.wrk(request)
		start := func(ctx context.Context, way string) (*site.Site, error) { return b.start(ctx, way, request.Scheme) }
		got, err := site.Turns{Pairs: b.pairs, Seconds: b.seconds, Trust: b.trust, Start: start}.Compare(ctx, c)
		if len(got.Pairs.Measured) > 0 {
			r.loads = append(r.loads, got)
		}
		return err
	}
	return scenario{name: name, wrk: true, nginx: c.Uses(nginx), measure: measure}
}

// wrk is the load of a request.
func (b *bench) wrk(r subject.Request) load.Wrk {
	if r.Body == "" {
		return load.Wrk{}
	}
	return load.Wrk{Script: filepath.Join(b.dir, postScript)}
}
