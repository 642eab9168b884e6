package main

import (
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

// table is what stands at the head of a table.
type table struct {
	title string
	than  string // what the first command is, with which the others are compared
}

// compare runs commands in turns, and prints how long they take. Each run is preceded by an edit of its own, unless
// there is none to be made.
func (b *bench) compare(head table, commands []command, rounds int, e *edit) error {
	times := make([][]time.Duration, len(commands))
	warmUp := 1
	if e == nil {
		// Files that were written within the second before a build are looked at again at the next start.
		warmUp = 2
	}
	for round := range warmUp + rounds {
		for turn := range commands {
			i := (turn + round) % len(commands)
			var proof []string
			if e != nil {
				var err error
				if proof, err = e.apply(); err != nil {
					return err
				}
			}
			took, err := commands[i].run(proof)
			if err != nil {
				return err
			}
			if round >= warmUp {
				times[i] = append(times[i], took)
			}
		}
	}
	return head.print(commands, times)
}

// print prints the times of commands.
func (t table) print(commands []command, times [][]time.Duration) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s (%d)\tmedian ms\tmin ms\tover %s ms\tratio\t\n", t.title, len(times[0]), t.than)
	first := median(times[0])
	for i, c := range commands {
		m := median(times[i])
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%.1f\t%.2f\t\n", c.name, ms(m), ms(slices.Min(times[i])), ms(m-first), float64(m)/float64(first))
	}
	fmt.Fprintln(w)
	return w.Flush()
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
