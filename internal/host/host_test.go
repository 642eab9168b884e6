package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/gobuild"
	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/internal/runs"
	"github.com/gorun-dev/gorun/launchsettings"
	"github.com/gorun-dev/gorun/profiles"
)

// project is a plan that builds a program, and the options for it.
func project(t *testing.T, source string) (profiles.Plan, func(*host)) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module example.com/little\n\ngo 1.26\n")
	write(t, filepath.Join(dir, "main.go"), source)
	target, err := gobuild.Find(dir, nil, os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	plan := as(t, "")
	plan.Command, plan.Program, plan.Args = launchsettings.CommandProject, profiles.Setting[string]{}, profiles.Setting[[]string]{}
	plan.Build.Configuration.Value = "Debug"
	cache := t.TempDir()
	return plan, func(h *host) {
		h.Target, h.CacheDir, h.GoEnv, h.From = target, cache, append(os.Environ(), "GOFLAGS="), dir
		h.name = target.Name
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestEventsOfARun(t *testing.T) {
	t.Parallel()
	plan, options := project(t, "package main\n\nimport \"os\"\n\nfunc main() { os.Exit(7) }\n")
	r := begin(t, plan, options)
	result := r.ended(7)
	want := []event.Kind{event.BuildStarted, event.BuildDone, event.ProcessStarted, event.ProcessExited}
	if diff := cmp.Diff(want, r.kinds()); diff != "" {
		t.Error(diff)
	}
	if result.Stopped || result.NotReady != nil || result.Duration <= 0 {
		t.Errorf("result %+v", result)
	}
	started, exited := r.seen[2], r.seen[3]
	if started.PID == 0 || started.PID != exited.PID || *exited.ExitCode != 7 || exited.Signal != "" || exited.Program != "little" {
		t.Errorf("started %+v, exited %+v", started, exited)
	}

	r = begin(t, plan, func(h *host) { options(h); h.NoBuild = true })
	r.ended(7)
	if r.count(event.BuildStarted) != 0 {
		t.Error("it was built with NoBuild")
	}
}

func TestExitCode(t *testing.T) {
	t.Parallel()
	for _, code := range []int{0, 1, 255} {
		r := begin(t, as(t, "exit", fmt.Sprint(code)), nil)
		r.ended(code)
	}
}

// A nil Emit, no signals, no record: everything that Options may leave out.
func TestBareOptions(t *testing.T) {
	t.Parallel()
	result, err := Run(t.Context(), as(t, "exit", "3"), Options{})
	if err != nil || result.Status.ExitCode() != 3 {
		t.Errorf("%v, %v", result, err)
	}
}

func TestBrokenBuild(t *testing.T) {
	t.Parallel()
	plan, options := project(t, "package main\n\nfunc main() { nothing() }\n")
	dir := t.TempDir()
	r := begin(t, plan, func(h *host) { options(h); h.RunDir = runDir(dir) })
	_, err := r.end()
	if _, ok := errors.AsType[*gobuild.BuildError](err); !ok {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff([]event.Kind{event.BuildStarted, event.BuildFailed}, r.kinds()); diff != "" {
		t.Error(diff)
	}
	if records, err := runs.List(runDir(dir)); err != nil || len(records) > 0 {
		t.Errorf("records %v, %v are left", records, err)
	}
}

// Each signal that ends gorun ends the build, and nothing is started.
func TestInterruptedBuild(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			plan, options := project(t, "package main\n\nimport _ \"net/http\"\n\nfunc main() {}\n")
			r := begin(t, plan, options)
			r.next(event.BuildStarted)
			r.signals <- sig
			_, err := r.end()
			interrupted, ok := errors.AsType[*InterruptedError](err)
			if !ok || interrupted.Signal != sig {
				t.Errorf("error %v", err)
			}
			if !slices.Equal(r.kinds(), []event.Kind{event.BuildStarted, event.BuildFailed}) {
				t.Errorf("events %v", r.kinds())
			}
		})
	}
}

// What comes between the build and the start keeps the program from being started, too.
func TestInterruptedBeforeTheStart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "started")
	plan := as(t, "touch", file)

	signals := make(chan os.Signal, 2)
	signals <- syscall.Signal(28) // which ends nothing
	signals <- syscall.SIGTERM
	_, err := Run(t.Context(), plan, Options{Signals: signals})
	if interrupted, ok := errors.AsType[*InterruptedError](err); !ok || interrupted.Signal != syscall.SIGTERM {
		t.Errorf("error %v", err)
	}

	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	if _, err := Run(ctx, plan, Options{}); err != cause {
		t.Errorf("error %v, want the cause", err)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the program was started: %v", err)
	}
}

func TestMissingProgram(t *testing.T) {
	t.Parallel()
	place := diagnostic.Place{File: "/launchSettings.json", Start: diagnostic.Position{Line: 5, Column: 9}}
	plan := as(t, "")
	plan.Program = profiles.Setting[string]{Value: filepath.Join(t.TempDir(), "none"), Origin: profiles.Origin{Name: "executablePath", Place: place}}
	r := begin(t, plan, nil)
	_, err := r.end()
	failed, ok := errors.AsType[*StartError](err)
	if !ok || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), plan.Program.Value) {
		t.Fatalf("error %v", err)
	}
	if list := failed.Diagnostics(); len(list) != 1 || list[0].Place != place {
		t.Errorf("diagnostics %v", list)
	}
	if len(r.seen) > 0 {
		t.Errorf("events %v", r.kinds())
	}
	if list := (&StartError{Err: err}).Diagnostics(); list != nil {
		t.Errorf("without a place there are diagnostics %v", list)
	}
}

// The binary of a Project profile, and the program of an Executable one.
func TestBuild(t *testing.T) {
	t.Parallel()
	plan := as(t, "")
	if path, err := Build(t.Context(), plan, Options{}); err != nil || path != plan.Program.Value {
		t.Errorf("%s, %v", path, err)
	}
	plan, options := project(t, "package main\n\nfunc main() {}\n")
	h := newHost(plan, Options{NoBuild: true})
	options(h)
	_, err := Build(t.Context(), plan, h.Options)
	if _, ok := errors.AsType[*gobuild.NotBuiltError](err); !ok {
		t.Errorf("error %v", err)
	}
	h.NoBuild = false
	path, err := Build(t.Context(), plan, h.Options)
	if _, statErr := os.Stat(path); err != nil || statErr != nil {
		t.Errorf("%s: %v, %v", path, err, statErr)
	}
}

// runDir is a folder that does not exist yet, so that it is made with the right mode.
func runDir(parent string) string { return filepath.Join(parent, "run") }

// The record is there before the build, tells how far the run is by the time that an event tells of it, and is gone
// in the end.
func TestRecord(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	url := "http://localhost:" + port
	plan, options := project(t, `package main

import (
	"net"
	"os"
	"os/signal"
)

func main() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals)
	if _, err := net.Listen("tcp", "127.0.0.1:`+port+`"); err != nil {
		panic(err)
	}
	<-signals
}
`)
	plan = on(t, plan, url)
	dir := runDir(t.TempDir())
	var mu sync.Mutex
	states := map[event.Kind]runs.Record{}
	r := begin(t, plan, func(h *host) {
		options(h)
		h.RunDir = dir
		emit := h.Emit
		h.Emit = func(e event.Event) {
			records, err := runs.List(dir)
			if err != nil || len(records) != 1 {
				t.Errorf("at %s: records %v, %v", e.Kind, records, err)
			} else {
				mu.Lock()
				states[e.Kind] = records[0]
				mu.Unlock()
			}
			emit(e)
		}
	})
	started := r.next(event.ProcessStarted)
	r.next(event.EndpointReady)
	r.signals <- syscall.SIGTERM
	r.ended(0)

	for kind, state := range map[event.Kind]runs.State{
		event.BuildStarted: runs.Building, event.ProcessStarted: runs.Running, event.EndpointReady: runs.Ready, event.ProcessExited: runs.Stopping,
	} {
		if got := states[kind].State; got != state {
			t.Errorf("at %s it is %s, want %s", kind, got, state)
		}
	}
	last := states[event.ProcessExited]
	if last.PID != os.Getpid() || last.ProgramPID != started.PID || last.Binary == "" || last.Module != r.host.Target.ModuleDir {
		t.Errorf("record %+v", last)
	}
	if diff := cmp.Diff([]string{url}, last.URLs); diff != "" {
		t.Error(diff)
	}
	if records, err := runs.List(dir); err != nil || len(records) > 0 {
		t.Errorf("records %v, %v are left", records, err)
	}
}

// A program without addresses is ready when it runs; one with several when all of them are.
func TestRecordIsReadyWithTheLastAddress(t *testing.T) {
	t.Parallel()
	dir := runDir(t.TempDir())
	r := begin(t, as(t, "again"), func(h *host) { h.RunDir = dir })
	r.next(event.ProcessStarted)
	if state, urls := stateIn(t, dir); state != runs.Ready || urls != "" {
		t.Errorf("without addresses: %s %q", state, urls)
	}
	r.stdin.Close()
	r.ended(0)

	one, two := freePort(t), freePort(t)
	first, second := "http://127.0.0.1:"+one, "http://127.0.0.1:"+two
	r = begin(t, on(t, as(t, "steps", "tcp:127.0.0.1:"+two, "tcp:127.0.0.1:"+one), first, second), func(h *host) { h.RunDir = dir })
	r.next(event.EndpointReady)
	if state, urls := stateIn(t, dir); state != runs.Running || urls != second {
		t.Errorf("with one of two: %s %q", state, urls)
	}
	fmt.Fprintln(r.stdin)
	r.next(event.EndpointReady)
	if state, urls := stateIn(t, dir); state != runs.Ready || urls != first+" "+second {
		t.Errorf("with both: %s %q", state, urls)
	}
	r.signals <- syscall.SIGTERM
	r.ended(0)
}

func stateIn(t *testing.T, dir string) (runs.State, string) {
	t.Helper()
	records, err := runs.List(dir)
	if err != nil || len(records) != 1 {
		t.Fatalf("records %v, %v", records, err)
	}
	return records[0].State, strings.Join(records[0].URLs, " ")
}

// A record that cannot be kept is a warning.
func TestRunWithoutARecord(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		r := begin(t, as(t, "exit", "0"), func(h *host) { h.RunDir = dir })
		r.ended(0)
		if r.seen[0].Kind != event.Warned {
			t.Fatalf("events %v", r.kinds())
		}
		d := r.seen[0].Diagnostics[0]
		if d.Severity != diagnostic.Warning || !strings.Contains(d.Suggestion, "GORUN_RUN_DIR") || !strings.Contains(d.Message, file) {
			t.Errorf("warning %+v", d)
		}
	}
}

// Processes of others that are left do not hide how the program ended.
func TestLeftoversAreAWarning(t *testing.T) {
	t.Parallel()
	var seen []event.Event
	h := newHost(as(t, ""), Options{Emit: func(e event.Event) { seen = append(seen, e) }})
	h.warnLeft(nil)
	h.warnLeft(&process.LeftError{PIDs: []int{7}})
	if len(seen) != 1 || seen[0].Kind != event.Warned || !strings.Contains(seen[0].Diagnostics[0].Message, "7") {
		t.Errorf("events %v", seen)
	}
}
