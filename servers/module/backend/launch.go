package backend

import (
	"context"
	"errors"
	"io"
	"math"
	"net/netip"
	"time"

	"github.com/gorun-dev/gorun/internal/process"
)

// launched is a program that was started, ready or not. Its goroutines: one waits for its end, and those of its output.
// All have ended when finish returns. While a slow one is kept, another tells so; awaitReady waits for it.
type launched struct {
	tree   *process.Tree
	port   uint16 // of its hosting; 0 where that has none
	output *output
	began  time.Time
	life   context.Context // done when nothing is left; what follows is set by then
	end    context.CancelFunc

	status process.Status
	lasted time.Duration
	left   error // a *process.LeftError
}

// errStartLimit is the cause of the end of a start that took too long.
var errStartLimit = errors.New("the startup time limit is over")

// launch starts a process for a slot, with as many attempts as it may take. The error is a *StartError, or why no process
// is wanted any more. slow is called when the process is kept although its time is over, and launch goes on.
func (g *generation) launch(slot int, slow func(*StartError)) (l *launched, hosting Hosting, err error) {
	hosting = g.Host(slot)
	failed := &StartError{Program: g.Name}
	for left := g.Attempts - 1; ; left-- {
		a := g.attempt(hosting, slow)
		if a.Err == nil {
			return a.launched, hosting, nil
		}
		if a.launched != nil {
			g.exited(a.launched)
		}
		if g.ctx.Err() != nil {
			err = context.Cause(g.ctx)
			break
		}
		if a.kept { // which was told as a start that failed
			g.crashed(a.launched)
			err = errAgain
			break
		}
		failed.add(a)
		g.attemptFailed(a, left)
		if left == 0 || !a.worthRepeating() {
			g.startFailed(failed)
			err = failed
			break
		}
	}
	if closer, ok := hosting.(io.Closer); ok {
		_ = closer.Close()
	}
	return nil, nil, err
}

// attempt is one attempt to start. Nothing is left of one that fails.
func (g *generation) attempt(hosting Hosting, slow func(*StartError)) *Attempt {
	a := &Attempt{Stage: StageCommand}
	begun := time.Now()
	defer func() { a.Duration = time.Since(begun) }()
	spec, err := g.Command(g.ctx)
	if a.Err = err; err != nil {
		return a
	}
	a.Path, a.Stage = spec.Path, StagePrepare
	if a.Err = hosting.Prepare(&spec); a.Err != nil {
		return a
	}
	a.Port = portOf(hosting)
	if a.Err = g.alone(hosting); a.Err != nil {
		return a
	}
	a.Stage = StageStart
	if a.launched, a.Err = g.start(spec, a.Port); a.Err != nil {
		return a
	}
	a.PID, a.Stage = a.launched.tree.PID(), StageReady
	if a.Err = g.awaitReady(hosting, a, slow); a.Err != nil {
		a.giveUp(g.StopSignal)
		return a
	}
	g.ready(a.launched)
	return a
}

// alone waits for the processes of before a Recycle where they keep this one from starting.
func (g *generation) alone(hosting Hosting) error {
	if h, ok := hosting.(interface{ Alone() bool }); !ok || !h.Alone() {
		return nil
	}
	for before := g.before; before != nil; before = before.before {
		select {
		case <-before.gone:
		case <-g.ctx.Done():
			return context.Cause(g.ctx)
		}
	}
	return nil
}

// start runs the program of spec with its output in our hands.
func (g *generation) start(spec process.Spec, port uint16) (*launched, error) {
	out := &output{}
	if !g.NoOutput {
		var err error
		if out, err = newOutput(&spec, g.Stdout, g.Stderr); err != nil {
			return nil, err
		}
	}
	began := time.Now()
	tree, err := g.Start(spec)
	out.closeWriters()
	if err != nil {
		out.discard()
		return nil, err
	}
	l := &launched{tree: tree, port: port, output: out, began: began}
	l.life, l.end = context.WithCancel(context.Background())
	if !g.NoOutput && g.Log.Enabled {
		out.log = g.Log.create(began, tree.PID(), func(err error) { g.logFailed(l, err) })
	}
	out.run()
	g.started(l)
	go l.wait()
	return l, nil
}

// wait waits for the end.
func (l *launched) wait() {
	l.status, l.left = l.tree.Wait()
	l.lasted = time.Since(l.began)
	l.end()
}

// ended reports whether nothing is left.
func (l *launched) ended() bool { return l.life.Err() != nil }

// finish waits for the end and for all output.
func (l *launched) finish() {
	<-l.life.Done()
	l.output.finish()
}

// awaitReady waits until the hosting says that the program is ready.
func (g *generation) awaitReady(hosting Hosting, a *Attempt, slow func(*StartError)) error {
	ctx, cancel := context.WithCancelCause(g.ctx)
	defer cancel(nil)
	limit := g.startupLimit()
	if g.KeepSlow {
		defer g.keepSlow(a, limit, slow)()
	} else {
		timer := time.AfterFunc(limit, func() { cancel(errStartLimit) })
		defer timer.Stop()
	}
	defer context.AfterFunc(a.launched.life, func() { cancel(errEnded) })()
	err := hosting.Ready(ctx, a.launched.tree)
	cause := context.Cause(ctx)
	a.Ended = a.launched.ended()
	switch {
	case a.Ended:
		return &ExitError{Status: a.launched.status, After: a.launched.lasted, Err: reason(err)}
	case err != nil && cause == errStartLimit:
		a.TimedOut = true
		return &TimeoutError{Limit: limit, Err: reason(err)}
	}
	return err
}

// keepSlow has slow told when the limit is over, and the program go on. The function that it returns ends that, and waits for it.
func (g *generation) keepSlow(a *Attempt, limit time.Duration, slow func(*StartError)) (end func()) {
	late := *a
	late.Err, late.TimedOut, late.Duration = &TimeoutError{Limit: limit}, true, limit
	timer, decided, done := time.NewTimer(limit), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-timer.C:
			failed := &StartError{Program: g.Name}
			failed.add(&late)
			g.attemptFailed(&late, 0)
			g.startFailed(failed)
			a.kept = true
			slow(failed)
		case <-decided:
		}
	}()
	return func() {
		timer.Stop()
		close(decided)
		<-done
	}
}

// errEnded is the cause when the program has ended before it was ready.
var errEnded = errors.New("the program has ended")

// reason is what a hosting says of why the program did not get ready, nil when it only says that its time was over.
func reason(err error) error {
	if err == errStartLimit || err == errEnded || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

func (o *Options) startupLimit() time.Duration {
	if o.NoLimits {
		return math.MaxInt64
	}
	return max(o.StartupTimeLimit, 0)
}

func (o *Options) shutdownLimit() time.Duration {
	if o.NoLimits {
		return math.MaxInt64
	}
	return max(o.ShutdownTimeLimit, 0)
}

// portOf is the port of a hosting that has an address.
func portOf(hosting Hosting) uint16 {
	if h, ok := hosting.(interface{ Addr() netip.AddrPort }); ok {
		return h.Addr().Port()
	}
	return 0
}
