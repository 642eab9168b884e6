package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

const warmUp = time.Second

// comparison is a load on two ways to serve the app.
type comparison struct {
	name              string
	measured, against string // the ways
	request           subject.Request
	aim               string // of the ratio
}

// result is what a comparison gives.
type result struct {
	comparison
	load.Pairs
}

func (c comparison) scenario() scenario {
	uses := func(role string) bool { return c.measured == role || c.against == role }
	return scenario{name: c.name, wrk: true, nginx: uses(nginx), measure: c.measure}
}

// measure adds a result, which may have samples even with an error.
func (c comparison) measure(ctx context.Context, b *bench, r *report) (err error) {
	sites := map[string]*site{}
	defer func() {
		for _, s := range sites {
			err = errors.Join(err, s.stop())
		}
	}()
	for _, role := range []string{c.measured, c.against} {
		s, err := b.start(ctx, role, c.request.Scheme)
		if err != nil {
			return err
		}
		sites[role] = s
	}
	if err := c.verify(ctx, b, sites); err != nil {
		return err
	}
	got := result{comparison: c}
	err = c.runPairs(ctx, b, sites, &got.Pairs)
	if len(got.Measured) > 0 {
		r.loads = append(r.loads, got)
	}
	if n := got.Errors(); err == nil && n > 0 {
		err = fmt.Errorf("%d requests failed", n)
	}
	return err
}

// verify has both answer alike. It also has gorun start the app.
func (c comparison) verify(ctx context.Context, b *bench, sites map[string]*site) error {
	named := func(role string) subject.Named { return subject.Named{Name: role, URL: sites[role].url(c.request)} }
	return b.trust.Verify(ctx, c.request, named(c.measured), named(c.against))
}

// runPairs takes the samples, after a run of each that does not count. Where a run takes one second it is to show that all
// works, and there is none.
func (c comparison) runPairs(ctx context.Context, b *bench, sites map[string]*site, pairs *load.Pairs) error {
	run := func(role string, d time.Duration) (load.Sample, error) {
		sample, err := b.wrk(c.request).Measure(ctx, sites[role].url(c.request), d)
		if err != nil {
			err = fmt.Errorf("%s: %w", role, err)
		}
		return sample, err
	}
	d := time.Duration(b.seconds) * time.Second
	for _, role := range []string{c.measured, c.against} {
		if d <= warmUp {
			break
		}
		if _, err := run(role, warmUp); err != nil {
			return err
		}
	}
	one := func(against bool) (load.Sample, error) {
		if against {
			return run(c.against, d)
		}
		return run(c.measured, d)
	}
	return pairs.Run(b.pairs, one, func(pair int, ratio float64) {
		fmt.Fprintf(os.Stderr, "%s: pair %d of %d: %.3f\n", c.name, pair, b.pairs, ratio)
	})
}

// wrk is the load of a request.
func (b *bench) wrk(r subject.Request) load.Wrk {
	if r.Body == "" {
		return load.Wrk{}
	}
	return load.Wrk{Script: filepath.Join(b.dir, postScript)}
}
