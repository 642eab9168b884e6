package host

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/internal/runs"
	"github.com/gorun-dev/gorun/profiles"
)

// listening begins a program on a free port and waits until it listens: by then it hears signals, or ignores them.
func listening(t *testing.T, role string, change func(*host), plans ...func(*profiles.Plan)) *running {
	t.Helper()
	plan := on(t, as(t, role, "tcp:127.0.0.1:0"), "http://127.0.0.1:0")
	for _, p := range plans {
		p(&plan)
	}
	r := begin(t, plan, change)
	r.next(event.EndpointReady)
	return r
}

// The program decides what it makes of the first Ctrl+C.
func TestFirstInterruptAsks(t *testing.T) {
	t.Parallel()
	r := listening(t, "tell", nil)
	r.signals <- os.Interrupt
	if e := r.next(event.Stopping); e.Signal != "SIGINT" {
		t.Errorf("event %+v", e)
	}
	if result := r.ended(64 + 2); !result.Stopped {
		t.Error("it was not asked to stop")
	}
	if r.count(event.Killing) > 0 {
		t.Error("it was killed")
	}
}

func TestSecondInterruptKills(t *testing.T) {
	t.Parallel()
	r := listening(t, "stubborn", nil)
	r.signals <- os.Interrupt
	r.next(event.Stopping)
	for r.count(event.Killing) == 0 { // a press that follows too soon does not count
		r.signals <- os.Interrupt
		select {
		case e := <-r.events:
			r.seen = append(r.seen, e)
		case <-time.After(5 * time.Millisecond):
		case <-r.done:
			t.Fatal("it ended by itself")
		}
	}
	result := r.ended(128 + 9)
	if !result.Stopped || r.count(event.Killing) != 1 || r.count(event.Stopping) != 1 {
		t.Errorf("%+v, events %v", result, r.kinds())
	}
	if last := r.seen[len(r.seen)-1]; last.Kind != event.ProcessExited || last.Signal != "SIGKILL" {
		t.Errorf("last event %+v", last)
	}
}

// Two SIGINTs at once are one press of Ctrl+C.
func TestSamePress(t *testing.T) {
	t.Parallel()
	plan := as(t, "stubborn")
	tree, err := process.Start(process.Spec{Path: plan.Program.Value, Args: plan.Args.Value, Env: plan.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	var kinds []event.Kind
	s := &stopping{host: newHost(plan, Options{Emit: func(e event.Event) { kinds = append(kinds, e.Kind) }}), tree: tree}
	now := time.Now()
	s.interrupt(now)
	s.interrupt(now.Add(samePress - 1))
	if len(kinds) != 1 || kinds[0] != event.Stopping {
		t.Errorf("after two signals at once: %v", kinds)
	}
	s.interrupt(now.Add(samePress))
	s.interrupt(now.Add(2 * samePress)) // there is nothing more to say
	if len(kinds) != 2 || kinds[1] != event.Killing {
		t.Errorf("after a second press: %v", kinds)
	}
	if status, err := tree.Wait(); err != nil {
		t.Error(status, err)
	}
}

// Ctrl+C after a SIGTERM is a first one: it says what a second one does.
func TestInterruptAfterTermination(t *testing.T) {
	t.Parallel()
	r := listening(t, "stubborn", func(h *host) { h.hangup = 30 * time.Millisecond })
	r.signals <- syscall.SIGTERM
	if e := r.next(event.Stopping); e.Signal != "SIGTERM" {
		t.Errorf("event %+v", e)
	}
	r.signals <- syscall.SIGTERM // says nothing new
	r.signals <- os.Interrupt
	if e := r.next(event.Stopping); e.Signal != "SIGINT" {
		t.Errorf("event %+v", e)
	}
	r.signals <- syscall.SIGHUP
	r.next(event.Killing)
	if result := r.ended(128 + 9); !result.Stopped || r.count(event.Stopping) != 3 {
		t.Errorf("%+v, events %v", result, r.kinds())
	}
}

func TestTermination(t *testing.T) {
	t.Parallel()
	r := listening(t, "tell", nil)
	r.signals <- syscall.SIGTERM
	r.ended(64 + 15)
}

func TestStopTimeout(t *testing.T) {
	t.Parallel()
	r := listening(t, "stubborn", nil, func(p *profiles.Plan) { p.Stop.Timeout.Value = 30 * time.Millisecond })
	r.signals <- syscall.SIGTERM
	r.next(event.Killing)
	r.ended(128 + 9)
}

// The plan's limit holds for Ctrl+C, and for a closed terminal, where it replaces gorun's own.
func TestStopTimeoutOfOtherSignals(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGHUP} {
		r := listening(t, "stubborn", func(h *host) { h.hangup = time.Hour }, func(p *profiles.Plan) { p.Stop.Timeout.Value = 30 * time.Millisecond })
		r.signals <- sig
		r.next(event.Killing)
		r.ended(128 + 9)
	}
}

func TestHangUpHasALimit(t *testing.T) {
	t.Parallel()
	r := listening(t, "stubborn", func(h *host) { h.hangup = 30 * time.Millisecond })
	r.signals <- syscall.SIGHUP
	if e := r.next(event.Stopping); e.Signal == "" {
		t.Errorf("event %+v", e)
	}
	r.next(event.Killing)
	r.ended(128 + 9)
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	r := listening(t, "tell", nil)
	r.cancel()
	if result := r.ended(64 + 15); !result.Stopped {
		t.Error("it was not asked to stop")
	}

	r = listening(t, "stubborn", func(h *host) { h.hangup = 30 * time.Millisecond })
	r.cancel()
	r.next(event.Killing)
	r.ended(128 + 9)
}

// A program that the terminal's Ctrl+C has ended before gorun looked was stopped, not broken.
func TestSignalThatComesWithTheEnd(t *testing.T) {
	t.Parallel()
	out, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	r := begin(t, as(t, "exit", "2"), func(h *host) {
		h.Stdout = write
		emit := h.Emit
		h.Emit = func(e event.Event) {
			if e.Kind == event.ProcessStarted { // nobody looks at signals before that is told
				write.Close()
				_, _ = out.Read(make([]byte, 1)) // the program has ended
				h.Signals = filled(os.Interrupt)
			}
			emit(e)
		}
	})
	if result := r.ended(2); !result.Stopped {
		t.Error("it was not asked to stop")
	}
}

func TestWaitingSignal(t *testing.T) {
	t.Parallel()
	harmless := syscall.Signal(28)
	for _, test := range []struct {
		there []os.Signal
		want  os.Signal
	}{
		{nil, nil},
		{[]os.Signal{harmless}, nil},
		{[]os.Signal{harmless, syscall.SIGTERM, os.Interrupt}, syscall.SIGTERM},
	} {
		h := newHost(as(t, ""), Options{Signals: filled(test.there...)})
		if got := h.waitingSignal(); got != test.want || len(h.Signals) > 0 {
			t.Errorf("%v: %v, and %d are left", test.there, got, len(h.Signals))
		}
	}
	if got := newHost(as(t, ""), Options{}).waitingSignal(); got != nil {
		t.Errorf("without a channel: %v", got)
	}
}

func filled(signals ...os.Signal) <-chan os.Signal {
	c := make(chan os.Signal, len(signals))
	for _, sig := range signals {
		c <- sig
	}
	return c
}

// Whoever hears the events may be slow, or stand still: the program is asked before that is told.
func TestAskedBeforeTold(t *testing.T) {
	t.Parallel()
	out, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	r := listening(t, "tell", func(h *host) {
		h.Stdout = write
		emit := h.Emit
		h.Emit = func(e event.Event) {
			if e.Kind == event.Stopping {
				_ = out.SetReadDeadline(time.Now().Add(patience))
				for buf := make([]byte, 100); err == nil; { // its output ends with the program
					_, err = out.Read(buf)
				}
			}
			emit(e)
		}
	})
	write.Close()
	r.signals <- syscall.SIGTERM
	r.ended(64 + 15)
	if os.IsTimeout(err) {
		t.Error("the program was not asked before the event was heard")
	}
}

// A program that listens only while it stops does not look ready.
func TestStoppingStays(t *testing.T) {
	t.Parallel()
	dir := runDir(t.TempDir())
	one, two := freePort(t), freePort(t)
	plan := on(t, as(t, "stubborn steps", "tcp:127.0.0.1:"+one, "tcp:127.0.0.1:"+two), "http://127.0.0.1:"+one, "http://127.0.0.1:"+two)
	r := begin(t, plan, func(h *host) { h.RunDir, h.hangup = dir, 30*time.Millisecond })
	r.next(event.EndpointReady)
	r.signals <- syscall.SIGTERM
	r.next(event.Stopping)
	fmt.Fprintln(r.stdin)
	r.next(event.EndpointReady)
	if state, urls := stateIn(t, dir); state != runs.Stopping || len(urls) == 0 {
		t.Errorf("it is %s at %q", state, urls)
	}
	r.signals <- syscall.SIGHUP
	r.ended(128 + 9)
}
