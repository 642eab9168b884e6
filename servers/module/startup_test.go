package module

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/process"
)

// command has the front start what change makes of the usual spec.
func command(o *Options, change func(*process.Spec) error) {
	usual := o.App.Backend.Command
	o.App.Backend.Command = func(ctx context.Context) (process.Spec, error) {
		spec, err := usual(ctx)
		if err == nil {
			err = change(&spec)
		}
		return spec, err
	}
}

// started has a page for every program that cannot be started: the status and what the cause says.
func TestS1_InvalidProcessPath(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		for name, c := range map[string]struct {
			change             func(dir string, spec *process.Spec) error
			outOf, in, details string
		}{
			"nothing to start": {func(string, *process.Spec) error { return errors.New(`"bogus" is not in PATH`) },
				"502.5", "500.0", `"bogus" is not in PATH`},
			"not there": {func(dir string, spec *process.Spec) error {
				spec.Path = filepath.Join(dir, "missing.exe")
				return nil
			}, "502.5", "500.0", "missing.exe"},
			"no program": {func(dir string, spec *process.Spec) error {
				spec.Path = filepath.Join(dir, "dotnet.zip")
				return os.WriteFile(spec.Path, []byte("PK\x03\x04"), 0o755)
			}, "502.5", "500.32", "dotnet.zip"},
			"may not be executed": {func(dir string, spec *process.Spec) error {
				spec.Path = filepath.Join(dir, "text")
				return os.WriteFile(spec.Path, []byte("#!/bin/sh\n"), 0o644)
			}, "502.5", "500.0", "text"},
			"no interpreter": {func(dir string, spec *process.Spec) error {
				spec.Path = filepath.Join(dir, "script")
				return os.WriteFile(spec.Path, []byte("#!/missing/interpreter\n"), 0o755)
			}, "502.5", "500.31", "script"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if runtime.GOOS == "windows" && name != "nothing to start" && name != "not there" {
					t.Skip("Windows knows no such file")
				}
				dir := t.TempDir()
				w := start(t, hosting, func(o *Options) {
					command(o, func(spec *process.Spec) error { return c.change(dir, spec) })
				})
				want := c.outOf
				if hosting == InProcess {
					want = c.in
				}
				a := w.get("/")
				if !strings.Contains(a.body, "HTTP Error "+want+" ") || !strings.Contains(a.body, c.details) {
					t.Errorf("got %d %s\nwant %s and %q", a.status, a.body, want, c.details)
				}
				if fmt.Sprint(a.status) != want[:3] {
					t.Errorf("the status is %d", a.status)
				}
			})
		}
	})
}

// S9, S10: a program that ends early has its exit code told.
func TestS10_EarlyExit(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		want := map[Hosting]string{OutOfProcess: "502.5", InProcess: "500.30"}[hosting]
		w := start(t, hosting, nil, "BEHIND_EXIT=12", "BEHIND_STDERR=what it said last")
		a := w.get("/")
		for _, part := range []string{"HTTP Error " + want, "12", "what it said last"} {
			if !strings.Contains(a.body, part) {
				t.Errorf("no %q in %s", part, a.body)
			}
		}
		failed := w.await(event.StartFailed, 1)
		if !strings.Contains(strings.Join(failed.Reasons, "\n"), "exit code 12") || !strings.Contains(failed.Text, "what it said last") {
			t.Errorf("it was told: %q %q", failed.Reasons, failed.Text)
		}
		// The next request tries again.
		w.get("/")
		w.await(event.StartFailed, 2)
	})
}

// S8: a program that is killed.
func TestS8_KilledAtStart(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		if runtime.GOOS == "windows" {
			t.Skip("Windows has no signals")
		}
		w := start(t, hosting, func(o *Options) {
			command(o, func(spec *process.Spec) error {
				spec.Path, spec.Args = "/bin/sh", []string{"-c", "kill -SEGV $$"}
				return nil
			})
		})
		if a := w.get("/"); !strings.Contains(a.body, "SIGSEGV") {
			t.Errorf("got %s", a.body)
		}
	})
}

// S11: a program that never gets ready is ended when the limit is over.
func TestS11_StartupTimeLimit(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		want := map[Hosting]string{OutOfProcess: "502.5", InProcess: "500.37"}[hosting]
		w := start(t, hosting, func(o *Options) {
			o.App.Backend.StartupTimeLimit = 200 * time.Millisecond
			o.App.Shown = map[string]Shown{"startupTimeLimit": {"1", "web.config:4:20"}}
		}, "BEHIND_HANG=1")
		a := w.get("/")
		for _, part := range []string{"HTTP Error " + want, "startupTimeLimit", "web.config:4:20"} {
			if !strings.Contains(a.body, part) {
				t.Errorf("no %q in %s", part, a.body)
			}
		}
	})
}

// S25: without details, a stranger learns nothing of what the program has written, and the developer's log has it all the same.
func TestS25_NoDetails(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, func(o *Options) { o.App.Detailed = false }, "BEHIND_EXIT=1", "BEHIND_STDERR=a secret")
		if a := w.get("/"); strings.Contains(a.body, "a secret") {
			t.Errorf("got %s", a.body)
		}
		if e := w.await(event.StartFailed, 1); !strings.Contains(e.Text, "a secret") || !strings.Contains(w.out.String(), "a secret") {
			t.Errorf("nobody was told: %q, %q", e.Text, w.out.String())
		}
	})
}

// S30: a link can be added.
func TestS30_AdditionalLink(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		const link = "https://example.com/help"
		w := start(t, hosting, func(o *Options) { o.App.ErrorLink = link }, "BEHIND_EXIT=1")
		a := w.ask("/", "Accept", "text/html")
		if !strings.Contains(a.body, link) || !strings.HasSuffix(strings.TrimSpace(a.body), "</html>") {
			t.Errorf("got %s", a.body)
		}
	})
}

func TestErrorPageForms(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := start(t, hosting, nil, "BEHIND_EXIT=3")
		var problem struct {
			Status, SubStatus int
			ExitCode          *int
		}
		a := w.ask("/", "Accept", "application/json")
		if err := json.Unmarshal([]byte(a.body), &problem); err != nil || problem.ExitCode == nil || *problem.ExitCode != 3 || problem.Status != a.status {
			t.Errorf("got %s, %v", a.body, err)
		}
		if a := w.ask("/", "Accept", "text/html,*/*"); !strings.HasPrefix(a.body, "<!doctype html>") && !strings.HasPrefix(a.body, "<!DOCTYPE html>") {
			t.Errorf("got %s", a.body)
		}
	})
}

// Q5: without the page the status is 502.3's.
func TestDisableStartUpErrorPage(t *testing.T) {
	t.Parallel()
	w := start(t, OutOfProcess, func(o *Options) { o.App.NoErrorPage = true }, "BEHIND_EXIT=3", "BEHIND_STDERR=boo")
	a := w.get("/")
	if a.status != http.StatusBadGateway || !strings.Contains(a.body, "502.3") || strings.Contains(a.body, "boo") {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

// No page has a token or the value of a variable, also when the program prints them.
func TestPagesHideSecrets(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("it needs a shell")
	}
	both(t, func(t *testing.T, hosting Hosting) {
		const secret, token = "s3cr3t-p4ssword", "token-of-the-front"
		w := start(t, hosting, func(o *Options) {
			o.App.Secrets = []string{secret}
			command(o, func(spec *process.Spec) error {
				spec.Env = append(spec.Env, "PASSWORD="+secret)
				if hosting == OutOfProcess {
					spec.Env = append(spec.Env, "ASPNETCORE_TOKEN="+token)
				}
				spec.Path, spec.Args = "/bin/sh", []string{"-c", `echo "connecting with $PASSWORD and $ASPNETCORE_TOKEN" >&2; exit 1`, secret}
				return nil
			})
		})
		for _, accept := range []string{"text/html", "application/json", "*/*"} {
			if a := w.ask("/", "Accept", accept); strings.Contains(a.body, secret) || strings.Contains(a.body, token) || !strings.Contains(a.body, "connecting with") {
				t.Errorf("%s: %s", accept, a.body)
			}
		}
	})
}

// A page that is shown asks whether the program has come back. That starts nothing.
func TestProbes(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		changed := make(chan bool, 1)
		w := start(t, hosting, func(o *Options) {
			o.App.Changed = func() bool {
				select {
				case now := <-changed:
					return now
				default:
					return false
				}
			}
		}, "BEHIND_EXIT=3")
		w.get("/") // fails
		story := w.story()
		if got := w.probe(); got != "wait" {
			t.Errorf("after a start that failed: %q", got)
		}
		changed <- true
		if got := w.probe(); got != "ready" {
			t.Errorf("after a change: %q", got)
		}
		if w.story() != story {
			t.Errorf("the probe has started the app: %s", w.story())
		}
	})
}

// probe asks as a page does.
func (w *world) probe() string {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodHead, w.URLs()[0], nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("X-Gorun-Probe", "ask")
	resp, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.Header.Get("X-Gorun-Probe")
}
