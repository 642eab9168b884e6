package backend

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
)

func TestS5_HelloWorld(t *testing.T) {
	t.Parallel()
	w := prepared(t).open(nil)
	if p := w.Ready(); p != nil {
		t.Fatal("something runs that nobody asked for")
	}
	if got := w.page("/"); got != "behind" {
		t.Errorf("got %q", got)
	}
	p := w.Ready()
	if p == nil {
		t.Fatal("Ready does not give what Get has started")
	}
	defer p.Release()
	if got := w.page("/pid"); got != fmt.Sprint(p.PID()) {
		t.Errorf("pid %s, want %d", got, p.PID())
	}
	if e := w.expect(event.ProcessReady, 1); e.PID != p.PID() || e.Duration <= 0 {
		t.Errorf("%+v", e)
	}
}

// All who come while it starts wait for the same process; who goes away does not stop it.
func TestWaitersShareOneStart(t *testing.T) {
	t.Parallel()
	starts := filepath.Join(t.TempDir(), "starts")
	w := prepared(t, "BEHIND_STARTS="+starts, "BEHIND_START_DELAY=300ms").open(nil)
	gone := errors.New("the client has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := w.Get(ctx)
		first <- err
	}()
	w.expect(event.ProcessStarted, 1)
	cancel(gone)
	if err := <-first; err != gone {
		t.Errorf("the first asker got %v", err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			p, err := w.Get(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			p.Release()
		})
	}
	all.Wait()
	if text, _ := os.ReadFile(starts); strings.Count(string(text), "\n") != 1 {
		t.Errorf("starts:\n%s", text)
	}
}

func TestRoundRobin(t *testing.T) {
	t.Parallel()
	w := prepared(t).open(func(o *Options) { o.Processes = 3 })
	var pids []int
	for i := range 12 {
		p := w.Ready()
		if p == nil {
			p = w.get()
		}
		p.Release()
		pids = append(pids, p.PID())
		if i >= 3 && pids[i] != pids[i-3] {
			t.Fatalf("not in turn: %v", pids)
		}
	}
	if pids[0] == pids[1] || pids[1] == pids[2] || pids[0] == pids[2] {
		t.Errorf("not three processes: %v", pids)
	}
}

// TestP4: the app ends by its own will, twice, and is there again each time, with another port and token.
func TestP4_ShutdownMultipleTimesWorks(t *testing.T) {
	t.Parallel()
	w := prepared(t).open(nil)
	addresses := map[string]bool{}
	for range 3 {
		p := w.get()
		h := p.Hosting().(*OutOfProcess)
		addresses[h.Token()] = true
		if _, err := browse(p, "/stop"); err != nil {
			t.Fatal(err)
		}
		p.Release()
		closes(t, "the process ends", p.Exited())
	}
	if len(addresses) != 3 {
		t.Errorf("tokens are used again: %v", addresses)
	}
	if got := len(w.all(event.Restarting)); got < 2 {
		t.Errorf("%d restarts told", got)
	}
}

// A crash is noticed at once, and says how.
func TestCrash(t *testing.T) {
	t.Parallel()
	w := prepared(t).open(nil)
	p := w.get()
	if _, ok := p.Status(); ok {
		t.Error("it has a status while it runs")
	}
	if _, err := browse(p, "/print?text=last+words"); err != nil {
		t.Fatal(err)
	}
	if _, err := browse(p, "/exit?code=12"); err == nil {
		t.Error("there was an answer")
	}
	p.Release()
	closes(t, "the process ends", p.Exited())
	if e := w.expect(event.ProcessExited, 1); *e.ExitCode != 12 || e.PID != p.PID() {
		t.Errorf("%+v", e)
	}
	if status, ok := p.Status(); !ok || status.ExitCode() != 12 {
		t.Errorf("status %v, %v", status, ok)
	}
	if got := p.LastLines(); len(got) != 1 || got[0] != "last words" {
		t.Errorf("last lines %q", got)
	}
	if e := w.expect(event.Restarting, 1); e.Reasons[0] != "it ended with exit code 12" {
		t.Errorf("%+v", e)
	}
	if q := w.get(); q.PID() == p.PID() {
		t.Error("the dead process is given")
	} else {
		q.Release()
	}
}

func TestRapidFailsRefuse(t *testing.T) {
	t.Parallel()
	w := prepared(t).open(func(o *Options) { o.RapidFailsPerMinute = 1 })
	for range 2 {
		p := w.get()
		_, _ = browse(p, "/exit?code=1")
		p.Release()
		closes(t, "the process ends", p.Exited())
		w.expect(event.ProcessExited, len(w.all(event.ProcessStarted)))
	}
	_, err := w.Get(t.Context())
	refused, ok := err.(*RapidFailError)
	if !ok || refused.Limit != 1 || time.Until(refused.Until) > rapidWindow {
		t.Fatalf("got %#v", err)
	}
	if n := strings.Count(w.story.String(), "maximum rapid fail count per minute of 1 exceeded"); n != 1 {
		t.Errorf("told %d times", n)
	}
	if told := w.all(event.Warned); len(told) != 1 || told[0].Diagnostics[0].Message != refused.Error() {
		t.Errorf("the warnings are %+v", told)
	}
	w.Recycle(w.options) // other options, another count
	w.page("/")
}

// Failed starts count, too (Q3).
func TestRapidFailsCountStarts(t *testing.T) {
	t.Parallel()
	w := prepared(t, "BEHIND_EXIT=3").open(func(o *Options) { o.RapidFailsPerMinute = 0 })
	w.fails()
	if _, err := w.Get(t.Context()); err == nil || !errors.As(err, new(*RapidFailError)) {
		t.Errorf("got %v", err)
	}
}

// An app that closes its listener and lives is replaced, and one that the front only thinks to be deaf is not.
func TestDeafProcessIsReplaced(t *testing.T) {
	t.Parallel()
	w := prepared(t, "BEHIND_PLAIN=1").open(nil)
	p := w.get()
	p.Failed()
	if q := w.Ready(); q != p {
		t.Fatalf("a process that listens was given up")
	}
	p.Release()
	if _, err := browse(p, "/close-listener"); err != nil {
		t.Fatal(err)
	}
	p.Release()
	until(t, "it does not listen", func() bool { return !p.Hosting().(*OutOfProcess).Listens(p.tree) })
	p.Failed()
	if q := w.get(); q == p {
		t.Error("the deaf process is given again")
	} else {
		q.Release()
	}
	closes(t, "the deaf process ends", p.Exited())
	if e := w.expect(event.Restarting, 1); !strings.Contains(e.Reasons[0], "does not listen") {
		t.Errorf("%+v", e)
	}
}

// An app that says that it stops gets no more requests from then on, and what it has it may finish.
func TestLeavingProcessFinishes(t *testing.T) {
	t.Parallel()
	w := prepared(t).open(nil)
	p := w.get()
	a := ask(t, p)
	if !p.Hosting().(*OutOfProcess).Pairs() {
		until(t, "the app says that it checks the token", p.Hosting().(*OutOfProcess).Pairs)
	}
	if _, err := browse(p, "/stop"); err != nil {
		t.Fatal(err)
	}
	if e := w.expect(event.Restarting, 1); e.Reasons[0] != "it stops by its own will" {
		t.Errorf("%+v", e)
	}
	if q := w.get(); q == p {
		t.Error("the process that leaves is given")
	} else {
		q.Release()
	}
	if got := a.end(); got != "hello done" {
		t.Errorf("answer %q", got)
	}
	p.Release()
	closes(t, "the process ends", p.Exited())
	if e := w.all(event.Killing); len(e) != 0 {
		t.Errorf("%+v", e)
	}
}

// TestM4 has many first requests at once, each to an app of its own.
func TestM4_ManyAppsAtOnce(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	ports := make(chan uint16, 10)
	for range 10 {
		w := prepared(t).open(nil)
		all.Go(func() {
			p, err := w.Get(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer p.Release()
			ports <- p.Hosting().(*OutOfProcess).Addr().Port()
			if text, err := browse(p, "/"); text != "behind" {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
	all.Wait()
	close(ports)
	seen := map[uint16]bool{}
	for port := range ports {
		seen[port] = true
	}
	if len(seen) != 10 {
		t.Errorf("%d ports", len(seen))
	}
}

// Drop stops what runs, and has nothing started until Resume, whoever waits. The output goes where it went.
func TestDropRefusesUntilResume(t *testing.T) {
	t.Parallel()
	w := prepared(t, "BEHIND_STDOUT=hello").open(nil)
	before := w.get()
	before.Release()
	w.Drop()
	closes(t, "the process ends", before.Exited())
	for range 3 {
		if _, err := w.Get(t.Context()); !errors.Is(err, ErrDropped) {
			t.Fatalf("got %v", err)
		}
	}
	if n := len(w.all(event.ProcessStarted)); n != 1 {
		t.Errorf("%d were started", n)
	}
	w.Resume()
	after := w.get()
	after.Release()
	if after.PID() == before.PID() {
		t.Error("it is the same process")
	}
	until(t, "the output comes as before", func() bool { return strings.Count(w.out.String(), "hello") == 2 })
}

// Who waits for a start that is dropped is told so at once.
func TestDropEndsAStart(t *testing.T) {
	t.Parallel()
	w := prepared(t, "BEHIND_HANG=1").open(nil)
	waiting := make(chan error, 1)
	go func() {
		_, err := w.Get(t.Context())
		waiting <- err
	}()
	w.expect(event.ProcessStarted, 1)
	w.Drop()
	if err := <-waiting; !errors.Is(err, ErrDropped) {
		t.Errorf("got %v", err)
	}
}
