package backend

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
)

// asked is a request under way whose end the test decides: the app sends back what it gets.
type asked struct {
	body   *io.PipeWriter
	answer chan string
}

// ask begins a request, and returns when the app has it.
func ask(t testing.TB, p *Process) *asked {
	t.Helper()
	read, write := io.Pipe()
	a := &asked{body: write, answer: make(chan string, 1)}
	h := p.Hosting().(*OutOfProcess)
	r, err := http.NewRequest(http.MethodPost, "http://"+h.Addr().String()+"/echo", read)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("MS-ASPNETCORE-TOKEN", h.Token())
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			text = append(text, err.Error()...)
		}
		a.answer <- string(text)
	}()
	return a
}

// end lets the request end, and gives its answer.
func (a *asked) end() string {
	_, _ = io.WriteString(a.body, "hello ")
	a.body.Close()
	return <-a.answer
}

// TestD7: requests in flight complete when everything stops, and then the process ends.
func TestD7_GracefulShutdownWithRequestsInFlight(t *testing.T) {
	t.Parallel()
	w := prepared(t).open(nil)
	p := w.get()
	a, b := ask(t, p), ask(t, p)
	stopped := make(chan error, 1)
	go func() { stopped <- w.stop() }()
	w.expect(event.Stopping, 1)
	if _, err := w.Get(t.Context()); err != ErrStopping {
		t.Errorf("Get: %v", err)
	}
	if q := w.Ready(); q != nil {
		t.Error("a process that stops is given")
	}
	if got := a.end() + "|" + b.end(); got != "hello done|hello done" {
		t.Errorf("answers %q", got)
	}
	p.Release()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if e := w.expect(event.ProcessExited, 1); *e.ExitCode != 0 {
		t.Errorf("%+v", e)
	}
	if got := w.all(event.Stopping); len(got) != 1 || got[0].Signal != "" {
		t.Errorf("it was asked by %+v", got)
	}
}

// TestD1: an app that does not stop is killed when its time is over.
func TestD1_ShutdownTimeoutIsApplied(t *testing.T) {
	t.Parallel()
	for _, plain := range []string{"", "1"} {
		w := prepared(t, "BEHIND_IGNORE_STOP=1", "BEHIND_PLAIN="+plain).open(func(o *Options) { o.ShutdownTimeLimit = 200 * time.Millisecond })
		w.page("/")
		if err := w.stop(); err != nil {
			t.Error(err)
		}
		if !strings.Contains(w.story.String(), "failed to gracefully shut down process") {
			t.Errorf("story:\n%s", &w.story)
		}
		if e := w.expect(event.ProcessExited, 1); e.Signal != "SIGKILL" && e.Signal != "" {
			t.Errorf("%+v", e)
		}
		w.expect(event.Killing, 1)
		if e := w.expect(event.Warned, 1); e.Diagnostics[0].Code != "not-graceful" {
			t.Errorf("%+v", e)
		}
	}
}

// An app that knows nothing of the message gets a signal, when its requests are over.
func TestPlainAppGetsSignal(t *testing.T) {
	t.Parallel()
	w := prepared(t, "BEHIND_PLAIN=1").open(nil)
	p := w.get()
	if p.Hosting().(*OutOfProcess).Pairs() {
		t.Error("it is said to check the token")
	}
	a := ask(t, p)
	stopped := make(chan error, 1)
	go func() { stopped <- w.stop() }()
	w.expect(event.Stopping, 1)
	if got := a.end(); got != "hello done" {
		t.Errorf("answer %q", got)
	}
	p.Release()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if e := w.expect(event.Stopping, 2); e.Signal != signalName(stopSignal) {
		t.Errorf("%+v", e)
	}
	if len(w.all(event.Killing)) != 0 {
		t.Error("it was killed")
	}
}

// The end of Stop's context kills at once.
func TestStopImpatiently(t *testing.T) {
	t.Parallel()
	w := prepared(t, "BEHIND_IGNORE_STOP=1").open(func(o *Options) { o.NoLimits = true })
	p := w.get()
	defer p.Release()
	impatient := errors.New("Ctrl+C again")
	ctx, cancel := context.WithCancelCause(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- w.Stop(ctx) }()
	w.expect(event.Stopping, 1)
	cancel(impatient)
	if err := <-stopped; !errors.Is(err, impatient) {
		t.Errorf("got %v", err)
	}
	closes(t, "the process ends", p.Exited())
}

// A start that is under way is given up.
func TestStopWhileStarting(t *testing.T) {
	t.Parallel()
	w := prepared(t, "BEHIND_HANG=1").open(nil)
	got := make(chan error, 1)
	go func() {
		_, err := w.Get(t.Context())
		got <- err
	}()
	w.expect(event.ProcessStarted, 1)
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	if err := <-got; err != ErrStopping {
		t.Errorf("Get: %v", err)
	}
}

// After a Recycle the old process finishes its requests while the new one takes the next.
func TestD14_RecycleLosesNoRequest(t *testing.T) {
	t.Parallel()
	for _, plain := range []string{"", "1"} {
		w := prepared(t, "BEHIND_PLAIN="+plain).open(nil)
		p := w.get()
		a := ask(t, p)
		w.Recycle(w.options)
		q := w.get()
		if q == p {
			t.Fatal("the old process is given")
		}
		if text, err := browse(q, "/"); text != "behind" {
			t.Errorf("%q, %v", text, err)
		}
		if len(w.all(event.Stopping)) != 0 {
			t.Error("the old process was asked to stop with a request in flight")
		}
		if got := a.end(); got != "hello done" {
			t.Errorf("answer %q", got)
		}
		p.Release()
		closes(t, "the old process ends", p.Exited())
		if _, err := browse(q, "/"); err != nil {
			t.Error(err)
		}
		q.Release()
		if len(w.all(event.Restarting)) != 0 {
			t.Error("the end of the old process counts as a crash")
		}
	}
}

// Who waits for a start of before a Recycle gets the new process.
func TestRecycleWhileStarting(t *testing.T) {
	t.Parallel()
	w := prepared(t, "BEHIND_HANG=1").open(nil)
	got := make(chan *Process, 1)
	go func() {
		p, err := w.Get(t.Context())
		if err != nil {
			t.Errorf("Get: %v", err)
		}
		got <- p
	}()
	w.expect(event.ProcessStarted, 1)
	o := prepared(t).options
	o.Emit = w.hear
	w.Recycle(o)
	if p := <-got; p != nil {
		p.Release()
	}
}

// Two processes cannot have the port that the environment has fixed: the new one starts when the old one has ended.
func TestRecycleWithFixedPort(t *testing.T) {
	t.Parallel()
	w := prepared(t, "ASPNETCORE_PORT="+portText(randomFree(t))).open(nil)
	p := w.get()
	a := ask(t, p)
	w.Recycle(w.options)
	got := make(chan string, 1)
	go func() {
		q, err := w.Get(t.Context())
		if err != nil {
			got <- err.Error()
			return
		}
		defer q.Release()
		text, _ := browse(q, "/")
		got <- text
	}()
	if answer := a.end(); answer != "hello done" {
		t.Errorf("answer %q", answer)
	}
	p.Release()
	if text := <-got; text != "behind" {
		t.Errorf("got %q", text)
	}
	if e := w.all(event.StartFailed); len(e) != 0 {
		t.Errorf("%+v", e)
	}
}

// A child that keeps the program's stdout open holds nothing up.
func TestChildKeepsOutputOpen(t *testing.T) {
	t.Parallel()
	w := prepared(t, "BEHIND_CHILD=1").open(nil)
	w.page("/")
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	failing := prepared(t, "BEHIND_CHILD=1", "BEHIND_EXIT=1", "BEHIND_STDOUT=text").open(func(o *Options) { o.Attempts = 1 })
	if err := failing.fails(); err.Output != "text\n" {
		t.Errorf("%q", err.Output)
	}
}
