package host

import (
	"context"
	"errors"
	"time"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/process"
)

// stay waits for the program and hands on signals. It owns three goroutines, which end before it returns: one waits
// for the tree, one looks for the endpoints, and this one has the say over stopping.
func (h *host) stay(ctx context.Context, tree *process.Tree, record *record) Result {
	started := time.Now()
	h.Emit.Tell(event.Event{Kind: event.ProcessStarted, Program: h.name, PID: tree.PID()})

	type ending struct {
		status process.Status
		err    error
	}
	ended := make(chan ending, 1)
	go func() {
		status, err := tree.Wait()
		ended <- ending{status, err}
	}()
	watch := h.watch(ctx, tree, record)
	stopping := &stopping{host: h, tree: tree, record: record}
	defer stopping.timer.stop()

	asked := ctx.Done()
	for {
		select {
		case sig := <-h.Signals:
			stopping.signal(sig)
		case <-asked:
			asked = nil
			stopping.cancelled()
		case <-stopping.timer.c:
			stopping.kill()
		case end := <-ended:
			// Ctrl+C reaches the program as soon as gorun: it may have ended before gorun looked.
			stopped := stopping.asked || h.waitingSignal() != nil
			result := Result{Status: end.status, Duration: time.Since(started), Stopped: stopped, NotReady: watch.stop()}
			h.warnLeft(end.err)
			h.tellExit(tree.PID(), result)
			return result
		}
	}
}

// warnLeft tells of processes that could not be ended: the program has run all the same, and its status counts.
func (h *host) warnLeft(err error) {
	if err == nil {
		return
	}
	d := diagnostic.Diagnostic{Code: "left", Message: err.Error()}
	if left, ok := errors.AsType[*process.LeftError](err); ok {
		d.Suggestion = left.Hint()
	}
	h.warn(d)
}

func (h *host) tellExit(pid int, r Result) {
	code := r.Status.ExitCode()
	h.Emit.Tell(event.Event{
		Kind: event.ProcessExited, Program: h.name, PID: pid, ExitCode: &code, Signal: endedBy(r.Status),
		Duration: milliseconds(r.Duration),
	})
}

// endedBy names the signal that ended a program, or is "".
func endedBy(s process.Status) string {
	if s.Signal() == 0 {
		return ""
	}
	return signalName(s.Signal())
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
