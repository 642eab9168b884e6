package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// coldAim is how much later than from the app itself the first byte may come.
const coldAim = 15 * time.Millisecond

// print prints a table for each kind of what was measured.
func (b *bench) print(out io.Writer, r report) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	if len(r.loads) > 0 {
		fmt.Fprintf(w, "%s; pairs of %d s over loopback, %d connections\n\n", load.Machine(), b.seconds, load.Connections)
		printLoads(w, r.loads)
	}
	if len(r.memory) > 0 {
		printMemory(w, r.memory)
	}
	if len(r.cold) > 0 {
		printCold(w, r.cold)
	}
	return w.Flush()
}

func printLoads(w io.Writer, results []result) {
	fmt.Fprintln(w, "scenario (pairs)\tmeasured\tagainst\treq/s\tagainst\tratio\tquartiles\taim\tp50 ms\tagainst\tp99 ms\tagainst\terrors\t")
	for _, r := range results {
		fmt.Fprintf(w, "%s (%d)\t%s\t%s\t%s\t%s\t%s\t%d\t\n", r.name, len(r.Measured), r.measured, r.comparison.against, r.Values(0), r.aim,
			r.Latencies(), r.Errors())
	}
	fmt.Fprintln(w)
}

func printMemory(w io.Writer, prints []footprint) {
	fmt.Fprintf(w, "front, %d idle connections\tprocess\tresident MB\tits own\twithout connections\tits own\taim\t\n", prints[0].connections)
	for _, p := range prints {
		fmt.Fprintf(w, "%s\t%s (%d)\t%s\t%s\tprinted\t\n", p.front, p.name, p.processes, megabytes(p.after), megabytes(p.before))
	}
	fmt.Fprintln(w)
}

// megabytes are two cells: what is resident, and what of it is the process's own (RssAnon).
func megabytes(m subject.Memory) string {
	return fmt.Sprintf("%.1f\t%.1f", float64(m.Resident)/1024, float64(m.Own)/1024)
}

func printCold(w io.Writer, starts []coldStart) {
	fmt.Fprintln(w, "cold start (rounds)\tfirst byte ms\tthe app's own\tover ms\tquartiles\taim\t")
	itself := func(d time.Duration) time.Duration { return d }
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) }
	for _, s := range starts {
		over := load.Quartiles(s.over(), itself)
		fmt.Fprintf(w, "%s (%d)\t%s\t%s\t%s\t%s-%s\t%d or less\t\n", s.name, len(s.took), ms(load.Quartiles(s.took, itself)[1]),
			ms(load.Quartiles(s.own, itself)[1]), ms(over[1]), ms(over[0]), ms(over[2]), coldAim.Milliseconds())
	}
	fmt.Fprintln(w)
}
