// Command httpsys measures what it costs an app to share its port, in whole processes: the real gorun with profiles whose server
// is httpsys, and the broker that it starts by itself, against the same app listening alone, and against nginx in front of
// several of them. The app is one program, built once.
//
// In each row two ways take turns: one, the other, the other, one and so on. Each pair of runs gives a ratio, and the table has
// the median of these and their quartiles, beside the aim. An answer that is an error makes the command fail, and so do ways that
// do not answer alike. Load comes over loopback from wrk (Debian package wrk) without pipelining. nginx is the system's, with a
// configuration that is as quick as can be, connections to the apps kept.
//
// The scenario idle has a table of its own: the memory of the broker, and of gorun and the app, with many idle connections that the
// broker has handed over (Linux).
//
// The broker's folder is one of this command's own. Its process comes of gorun's, which is this command's child: it ends with
// that, in whatever way this command ends.
//
// It is to be run in the repository. Arguments choose among the scenarios, which scenarios.go lists.
//
//	go run ./testdata/bench/httpsys -pairs 15 -seconds 3 keep-alive connection
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
	var b bench
	flag.IntVar(&b.pairs, "pairs", 15, "how often each of two is run in each scenario")
	flag.IntVar(&b.seconds, "seconds", 3, "how long each run takes")
	flag.IntVar(&b.idle, "idle", 10000, "how many connections are idle")
	flag.Parse()
	// A second signal is not caught: it ends the process, and what it has started ends with it.
	ctx, uncatch := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, uncatch)
	if err := b.run(ctx, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "httpsys:", err)
		os.Exit(1)
	}
}

// bench is one run of everything.
type bench struct {
	pairs, seconds, idle int

	dir   string // for everything that is built and written
	own   string // for what gorun writes and where the broker is; below dir
	gorun string // the launcher
	app   string // the app, built
	nginx reverseproxy.Program
	trust subject.Trust
}

// run measures the scenarios with these names, all without any, and prints the tables of what could be measured.
func (b *bench) run(ctx context.Context, names []string) (err error) {
	if b.pairs < 1 || b.seconds < 1 || b.idle < 1 {
		return errors.New("-pairs, -seconds and -idle are numbers from 1 up")
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
	return errors.Join(err, b.stopBroker(), r.print(os.Stdout, b.seconds))
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
