// Command start measures what gorun adds to the start of a program, in whole processes that are run in turns: the
// built binary alone, gorun, go run, and go build && ./app, with nothing changed and after edits. The programs are a
// hello that links net/http, this module's own gorun, and a generated module of 2,000 files, all of them copies in a
// temporary folder. It also prints what waiting costs in memory.
//
// It is to be run in the module's root. Arguments choose among the programs: hello, gorun, large.
//
//	go run ./testdata/bench/start -n 41 -edits 9
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

func main() {
	var b bench
	flag.IntVar(&b.rounds, "n", 31, "how often each command is run with nothing changed")
	flag.IntVar(&b.edits, "edits", 5, "how often each command is run after an edit")
	flag.Parse()
	b.chosen = flag.Args()
	if err := b.run(); err != nil {
		fmt.Fprintln(os.Stderr, "start:", err)
		os.Exit(1)
	}
}

// bench is one run of everything.
type bench struct {
	rounds, edits int
	chosen        []string // names of programs; none means all

	dir   string // for everything that is written
	gorun string // the launcher
}

func (b *bench) run() (err error) {
	if b.dir, err = os.MkdirTemp("", "gorun-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	os.Setenv("GORUN_CACHE", filepath.Join(b.dir, "cache"))
	os.Setenv("GORUN_RUN_DIR", filepath.Join(b.dir, "run"))
	b.gorun = filepath.Join(b.dir, "gorun")
	if err := subject.BuildLauncher(b.gorun); err != nil {
		return err
	}
	for _, p := range programs {
		if len(b.chosen) > 0 && !slices.Contains(b.chosen, p.name) {
			continue
		}
		if err := b.measure(p); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return printMemory(b.gorun)
}

// measure prints the tables of one program.
func (b *bench) measure(p program) error {
	p.dir = filepath.Join(b.dir, "programs", p.name)
	if err := p.create(p.dir); err != nil {
		return err
	}
	commands, err := b.unchanged(p)
	if err != nil {
		return err
	}
	if err := b.compare(table{p.name + ", nothing changed", "bare"}, commands, b.rounds, nil); err != nil {
		return err
	}
	if b.edits == 0 {
		return nil
	}
	for _, what := range p.edits() {
		if err := b.compare(table{p.name + ", " + what.name, "go build"}, b.edited(p), b.edits, what); err != nil {
			return fmt.Errorf("%s: %w", what.name, err)
		}
	}
	return nil
}
