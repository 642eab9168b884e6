package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// print prints the table of results, and what is to be known of them.
func (b *bench) print(out io.Writer, results []result) error {
	fmt.Fprintf(out, "%s; pairs of %d s over loopback, %d connections\n\n", machine(), b.seconds, connections)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "scenario (pairs)\tunit\tours\tnet/http\tratio\tquartiles\tours p50 ms\tnet/http\tours p99 ms\tnet/http\terrors\t")
	for _, r := range results {
		if r.skipped == "" {
			fmt.Fprintf(w, "%s (%d)\t%s\t%s\t%s\t%d\t\n", r.scenario.name, len(r.ours), r.unit(), r.values(), r.latencies(), r.errors())
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

// values are the medians of both, and the ratio with its first and third quartile.
func (r result) values() string {
	value := func(s sample) float64 { return s.value }
	ratio := r.ratios()
	format := "%.0f\t%.0f\t%.3f\t%.3f-%.3f"
	if r.unit() == "kB/conn" {
		format = "%.2f\t%.2f\t%.3f\t%.3f-%.3f"
	}
	return fmt.Sprintf(format, quartiles(r.ours, value)[1], quartiles(r.bare, value)[1], ratio[1], ratio[0], ratio[2])
}

// ratios are the quartiles of the pairs' ratios.
func (r result) ratios() [3]float64 {
	var pairs []int
	for i := range r.ours {
		pairs = append(pairs, i)
	}
	return quartiles(pairs, func(i int) float64 { return r.ours[i].value / r.bare[i].value })
}

// latencies are the medians of p50 and p99, of both each.
func (r result) latencies() string {
	p50 := func(s sample) time.Duration { return s.p50 }
	p99 := func(s sample) time.Duration { return s.p99 }
	return fmt.Sprintf("%s\t%s\t%s\t%s", ms(quartiles(r.ours, p50)[1]), ms(quartiles(r.bare, p50)[1]),
		ms(quartiles(r.ours, p99)[1]), ms(quartiles(r.bare, p99)[1]))
}

// ms is a latency in milliseconds, "-" where there is none.
func ms(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(d.Nanoseconds())/1e6)
}
