package backend

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/internal/process"
)

// StartError says that the program did not get ready, and has all that a page tells about it.
type StartError struct {
	Program  string     // its short name
	Attempts []*Attempt // at least one
	Err      error      // the last attempt's

	// Ended says that the program of the last attempt ended by itself. ExitCode is its exit code then, as a shell gives
	// it, and Signal what ended it, such as "SIGKILL", or "".
	Ended    bool
	ExitCode int
	Signal   string

	TimedOut bool // the StartupTimeLimit was over

	// Late is nil, but for a process that goes on although its time is over (Options.KeepSlow): then it is closed when the
	// process has become ready, or has ended.
	Late <-chan struct{}

	// Output is what the last attempt's program wrote first, stdout and stderr as they came, at most MaxOutput
	// characters; LastLines is what it wrote last, at most MaxLines.
	Output    string
	LastLines []string
}

// Stage is how far an attempt got.
type Stage string

// The stages, in their order.
const (
	StageCommand Stage = "command" // what to start was looked for
	StagePrepare Stage = "prepare" // Hosting.Prepare: a port was chosen
	StageStart   Stage = "start"   // the system was to start it
	StageReady   Stage = "ready"   // it ran, and was to get ready
)

// Attempt is one attempt to start.
type Attempt struct {
	Stage    Stage
	Path     string // the program; "" in StageCommand
	Port     uint16 // where it was to listen; 0 where the hosting has no port
	PID      int    // 0 before StageReady
	Duration time.Duration
	Err      error // why it failed
	Ended    bool  // the program ended by itself
	TimedOut bool  // the StartupTimeLimit was over

	launched *launched
	kept     bool // though its time was over
}

// worthRepeating is false where the next attempt would fail in the same way: nothing could be started, or trying again
// would double the time that was the limit. The reference tries again there too (servers.md, 1.4).
func (a *Attempt) worthRepeating() bool {
	return a.launched != nil && !a.TimedOut && !isCritical(a.Err) || a.Stage == StagePrepare && !isCritical(a.Err)
}

// giveUp ends a program that did not get ready: it has as long as what a program leaves behind.
func (a *Attempt) giveUp(signal os.Signal) {
	l := a.launched
	if !l.ended() {
		_ = l.tree.Signal(signal)
		timer := time.AfterFunc(process.Grace, func() { _ = l.tree.Kill() })
		defer timer.Stop()
	}
	l.finish()
}

func (e *StartError) add(a *Attempt) {
	e.Attempts = append(e.Attempts, a)
	e.Err, e.Ended, e.TimedOut = a.Err, a.Ended, a.TimedOut
	e.ExitCode, e.Signal, e.Output, e.LastLines = 0, "", "", nil
	if a.launched == nil {
		return
	}
	e.Output, e.LastLines = a.launched.output.head(), a.launched.output.tail()
	if a.Ended {
		e.ExitCode = a.launched.status.ExitCode()
		e.Signal = signalOf(a.launched.status)
	}
}

// signalOf names the signal that ended a program, or is "".
func signalOf(status process.Status) string {
	if sig := status.Signal(); sig != 0 {
		return signalName(sig)
	}
	return ""
}

func (e *StartError) Error() string {
	text := fmt.Sprintf("%s did not start: %v", e.Program, e.Err)
	if n := len(e.Attempts); n > 1 {
		text += fmt.Sprintf(" (attempt %d)", n)
	}
	return text
}

func (e *StartError) Unwrap() error { return e.Err }

// Hint says what to do about it, or is empty.
func (e *StartError) Hint() string { return hint(e.Err) }

func hint(err error) string {
	var hinting interface{ Hint() string }
	if err != nil && errors.As(err, &hinting) {
		return hinting.Hint()
	}
	return ""
}

// ExitError says that the program ended before it was ready.
type ExitError struct {
	Status process.Status
	After  time.Duration // from its start
	Err    error         // what the hosting has noticed; may be nil
}

func (e *ExitError) Error() string {
	verb := "ended with"
	if e.Status.Signal() != 0 {
		verb = "was"
	}
	text := fmt.Sprintf("it %s %v after %v, before it was ready", verb, e.Status, e.After.Round(time.Millisecond))
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *ExitError) Unwrap() error { return e.Err }

// Hint says where to look.
func (e *ExitError) Hint() string {
	if text := hint(e.Err); text != "" {
		return text
	}
	return "its output says why, or start it by itself to see"
}

// TimeoutError says that the program was not ready when the StartupTimeLimit was over.
type TimeoutError struct {
	Limit time.Duration
	Err   error // what the hosting knows; may be nil
}

func (e *TimeoutError) Error() string {
	text := fmt.Sprintf("it was not ready after %v", e.Limit)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *TimeoutError) Unwrap() error { return e.Err }

// Hint says what may help.
func (e *TimeoutError) Hint() string {
	return strings.TrimPrefix(hint(e.Err)+"; a larger startupTimeLimit gives it more time", "; ")
}
