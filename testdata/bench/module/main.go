// Command module measures gorun as a front with the ASP.NET Core Module's ways, in whole processes: the real gorun with an
// IISExpress profile, in-process and out-of-process, against the same app without a front, behind nginx, and behind net/http's
// ReverseProxy with a tuned transport. The app is one program, built once; behind a front it has the module's pairing, so that
// each front adds the same three fields.
//
// In each row two of them take turns: one, the other, the other, one and so on. Each pair of runs gives a ratio, and the table
// has the median of these and their quartiles, beside the aim. An answer that is an error makes the command fail, and so do
// servers that do not answer alike. Load comes over loopback from wrk (Debian package wrk) without pipelining. nginx is the
// system's, with a configuration that is as quick as can be and does the same work.
//
// Two scenarios have tables of their own: idle, the memory of each front's processes with many idle connections (Linux), and
// cold, how much later than from the app itself the first byte comes when the first request starts the app.
//
// It is to be run in the repository. Arguments choose among the scenarios, which scenarios.go lists.
//
//	go run ./testdata/bench/module -pairs 15 -seconds 3 in-process out-of-process
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/gorun-dev/gorun/servers/reverseproxy"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == proxyCommand {
		exit(proxy(os.Args[2:]))
	}
	var b bench
	flag.IntVar(&b.pairs, "pairs", 15, "how often each of two is run in each scenario")
	flag.IntVar(&b.seconds, "seconds", 3, "how long each run takes")
	flag.IntVar(&b.cold, "cold", 15, "how often the app is started cold in each way")
	flag.IntVar(&b.idle, "idle", 1000, "how many connections are idle")
	flag.Parse()
	// A second signal is not caught: it ends the process, and what it has started ends with it.
	ctx, uncatch := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, uncatch)
	exit(b.run(ctx, flag.Args()))
}

// exit ends the process, with a message when there is an error.
func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "module:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// bench is one run of everything.
type bench struct {
	pairs, seconds, cold, idle int

	dir     string // for everything that is written
	program string // this one
	gorun   string // the launcher
	app     string // the app, built
	source  string // the folder that it was built from
	nginx   reverseproxy.Program
	trust   subject.Trust
}

// run measures the scenarios with these names, all without any, and prints the tables of what could be measured.
func (b *bench) run(ctx context.Context, names []string) (err error) {
	if b.pairs < 1 || b.seconds < 1 || b.cold < 1 || b.idle < 1 {
		return errors.New("-pairs, -seconds, -cold and -idle are numbers from 1 up")
	}
	chosen, err := choose(names)
	if err != nil {
		return err
	}
	if err := b.findTools(ctx, chosen); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "gorun-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	r, err := b.measureAll(ctx, chosen)
	return errors.Join(err, b.print(os.Stdout, r))
}

// measureAll measures one scenario after the other, and goes on after one that fails unless it was interrupted.
func (b *bench) measureAll(ctx context.Context, chosen []scenario) (r report, _ error) {
	var errs []error
	for _, s := range chosen {
		err := s.measure(ctx, b, &r)
		if ctx.Err() != nil {
			return r, errors.Join(append(errs, errors.New("interrupted"))...)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	return r, errors.Join(errs...)
}
