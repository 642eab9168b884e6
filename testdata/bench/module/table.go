package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/site"
)

// coldAim is how much later than from the app itself the first byte may come.
const coldAim = 15 * time.Millisecond

// print prints a table for each kind of what was measured.
func (b *bench) print(out io.Writer, r report) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	site.PrintResults(w, b.seconds, r.loads)
	site.PrintFootprints(w, r.memory)
	if len(r.cold) > 0 {
		printCold(w, r.cold)
	}
	return w.Flush()
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
