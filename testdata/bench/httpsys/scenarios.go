package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/site"
)

// The ways to serve the apps.
const (
	alone    = "the app alone"
	onBroker = "on the broker"
	nginx    = "nginx"
)

// scenario is something to be measured, and what is needed for it.
type scenario struct {
	name    string
	wrk     bool
	nginx   bool
	measure func(ctx context.Context, b *bench, r *report) error
}

// report is what was measured.
type report struct {
	loads  []site.Result
	memory []site.Footprint
}

// scenarios are those that there are, in the order of the tables. Where three apps are asked wrk has a thread for each, whose 21
// connections stay with it; "mixed" is the case that costs most: every request belongs to another app than the one before it on
// the same connection.
func scenarios() []scenario {
	closing := load.Wrk{Headers: []string{"Connection: close"}}
	each := load.Wrk{Threads: 3, Script: eachItsOwnScript}
	mixed := load.Wrk{Threads: 3, Script: inTurnsScript}
	return []scenario{
		compared(single("http"), site.Comparison{Name: "keep-alive", Measured: onBroker, Against: alone, Aim: "0.98 or more"}),
		compared(single("http"), site.Comparison{Name: "connection", Measured: onBroker, Against: alone, Load: closing, Aim: "0.6 or more"}),
		compared(byHostAndPath(), site.Comparison{Name: "three", Measured: onBroker, Against: nginx, Load: each, Aim: "1.4 or more"}),
		compared(byHostAndPath(), site.Comparison{Name: "mixed", Measured: onBroker, Against: nginx, Load: mixed, Aim: "printed"}),
		compared(single("https"), site.Comparison{Name: "tls", Measured: onBroker, Against: alone, Aim: "printed"}),
		compared(byPath("https"), site.Comparison{Name: "tls-three", Measured: onBroker, Against: nginx, Load: each, Aim: "printed"}),
		{name: "idle", measure: measureIdle},
	}
}

// compared makes a scenario of a comparison of two ways to serve these apps.
func compared(apps apps, c site.Comparison) scenario {
	c.Requests = apps.requests()
	measure := func(ctx context.Context, b *bench, r *report) error {
		c := c
		if script := c.Load.Script; script != "" {
			c.Load.Script = filepath.Join(b.dir, c.Name+"-"+script)
			if err := writeScript(c.Load.Script, script, apps); err != nil {
				return err
			}
		}
		got, err := b.turns(apps).Compare(ctx, c)
		if len(got.Pairs.Measured) > 0 {
			r.loads = append(r.loads, got)
		}
		return err
	}
	return scenario{name: c.Name, wrk: true, nginx: c.Uses(nginx), measure: measure}
}

// turns have the ways serve these apps.
func (b *bench) turns(apps apps) site.Turns {
	start := func(ctx context.Context, way string) (*site.Site, error) { return b.start(ctx, way, apps) }
	return site.Turns{Pairs: b.pairs, Seconds: b.seconds, Trust: b.trust, Start: start}
}

// choose gives the scenarios with these names.
func choose(names []string) ([]scenario, error) {
	return load.Choose(scenarios(), func(s scenario) string { return s.name }, names)
}

// findTools finds the programs that the scenarios need, or says which is missing and where it comes from.
func (b *bench) findTools(ctx context.Context, chosen []scenario) (err error) {
	for _, s := range chosen {
		if s.wrk {
			if err := (load.Wrk{}).Tool().Find(); err != nil {
				return fmt.Errorf("scenario %s: %w", s.name, err)
			}
		}
		if s.nginx && b.nginx.Path == "" {
			if b.nginx, err = site.FindNginx(ctx); err != nil {
				return fmt.Errorf("scenario %s: %w", s.name, err)
			}
		}
	}
	return nil
}

// print prints a table for each kind of what was measured.
func (r report) print(out io.Writer, seconds int) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	site.PrintResults(w, seconds, r.loads)
	site.PrintFootprints(w, r.memory)
	return w.Flush()
}
