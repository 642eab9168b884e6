package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
)

// print prints the table of results, and what is to be known of them.
func (b *bench) print(out io.Writer, results []result) error {
	fmt.Fprintf(out, "%s; pairs of %d s over loopback, %d connections\n\n", load.Machine(), b.seconds, load.Connections)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "scenario (pairs)\tunit\tours\tnet/http\tratio\tquartiles\tours p50 ms\tnet/http\tours p99 ms\tnet/http\terrors\t")
	for _, r := range results {
		if r.skipped == "" {
			fmt.Fprintf(w, "%s (%d)\t%s\t%s\t%s\t%d\t\n", r.scenario.name, len(r.Measured), r.unit(), r.Values(r.digits()), r.Latencies(), r.Errors())
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range results {
		if r.skipped != "" {
			fmt.Fprintf(out, "\n%s is skipped: %s\n", r.scenario.name, r.skipped)
		}
		if b.profiles != "" && r.scenario.name == plaintext {
			fmt.Fprintf(out, "\nprofiles of %s: %[2]s/ours.cpu.pprof %[2]s/bare.cpu.pprof\n", plaintext, b.profiles)
		}
	}
	return nil
}

func (r result) unit() string {
	if _, ok := r.scenario.load.(idle); ok {
		return "kB/conn"
	}
	return "req/s"
}

// digits are those after the point of a value.
func (r result) digits() int {
	if r.unit() == "kB/conn" {
		return 2
	}
	return 0
}
