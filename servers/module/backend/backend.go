// Package backend keeps the processes behind the front of the ASP.NET Core Module: it starts one when the first request
// wants it, knows when it is ready, notices its end, starts it anew unless that happens too often, carries its output,
// and stops it (reference: servers.md, 1.3, 1.4, 1.5, 1.9, 1.10). How a process gets its requests is a Hosting's
// business; OutOfProcess, a private port on 127.0.0.1, is the one that is here.
//
// It passes no request on, listens on no public address, reads no settings, decides nothing that its Options decide,
// and makes no error pages: a StartError carries what one tells. It has no state of its own.
//
// A Pool and a Process may be used by several goroutines at once. Each process that is started is followed by one
// goroutine from its start to its end; that one alone decides about it. Pool.Stop waits for all of them.
package backend

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/process"
)

// Hosting says how one process gets its requests. Its methods are called by one goroutine at a time: for each attempt
// to start Prepare and then Ready, and Ask when the process that became ready is to stop.
//
// More methods count where a Hosting has them. Close() error of io.Closer is called once, when nothing of the process is
// left. Deaf(*process.Tree) bool, from any goroutine, is what Process.Failed asks: whether the process that was ready
// surely cannot be reached any more. Leaving() <-chan struct{}, after Ready, is closed when the process has begun to stop by
// its own will. Alone() bool, after Prepare, says that the process cannot start while one of before a Recycle runs,
// because both need the same port.
type Hosting interface {
	// Prepare completes spec (environment, files) before one attempt to start, with what is new for each attempt. An
	// error with the method Critical() bool that gives true is not tried again.
	Prepare(spec *process.Spec) error
	// Ready returns nil when the process that was started may be given requests, and why it never will otherwise.
	// It returns soon after ctx is done (the limit is over, the process has ended), and then it may just give
	// context.Cause(ctx): how the process ended is told by others.
	Ready(ctx context.Context, tree *process.Tree) error
	// Ask asks the process to stop by the hosting's own way; an error means: use a signal. ctx ends when half of the
	// ShutdownTimeLimit is over, or the process has ended.
	Ask(ctx context.Context, tree *process.Tree) error
}

// Options are what a Pool needs to know. Command and Host must be set.
type Options struct {
	Name string // the program's short name, for people

	// Command says what to start: Path, Args, Dir and Env as the plan has them; Stdin is the null device. It is called
	// before each attempt, and may look for the program or build it. Its error is the StartError's, and is not tried again.
	Command func(context.Context) (process.Spec, error)
	Start   func(process.Spec) (*process.Tree, error) // nil is process.Start
	Host    func(slot int) Hosting                    // a new Hosting for each process; slots count from 0

	Processes int // how many to keep; requests go round. Less than 1 is 1
	Attempts  int // how often one Get tries to start: 2 out-of-process, 1 in-process (1.4). Less than 1 is 1

	// StartupTimeLimit is what one attempt has until the process is ready. ShutdownTimeLimit is what a process has from
	// the wish to stop until it is killed. 0 is no time at all, as in the reference (1.1).
	StartupTimeLimit, ShutdownTimeLimit time.Duration
	NoLimits                            bool // lifts both: a debugger is attached (1.5)
	// KeepSlow lets a process be that is not ready when the StartupTimeLimit is over. Get fails with the same *StartError from
	// then on, until the process has become ready after all, or has ended; there is no other attempt. It is the handler setting
	// suppressRecycleOnStartupTimeout (1.2).
	KeepSlow bool

	// RapidFailsPerMinute is how often processes may crash or fail to start within a minute; one more, and none is
	// started until the minute is over (1.5). Less than 0 is no limit.
	RapidFailsPerMinute int

	// Stdout and Stderr get the program's output as it comes, one Write for each chunk, never two at once to the same
	// stream; nil is nobody. One that blocks holds up the program, as a terminal does, and in the end Pool.Stop.
	Stdout, Stderr io.Writer
	// NoOutput starts the program with the null device in their place: nothing is shown, kept for errors or logged. It is
	// the handler setting enableOutOfProcessConsoleRedirection=false (1.2).
	NoOutput bool
	Log      StdoutLog

	StopSignal os.Signal    // asks where Ask fails; nil is SIGTERM (Ctrl+Break on Windows)
	Emit       event.Emit   // hears what happens; may be nil
	Logger     *slog.Logger // hears what the reference writes to the event log (1.11); nil is nobody
}

// ErrStopping is the error of Get once Stop was called.
var ErrStopping = errors.New("the application is stopping")

// completed is o with its defaults in place.
func (o Options) completed() Options {
	if o.Start == nil {
		o.Start = process.Start
	}
	o.Processes = max(o.Processes, 1)
	o.Attempts = max(o.Attempts, 1)
	if o.StopSignal == nil {
		o.StopSignal = stopSignal
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// isCritical reports whether an error says that trying again is no use.
func isCritical(err error) bool {
	var critical interface{ Critical() bool }
	return errors.As(err, &critical) && critical.Critical()
}
