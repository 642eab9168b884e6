package backend

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/event"
)

// What happens is told twice: as events to gorun's own watchers, and as the lines that the reference writes to the event
// log (servers.md, 1.11) to the logger.

func (g *generation) started(l *launched) {
	g.Emit.Tell(event.Event{Kind: event.ProcessStarted, Program: g.Name, PID: l.tree.PID()})
}

func (g *generation) ready(l *launched) {
	g.Logger.Info("process started successfully and is ready", g.of(l)...)
	g.Emit.Tell(event.Event{Kind: event.ProcessReady, Program: g.Name, PID: l.tree.PID(), Duration: milliseconds(time.Since(l.began))})
}

// of is a process as attributes.
func (g *generation) of(l *launched) []any {
	attrs := []any{slog.String("program", g.Name), slog.Int("pid", l.tree.PID())}
	if l.port != 0 {
		attrs = append(attrs, slog.Int("port", int(l.port)))
	}
	return attrs
}

func (g *generation) attemptFailed(a *Attempt, left int) {
	g.Logger.Warn("an attempt to start the process failed", slog.String("program", g.Name), slog.String("stage", string(a.Stage)),
		slog.Int("pid", a.PID), slog.Int("port", int(a.Port)), slog.Any("error", a.Err), slog.Int("attemptsLeft", left))
}

func (g *generation) startFailed(e *StartError) {
	g.Logger.Error("the process failed to start", slog.String("program", g.Name), slog.Any("error", e.Err),
		slog.String("hint", e.Hint()), slog.String("output", e.Output))
	var reasons []string
	for _, a := range e.Attempts {
		reasons = append(reasons, a.Err.Error())
	}
	g.Emit.Tell(event.Event{Kind: event.StartFailed, Program: g.Name, Reasons: reasons, Text: e.Output})
}

func (g *generation) refused(err error) {
	if e, ok := errors.AsType[*RapidFailError](err); ok && e.first {
		g.Logger.Error(fmt.Sprintf("maximum rapid fail count per minute of %d exceeded", e.Limit), "program", g.Name, "until", e.Until)
		g.warn(diagnostic.Diagnostic{Code: "rapid-fails", Message: e.Error(), Suggestion: e.Hint()})
	}
}

func (g *generation) crashed(l *launched) {
	g.Logger.Warn("process ended by itself", append(g.of(l), slog.String("status", l.status.String()))...)
	verb := "it ended with "
	if l.status.Signal() != 0 {
		verb = "it was "
	}
	g.restarting(l, verb+l.status.String())
}

func (g *generation) deaf(l *launched) {
	g.Logger.Warn("process does not listen any more, and is replaced", g.of(l)...)
	g.restarting(l, "it does not listen any more")
}

func (g *generation) leaves(l *launched) {
	g.Logger.Info("process stops by its own will", g.of(l)...)
	g.restarting(l, "it stops by its own will")
}

// restarting says that the next request starts another process.
func (g *generation) restarting(l *launched, why string) {
	g.Emit.Tell(event.Event{Kind: event.Restarting, Program: g.Name, PID: l.tree.PID(), Reasons: []string{why}})
}

// stopping says that the process was asked to stop, with a signal or, without one, by its hosting.
func (g *generation) stopping(l *launched, signal string) {
	g.Emit.Tell(event.Event{Kind: event.Stopping, Program: g.Name, PID: l.tree.PID(), Signal: signal})
}

func (g *generation) asked(l *launched) {
	g.Logger.Info("process was asked to stop", g.of(l)...)
}

func (g *generation) askFailed(l *launched, err error) {
	g.Logger.Info("process could not be asked to stop, and gets a signal", append(g.of(l), slog.Any("error", err))...)
}

// notGraceful has the reference's words.
func (g *generation) notGraceful(l *launched) {
	text := fmt.Sprintf("failed to gracefully shut down process %d", l.tree.PID())
	g.Logger.Warn(text, g.of(l)...)
	g.warn(diagnostic.Diagnostic{Code: "not-graceful", Message: fmt.Sprintf("%s (%s) within %v", text, g.Name, g.ShutdownTimeLimit),
		Suggestion: "a larger shutdownTimeLimit gives its requests more time"})
}

func (g *generation) killing(*launched) {
	g.Emit.Tell(event.Event{Kind: event.Killing, Program: g.Name})
}

func (g *generation) exited(l *launched) {
	g.Logger.Info("process was shut down", append(g.of(l), slog.String("status", l.status.String()))...)
	code := l.status.ExitCode()
	g.Emit.Tell(event.Event{Kind: event.ProcessExited, Program: g.Name, PID: l.tree.PID(), ExitCode: &code,
		Signal: signalOf(l.status), Duration: milliseconds(l.lasted)})
}

func (g *generation) logFailed(l *launched, err error) {
	g.Logger.Warn("the stdout log could not be written", append(g.of(l), slog.Any("error", err))...)
	g.warn(diagnostic.Diagnostic{Code: "stdout-log", Message: "the output of " + g.Name + " is not logged: " + err.Error(),
		Suggestion: "check stdoutLogFile, or set stdoutLogEnabled to false"})
}

func (g *generation) warn(d diagnostic.Diagnostic) {
	d.Severity = diagnostic.Warning
	g.Emit.Tell(event.Event{Kind: event.Warned, Program: g.Name, Diagnostics: []diagnostic.Diagnostic{d}})
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
