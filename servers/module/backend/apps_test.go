package backend

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/process"
)

// A server that is no Go program and knows nothing but its arguments: it is asked by the message, does not know it, and gets
// a signal.
func TestPythonServer(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("this system has no sh")
	}
	if _, err := exec.LookPath("python3"); err != nil {
		missing(t, "python3 is not installed")
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "page.txt"), []byte("of a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := prepared(t).open(func(o *Options) {
		o.Command = func(context.Context) (process.Spec, error) {
			return process.Spec{
				Path: shell, Args: []string{"-c", `exec python3 -m http.server --bind 127.0.0.1 "$PORT"`}, Env: os.Environ(), Dir: folder,
			}, nil
		}
	})
	if got := w.page("/page.txt"); got != "of a file" {
		t.Errorf("got %q", got)
	}
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	if e := w.expect(event.Stopping, 2); e.Signal != signalName(stopSignal) {
		t.Errorf("%+v", e)
	}
	if len(w.all(event.Killing)) != 0 {
		t.Error("it was killed")
	}
}

// An app on net/http that only knows PORT.
func TestPlainPort(t *testing.T) {
	t.Parallel()
	w := prepared(t, "BEHIND_PLAIN=1", "PORT=1").open(nil)
	if got := w.page("/"); got != "behind" {
		t.Errorf("got %q", got)
	}
}

// An app on package servers refuses who does not know the token.
func TestTokenIsNeeded(t *testing.T) {
	t.Parallel()
	w := prepared(t).open(nil)
	p := w.get()
	defer p.Release()
	answer, err := http.Get("http://" + p.Hosting().(*OutOfProcess).Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d without the token", answer.StatusCode)
	}
}

// A program that a signal ends while it starts.
func TestKilledWhileStarting(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("this system has no sh")
	}
	w := prepared(t).open(func(o *Options) {
		o.Command = func(context.Context) (process.Spec, error) {
			return process.Spec{Path: shell, Args: []string{"-c", "kill -9 $$"}, Env: os.Environ(), Dir: t.TempDir()}, nil
		}
	})
	failed := w.fails()
	if !failed.Ended || failed.Signal != "SIGKILL" || failed.ExitCode != 137 || len(failed.Attempts) != 2 {
		t.Errorf("%+v", failed)
	}
	if !strings.Contains(failed.Error(), "it was killed by SIGKILL after ") {
		t.Errorf("%v", failed)
	}
}
