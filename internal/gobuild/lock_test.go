package gobuild

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
)

func TestLock(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "Debug", "hello")
	unlock, err := lock(t.Context(), out, func(int) { t.Error("waited for nobody") })
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan int, 10)
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	gave := make(chan error)
	go func() {
		_, err := lock(ctx, out, func(pid int) { told <- pid })
		gave <- err
	}()
	if pid := <-told; pid != os.Getpid() && !isWindows() {
		t.Errorf("it waits for process %d, not for %d", pid, os.Getpid())
	}
	cancel(enough)
	if err := <-gave; err != enough {
		t.Errorf("the error is %v", err)
	}
	go func() {
		second, err := lock(t.Context(), out, func(pid int) { told <- pid })
		if err == nil {
			second()
		}
		gave <- err
	}()
	<-told
	unlock()
	if err := <-gave; err != nil {
		t.Errorf("after the first one was done: %v", err)
	}
}

// A lock whose file was removed is nobody's: who takes it must not share the place with who makes a new one.
func TestLockOfRemovedFile(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "Debug", "hello")
	unlock, err := lock(t.Context(), out, nil)
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan int, 1)
	gave := make(chan error)
	go func() {
		second, err := lock(t.Context(), out, func(pid int) { told <- pid })
		if err == nil {
			defer second()
			if _, statErr := os.Stat(lockOf(out)); statErr != nil {
				err = statErr
			}
		}
		gave <- err
	}()
	<-told
	if !isWindows() { // where what is open cannot be removed
		os.Remove(lockOf(out))
	}
	unlock()
	if err := <-gave; err != nil {
		t.Error(err)
	}
}

// Who waits uses what the other one built.
func TestBuildWaits(t *testing.T) {
	t.Parallel()
	p := newProject(t, unpack(t, hello), environ())
	o := Options{Env: environ()}
	out := Output(p.cache, p.target, o)
	var first, second []event.Kind
	waiting, done := make(chan struct{}), make(chan error)
	_, err := Build(t.Context(), p.target, o, out, func(e event.Event) {
		first = append(first, e.Kind)
		if e.Kind != event.BuildStarted {
			return
		}
		go func() {
			_, err := Build(t.Context(), p.target, o, out, func(e event.Event) {
				second = append(second, e.Kind)
				close(waiting)
			})
			done <- err
		}()
		<-waiting
	})
	if err := errors.Join(err, <-done); err != nil {
		t.Fatal(err)
	}
	if len(first) != 2 || len(second) != 1 || second[0] != event.BuildWaiting {
		t.Errorf("the first: %v, the second: %v", first, second)
	}
}

func TestCleanUnused(t *testing.T) {
	t.Parallel()
	old := time.Now().Add(-unusedAfter - time.Hour)
	for name, c := range map[string]struct {
		change func(p project, out string) error
		gone   string // variants
	}{
		"used":            {func(project, string) error { return nil }, ""},
		"the module gone": {func(p project, _ string) error { return os.RemoveAll(p.target.ModuleDir) }, "Debug Release"},
		"no module any more": {func(p project, _ string) error {
			return os.Remove(filepath.Join(p.target.ModuleDir, "go.mod"))
		}, "Debug Release"},
		"unused": {func(_ project, out string) error {
			return errors.Join(os.Chtimes(stampOf(out), old, old), os.Chtimes(filepath.Dir(out), old, old))
		}, "Debug"},
		"unused and started": {func(p project, out string) error {
			err := errors.Join(os.Chtimes(stampOf(out), old, old), os.Chtimes(filepath.Dir(out), old, old))
			p.build(Options{Env: environ()})
			return err
		}, ""},
		"unused and started without building": {func(p project, out string) error {
			return errors.Join(os.Chtimes(stampOf(out), old, old), os.Chtimes(filepath.Dir(out), old, old), Built(p.target, out))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t, unpack(t, hello), environ())
			debug := p.build(Options{Env: environ()})
			release := p.build(Options{Configuration: Release, Env: environ()})
			if err := c.change(p, debug); err != nil {
				t.Fatal(err)
			}
			removed, bytes, err := CleanUnused(p.cache)
			if err != nil || (len(removed) == 1) != (c.gone != "") || (bytes > 1<<20) != (c.gone != "") {
				t.Errorf("removed %+v, %d bytes, %v", removed, bytes, err)
			}
			gone := ""
			if !isFile(debug) {
				gone = "Debug"
			}
			if !isFile(release) {
				gone += " Release"
			}
			if gone != c.gone {
				t.Errorf("gone are %q, want %q", gone, c.gone)
			}
			if _, err := os.Stat(filepath.Dir(filepath.Dir(debug))); (err != nil) != (c.gone == "Debug Release") {
				t.Errorf("the folder of the program: %v", err)
			}
		})
	}
}

// A build removes what is unused, once a day.
func TestSweep(t *testing.T) {
	t.Parallel()
	p := newProject(t, unpack(t, hello), environ())
	o := Options{Env: environ()}
	out := p.build(o)
	other := newProject(t, unpack(t, hello), environ())
	other.cache = p.cache
	if err := os.RemoveAll(p.target.Dir); err != nil {
		t.Fatal(err)
	}
	other.build(o)
	if !isFile(out) {
		t.Error("it was looked for a second time on one day")
	}
	long := time.Now().Add(-2 * usedOften)
	if err := os.Chtimes(filepath.Join(p.cache, "build", sweptName), long, long); err != nil {
		t.Fatal(err)
	}
	other.build(Options{Configuration: Release, Env: environ()})
	if isFile(out) {
		t.Error("the binary of a program that is gone is still there")
	}
}

// What is being built is not removed.
func TestCleanWhileBuilding(t *testing.T) {
	t.Parallel()
	p := newProject(t, unpack(t, hello), environ())
	out := p.build(Options{Env: environ()})
	unlock, err := lock(t.Context(), out, nil)
	if err != nil {
		t.Fatal(err)
	}
	if removed, _, err := Clean(p.cache); err == nil || len(removed) > 0 || !isFile(out) {
		t.Errorf("removed %+v, %v", removed, err)
	}
	unlock()
	if removed, _, err := Clean(p.cache); err != nil || len(removed) != 1 || isFile(out) {
		t.Errorf("removed %+v, %v", removed, err)
	}
}
