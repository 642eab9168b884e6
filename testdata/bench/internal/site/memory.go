package site

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

const quiet = time.Second // before memory is read

// Group are the processes of one kind.
type Group struct {
	Name string
	PIDs []int
}

// Footprint is the memory of a Group.
type Footprint struct {
	Way string
	Group
	Connections   int // that were idle at the end
	Before, After subject.Memory
	Aim           string // for people
}

// Footprints reads the memory of the groups as it is, and with n more connections to address that are idle after one request
// each. The connections are to be there at the end. On Linux alone.
func Footprints(ctx context.Context, way, address string, groups []Group, n int) (prints []Footprint, err error) {
	before, err := memoryOf(groups)
	if err != nil {
		return nil, err
	}
	after, err := withConnections(ctx, address, n, func() ([]subject.Memory, error) { return memoryOf(groups) })
	if err != nil {
		return nil, err
	}
	for i, g := range groups {
		prints = append(prints, Footprint{way, g, n, before[i], after[i], "printed"})
	}
	return prints, nil
}

// withConnections calls read while n connections are idle.
func withConnections(ctx context.Context, address string, n int, read func() ([]subject.Memory, error)) ([]subject.Memory, error) {
	to, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	conns, err := load.OpenIdle(ctx, to, n)
	if err != nil {
		return nil, err
	}
	defer conns.Close()
	select {
	case <-time.After(quiet):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	memory, err := read()
	if lost := conns.Lost(ctx); err == nil && lost > 0 { // all of them must still be there
		err = fmt.Errorf("%d connections were lost", lost)
	}
	return memory, err
}

// memoryOf is the memory of each group.
func memoryOf(groups []Group) ([]subject.Memory, error) {
	sums := make([]subject.Memory, len(groups))
	for i, g := range groups {
		for _, pid := range g.PIDs {
			m, err := subject.MemoryOf(pid)
			if err != nil {
				return nil, err
			}
			sums[i] = sums[i].Add(m)
		}
	}
	return sums, nil
}

// PrintFootprints writes a table, nothing without any. w is a tabwriter.
func PrintFootprints(w io.Writer, prints []Footprint) {
	if len(prints) == 0 {
		return
	}
	fmt.Fprintf(w, "front, %d idle connections\tprocess\tresident MB\tits own\twithout connections\tits own\tgrowth\taim\t\n", prints[0].Connections)
	for _, p := range prints {
		fmt.Fprintf(w, "%s\t%s (%d)\t%s\t%s\t%s\t%s\t\n", p.Way, p.Name, len(p.PIDs), megabytes(p.After), megabytes(p.Before),
			inMB(p.After.Own-p.Before.Own), p.Aim)
	}
	fmt.Fprintln(w)
}

// megabytes are two cells: what is resident, and what of it is the process's own (RssAnon).
func megabytes(m subject.Memory) string { return inMB(m.Resident) + "\t" + inMB(m.Own) }

func inMB(kB int) string { return fmt.Sprintf("%.1f", float64(kB)/1024) }
