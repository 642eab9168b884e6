package site

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

const warmUp = time.Second

// Comparison is a load on two ways to serve the same.
type Comparison struct {
	Name              string
	Measured, Against string            // the ways
	Requests          []subject.Request // that both have to answer alike; the load is sent to the URL of the first
	Load              load.Wrk
	Aim               string // of the ratio, for people
}

// Uses reports whether it is one of the ways.
func (c Comparison) Uses(way string) bool { return c.Measured == way || c.Against == way }

// Result is what a Comparison gives.
type Result struct {
	Comparison
	load.Pairs
}

// Turns is how often both are run and how long, and what is needed for it.
type Turns struct {
	Pairs, Seconds int
	Trust          subject.Trust
	Start          func(ctx context.Context, way string) (*Site, error)
}

// Compare starts both ways, verifies that they answer alike, and has them take turns. The Result has the samples that were taken,
// also with an error; failed requests are one.
func (t Turns) Compare(ctx context.Context, c Comparison) (got Result, err error) {
	got.Comparison = c
	sites := map[string]*Site{}
	defer func() {
		for _, s := range sites {
			err = errors.Join(err, s.Stop())
		}
	}()
	for _, way := range []string{c.Measured, c.Against} {
		s, err := t.Start(ctx, way)
		if err != nil {
			return got, err
		}
		sites[way] = s
	}
	if err := t.verify(ctx, c, sites); err != nil {
		return got, err
	}
	err = t.runPairs(ctx, c, sites, &got.Pairs)
	if n := got.Errors(); err == nil && n > 0 {
		err = fmt.Errorf("%d requests failed", n)
	}
	return got, err
}

// verify has both answer alike. Where the first request starts an app, it also does that.
func (t Turns) verify(ctx context.Context, c Comparison, sites map[string]*Site) error {
	for _, r := range c.Requests {
		named := func(way string) subject.Named { return subject.Named{Name: way, URL: sites[way].URL(r)} }
		if err := t.Trust.Verify(ctx, r, named(c.Measured), named(c.Against)); err != nil {
			return err
		}
	}
	return nil
}

// runPairs takes the samples, after a run of each that does not count. Where a run takes one second it is to show that all
// works, and there is none.
func (t Turns) runPairs(ctx context.Context, c Comparison, sites map[string]*Site, pairs *load.Pairs) error {
	run := func(way string, d time.Duration) (load.Sample, error) {
		sample, err := c.Load.Measure(ctx, sites[way].URL(c.Requests[0]), d)
		if err != nil {
			err = fmt.Errorf("%s: %w", way, err)
		}
		return sample, err
	}
	d := time.Duration(t.Seconds) * time.Second
	for _, way := range []string{c.Measured, c.Against} {
		if d <= warmUp {
			break
		}
		if _, err := run(way, warmUp); err != nil {
			return err
		}
	}
	one := func(against bool) (load.Sample, error) {
		if against {
			return run(c.Against, d)
		}
		return run(c.Measured, d)
	}
	return pairs.Run(t.Pairs, one, func(pair int, ratio float64) {
		fmt.Fprintf(os.Stderr, "%s: pair %d of %d: %.3f\n", c.Name, pair, t.Pairs, ratio)
	})
}

// PrintResults writes a table, nothing without results. w is a tabwriter.
func PrintResults(w io.Writer, seconds int, results []Result) {
	if len(results) == 0 {
		return
	}
	fmt.Fprintf(w, "%s; pairs of %d s over loopback, %d connections\n\n", load.Machine(), seconds, load.Connections)
	fmt.Fprintln(w, "scenario (pairs)\tmeasured\tagainst\treq/s\tagainst\tratio\tquartiles\taim\tp50 ms\tagainst\tp99 ms\tagainst\terrors\t")
	for _, r := range results {
		fmt.Fprintf(w, "%s (%d)\t%s\t%s\t%s\t%s\t%s\t%d\t\n", r.Name, len(r.Pairs.Measured), r.Comparison.Measured, r.Comparison.Against,
			r.Values(0), r.Aim, r.Latencies(), r.Errors())
	}
	fmt.Fprintln(w)
}
