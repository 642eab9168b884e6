// Package host runs one Plan, from the build to the end of the program: it is the only place that joins the parts
// that build, start, watch and stop. What happens is told in Events; what the user must do something about is an
// error with a hint.
//
// It decides nothing that the Plan decides, and prints nothing. A call of Run owns all that it starts: when it
// returns, the program, its whole tree and Run's own goroutines have ended.
package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/gobuild"
	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/internal/runs"
	"github.com/gorun-dev/gorun/profiles"
	"github.com/gorun-dev/gorun/servers/httpsys/broker"
)

// Options are what Run needs beside the plan. Streams are handed to the program as they are.
type Options struct {
	Target   gobuild.Target // of a plan that builds
	CacheDir string         // where binaries are kept
	SpareDir string         // where they are kept when CacheDir cannot be written to; "" is nowhere
	NoBuild  bool           // start the binary that is there
	GoEnv    []string       // the environment of the go command
	From     string         // where the user stands, for paths in the compiler's messages
	RunDir   string         // where the record of this run is kept; "" keeps none

	Stdin, Stdout, Stderr *os.File
	Foreground            bool             // share the terminal's foreground group, see process.Spec
	Signals               <-chan os.Signal // what gorun is sent; Run passes it on and stops by it. Never closed

	Emit        event.Emit                                // hears what happens; may be nil
	OpenBrowser func(url string) error                    // nil opens none; it must not wait for the browser to end
	Broker      func(folder string) *broker.Launcher      // starts the broker through which programs share ports; nil: there must be one
	Start       func(process.Spec) (*process.Tree, error) // nil means process.Start
	Replan      func() (profiles.Plan, error)             // makes the plan anew when a file has changed while a front runs; nil: it never does
}

// Result is how the program ended.
type Result struct {
	Status   process.Status
	Duration time.Duration // from its start
	Stopped  bool          // whether it ended after it had been asked to, by a signal or the end of ctx
	NotReady []string      // addresses of the plan that it never listened on, as the plan has them
}

// Run builds what the plan says, starts it, and stays with it until it has ended and nothing is left of it.
//
// The first SIGINT asks the program to stop and the second kills its tree; SIGTERM and SIGHUP ask, with the plan's
// signal where it has one. What was asked is killed when the plan's time to stop is over; without one there is no
// limit, except that a program whose terminal is gone (SIGHUP) has 5 seconds. Other signals are passed on. The end of
// ctx is SIGTERM with the same 5 seconds.
//
// Errors mean that the program was not started: an *InterruptedError when a signal came that ends gorun, the cause
// of ctx when that ended, a *PortInUseError, a *StartError, what package gobuild returns or, of a plan that shares its
// ports, what the broker is missing.
func Run(ctx context.Context, plan profiles.Plan, options Options) (Result, error) {
	return newHost(plan, options).run(ctx)
}

// Exec builds what the plan says and replaces this process by the program. It returns only when that fails, with the
// errors of Run. Nothing watches the program then: no browser is opened, no record kept.
func Exec(ctx context.Context, plan profiles.Plan, options Options) error {
	h := newHost(plan, options)
	defer func() { h.sponsor.stop() }()
	spec, err := h.prepare(ctx)
	if err != nil {
		return err
	}
	return h.startError(process.Exec(spec))
}

// host is one call of Run. Its goroutines are those of build, and then those of stay.
type host struct {
	Options
	plan profiles.Plan
	name string // the program's short name

	sponsor *sponsor // nil for a plan that shares no ports

	hangup  time.Duration // see hangupTime
	waiting time.Duration // see firstTurn
}

func newHost(plan profiles.Plan, options Options) *host {
	if options.Start == nil {
		options.Start = process.Start
	}
	return &host{Options: options, plan: plan, name: programName(plan, options.Target), hangup: hangupTime, waiting: firstTurn}
}

func (h *host) run(ctx context.Context) (Result, error) {
	record := h.record()
	defer record.close()
	switch {
	case h.plan.Server.Value == "module":
		return h.runFront(ctx, record)
	case h.plan.Fronted():
		return h.runProxied(ctx, record)
	}
	defer func() { h.sponsor.stop() }()
	spec, err := h.prepare(ctx)
	if err != nil {
		return Result{}, err
	}
	tree, err := h.Start(spec)
	if err != nil {
		return Result{}, h.startError(err)
	}
	record.started(spec.Path, tree.PID(), !slices.ContainsFunc(h.plan.Endpoints, profiles.Endpoint.Wanted))
	return h.stay(ctx, tree, record), nil
}

// prepare does what comes before the start: it looks at the ports and builds.
func (h *host) prepare(ctx context.Context) (process.Spec, error) {
	var err error
	if h.sponsor, err = h.sponsored(ctx); err != nil {
		return process.Spec{}, err
	}
	if err := h.checkPorts(); err != nil {
		return process.Spec{}, err
	}
	path, err := h.binary(ctx)
	if err != nil {
		return process.Spec{}, err
	}
	if err := h.interrupted(ctx); err != nil {
		return process.Spec{}, err
	}
	return process.Spec{
		Path: path, Args: h.plan.Args.Value, Env: h.plan.Environ(), Dir: h.plan.Dir.Value,
		Stdin: h.Stdin, Stdout: h.Stdout, Stderr: h.Stderr, Foreground: h.Foreground,
	}, nil
}

// Build builds what the plan says and returns the path of the binary: of an Executable profile the program itself.
// Signals end it as they do in Run.
func Build(ctx context.Context, plan profiles.Plan, options Options) (string, error) {
	return newHost(plan, options).binary(ctx)
}

// BuildOptions are the plan's build as package gobuild takes it. goEnv is the environment of the go command and from
// the folder where the user stands.
func BuildOptions(plan profiles.Plan, goEnv []string, from string) gobuild.Options {
	return gobuild.Options{
		Configuration:     gobuild.Configuration(plan.Build.Configuration.Value),
		BuildFlags:        plan.Build.Flags.Value,
		DebugDependencies: plan.Build.DebugDependencies.Value,
		Env:               goEnv,
		From:              from,
	}
}

// binary returns the path of what is to be started, which is built unless it need not be. Where the cache cannot be
// written to, that is a warning, and the spare one is used.
func (h *host) binary(ctx context.Context) (string, error) {
	if !h.plan.Builds() {
		return h.plan.Program.Value, nil
	}
	out, err := h.binaryIn(ctx, h.CacheDir)
	cacheErr, _ := errors.AsType[*gobuild.CacheError](err)
	switch {
	case err == nil || h.SpareDir == "":
	case h.NoBuild:
		if spare, err := h.binaryIn(ctx, h.SpareDir); err == nil && runs.EnsureFolder(h.SpareDir) == nil {
			return spare, nil
		}
	case cacheErr != nil && cacheErr.ReadOnly() && runs.EnsureFolder(h.SpareDir) == nil:
		h.warn(diagnostic.Diagnostic{Code: "read-only-cache", Suggestion: cacheErr.Hint(),
			Message: fmt.Sprintf("%v; binaries are kept in %s instead", cacheErr, h.SpareDir)})
		return h.binaryIn(ctx, h.SpareDir)
	}
	return out, err
}

// binaryIn is binary for one cache.
func (h *host) binaryIn(ctx context.Context, cacheDir string) (string, error) {
	options := BuildOptions(h.plan, h.GoEnv, h.From)
	out := gobuild.Output(cacheDir, h.Target, options)
	if h.NoBuild {
		return out, gobuild.Built(h.Target, out)
	}
	return out, h.build(ctx, options, out)
}

// build makes the binary. A signal that would end gorun ends the build.
func (h *host) build(ctx context.Context, options gobuild.Options, out string) error {
	return h.unlessInterrupted(ctx, func(ctx context.Context) error {
		binary, err := gobuild.Build(ctx, h.Target, options, out, h.Emit)
		if err == nil {
			err = binary.Runnable()
		}
		return err
	})
}

// unlessInterrupted calls f, whose ctx ends with a signal that would end gorun.
func (h *host) unlessInterrupted(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	for {
		select {
		case sig := <-h.Signals:
			if asksToStop(sig) {
				cancel(&InterruptedError{Signal: sig})
			}
		case err := <-done:
			if interrupted, ok := context.Cause(ctx).(*InterruptedError); ok {
				return interrupted
			}
			return err
		}
	}
}

// interrupted is the error when something that ends gorun has come up to now. The program would be started only to
// be asked to stop, before it could hear that.
func (h *host) interrupted(ctx context.Context) error {
	if sig := h.waitingSignal(); sig != nil {
		return &InterruptedError{Signal: sig}
	}
	return context.Cause(ctx)
}

// waitingSignal takes all signals that are there already and returns the first that ends gorun, or nil.
func (h *host) waitingSignal() (first os.Signal) {
	for {
		select {
		case sig := <-h.Signals:
			if first == nil && asksToStop(sig) {
				first = sig
			}
		default:
			return first
		}
	}
}
