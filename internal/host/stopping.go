package host

import (
	"os"
	"syscall"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
)

const (
	// samePress is how close two SIGINTs are when they are one: npm, make and timeout pass a Ctrl+C on to a process
	// that the terminal has sent it to already. A person needs longer for two.
	samePress = 50 * time.Millisecond

	// hangupTime is how long the program may take when its terminal was closed, unless the plan says otherwise.
	hangupTime = 5 * time.Second
)

// stoppable is a process tree, or a front.
type stoppable interface {
	Signal(os.Signal) error
	Kill() error
}

// stopping is how far the program has been asked to end. Only the goroutine of stay uses it.
//
// What is done comes before what is told: whoever hears it may be slow.
type stopping struct {
	*host
	tree    stoppable
	record  *record
	asked   bool      // by any signal that ends a program
	told    os.Signal // with which one, as it was last told; nil before that
	killed  bool
	pressed time.Time // the last SIGINT
	timer   timer
}

// signal hands on a signal that gorun got. The tree sees to it that the program gets it once, also when the terminal
// has sent it to both.
func (s *stopping) signal(sig os.Signal) {
	switch sig {
	case os.Interrupt:
		s.interrupt(time.Now())
	case syscall.SIGTERM:
		s.ask(s.own(sig), 0)
	case syscall.SIGHUP:
		s.ask(s.own(sig), s.hangup)
	default:
		s.asked = s.asked || asksToStop(sig)
		_ = s.tree.Signal(sig) // it may have ended by now
	}
}

// interrupt is a SIGINT, which is always passed on as one: from a terminal the program has got it already.
func (s *stopping) interrupt(now time.Time) {
	again := !s.pressed.IsZero()
	if again && now.Sub(s.pressed) < samePress {
		return
	}
	s.pressed = now
	if again {
		s.kill()
		return
	}
	s.ask(os.Interrupt, 0)
}

// cancelled is the end of the context: whoever ended it waits, but does not stand at a terminal.
func (s *stopping) cancelled() { s.ask(s.own(syscall.SIGTERM), s.hangup) }

// own is the plan's signal to stop with, or else the given one. A front asks the program with the plan's by itself, and is not
// the one whom it is meant for.
func (s *stopping) own(sig os.Signal) os.Signal {
	if own, ok := stopSignals[s.plan.Stop.Signal.Value]; ok && !s.plan.Fronted() {
		return own
	}
	return sig
}

// ask asks the program to end, and kills it when the plan's time or else the given one (0 means no limit) is over.
// Each signal is told once: who presses Ctrl+C after a SIGTERM is to hear what a second press does.
func (s *stopping) ask(sig os.Signal, limit time.Duration) {
	if own := s.plan.Stop.Timeout.Value; own > 0 {
		limit = own
	}
	if limit > 0 && !s.killed {
		s.timer.start(limit)
	}
	_ = s.tree.Signal(sig) // it may have ended by now
	s.asked = true
	if s.told == sig || s.killed {
		return
	}
	if s.told == nil {
		s.record.stopping()
	}
	s.told = sig
	s.Emit.Tell(event.Event{Kind: event.Stopping, Program: s.name, Signal: signalName(sig)})
}

func (s *stopping) kill() {
	s.timer.stop()
	s.asked = true
	_ = s.tree.Kill() // what cannot be killed has ended
	if s.killed {
		return
	}
	s.killed = true
	s.Emit.Tell(event.Event{Kind: event.Killing, Program: s.name})
}

// timer is a time.Timer whose zero value has not been started.
type timer struct {
	t *time.Timer
	c <-chan time.Time
}

// start begins the time, unless it runs already: a second request to stop gives no more of it.
func (t *timer) start(d time.Duration) {
	if t.t == nil {
		t.t = time.NewTimer(d)
		t.c = t.t.C
	}
}

func (t *timer) stop() {
	if t.t != nil {
		t.t.Stop()
		t.t, t.c = nil, nil
	}
}

// asksToStop reports whether a signal ends gorun when nothing runs yet.
func asksToStop(sig os.Signal) bool {
	return sig == os.Interrupt || sig == syscall.SIGTERM || sig == syscall.SIGHUP || sig == syscall.SIGQUIT
}
