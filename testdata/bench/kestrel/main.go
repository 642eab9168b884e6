// Command kestrel measures the server that apps get from package servers against net/http with the same handler: two
// whole processes, ours run by servers.Run with every limit on, the bare one an http.Server with nothing set but its
// handler. Both are this program started again.
//
// The two take turns: ours, bare, bare, ours and so on. Each pair of runs gives a ratio, ours over bare, and the table has
// the median of these and their quartiles; below 1 ours answers fewer requests, or takes less memory. An answer that is
// an error makes the command fail, and so do servers that do not answer alike.
//
// Load comes over loopback from wrk (Debian package wrk) and h2load (nghttp2-client), without pipelining. In two
// scenarios the client is this program: handshakes, where each request has a connection and a full handshake of its own,
// and idle, which reads the servers' memory a quiet second after each of many connections has had one request. What
// idle prints is for Linux, and so are both tools.
//
// Arguments choose among the scenarios: plaintext, json, post, files, https, handshakes, h2, h2c, idle.
//
//	go run ./testdata/bench/kestrel -pairs 15 -seconds 3 plaintext json
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == serveCommand {
		exit(serve(os.Args[2:]))
	}
	var b bench
	flag.IntVar(&b.pairs, "pairs", 15, "how often each server is run in each scenario")
	flag.IntVar(&b.seconds, "seconds", 3, "how long each run takes")
	flag.IntVar(&b.idle, "idle", 10_000, "how many connections are idle")
	flag.StringVar(&b.profiles, "profile", "", "a folder for CPU profiles of both servers in the scenario plaintext")
	flag.Parse()
	// A second signal is not caught: it ends the process, and the servers end when their stdin does.
	ctx, uncatch := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, uncatch)
	exit(b.run(ctx, flag.Args()))
}

// exit ends the process, with a message when there is an error.
func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "kestrel:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// bench is one run of everything.
type bench struct {
	pairs, seconds, idle int
	profiles             string // a folder, "" for none

	dir     string // for everything else that is written
	program string // this one
	trust   subject.Trust
}

// run measures the scenarios with these names, all without any, and prints the table of what could be measured.
func (b *bench) run(ctx context.Context, names []string) (err error) {
	if err := b.check(); err != nil {
		return err
	}
	chosen, err := choose(scenarios(), names)
	if err != nil {
		return err
	}
	if err := findTools(chosen); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "gorun-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if err := b.prepare(); err != nil {
		return err
	}
	results, err := b.measureAll(ctx, chosen)
	if len(results) == 0 {
		return err
	}
	return errors.Join(err, b.print(os.Stdout, results))
}

// check looks at the flags.
func (b *bench) check() error {
	if b.pairs < 1 || b.seconds < 1 || b.idle < 1 {
		return errors.New("-pairs, -seconds and -idle are numbers from 1 up")
	}
	if b.profiles == "" {
		return nil
	}
	return os.MkdirAll(b.profiles, 0o755)
}

// prepare makes what servers and tools read: the certificate, the file to serve, the script for wrk.
func (b *bench) prepare() (err error) {
	if b.program, err = os.Executable(); err != nil {
		return err
	}
	if b.trust, err = subject.MakeCertificate(b.dir); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.dir, servedFile), servedText(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.dir, postScript), []byte(load.PostScript), 0o644)
}

// measureAll measures one scenario after the other, and goes on after one that fails unless it was interrupted.
func (b *bench) measureAll(ctx context.Context, chosen []scenario) ([]result, error) {
	var results []result
	var errs []error
	for _, s := range chosen {
		r, err := b.measure(ctx, s)
		if ctx.Err() != nil {
			return results, errors.Join(append(errs, errors.New("interrupted"))...)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
		}
		if r.skipped != "" || len(r.Measured) > 0 {
			results = append(results, r)
		}
	}
	return results, errors.Join(errs...)
}
