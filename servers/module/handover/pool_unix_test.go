//go:build linux || darwin

package handover

import (
	"context"
	"errors"
	"net/http"
	"os"
	"syscall"
	"testing"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/servers/module/backend"
)

// pool keeps one process that gets the sockets, as a front does.
func pool(t *testing.T, s *Sockets, spec process.Spec) (*backend.Pool, backend.Options) {
	t.Helper()
	if spec.Env == nil {
		spec.Env = os.Environ()
	}
	o := backend.Options{
		Name: "app", Command: func(context.Context) (process.Spec, error) { return spec, nil },
		Host:             func(int) backend.Hosting { return s.Hosting() },
		StartupTimeLimit: patience, ShutdownTimeLimit: patience, RapidFailsPerMinute: -1, Stderr: os.Stderr,
	}
	p := backend.New(o)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := p.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return p, o
}

// A process that is killed is started anew by the next connection, and a recycle loses nothing.
func TestWithPool(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]func(t *testing.T, tcp, unixPath string) process.Spec{
		"servers.Run": web, "net/http alone": func(t *testing.T, _, _ string) process.Spec { return as(t, "plain") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, tcp, unixPath := open(t)
			processes, options := pool(t, s, spec(t, tcp, unixPath))
			for range 2 {
				first := ask(t, "tcp", tcp)
				wantWaiting(t, s)
				p, err := processes.Get(limited(t))
				if err != nil {
					t.Fatal(err)
				}
				first.want(http.StatusOK, "")
				_ = syscall.Kill(p.PID(), syscall.SIGKILL)
				<-p.Exited()
				p.Release()
			}
			p, err := processes.Get(limited(t))
			if err != nil {
				t.Fatal(err)
			}
			processes.Recycle(options)
			next, err := processes.Get(limited(t)) // while p, which is not released, still accepts
			if err != nil {
				t.Fatal(err)
			}
			during := ask(t, "tcp", tcp)
			if name != "servers.Run" { // it answers nothing more once it is asked to stop
				_, _, _ = during.answer()
			}
			p.Release()
			<-p.Exited()
			if name == "servers.Run" {
				during.want(http.StatusOK, "")
			}
			ask(t, "tcp", tcp).want(http.StatusOK, "")
			next.Release()
		})
	}
}

// After a start that fails the front may accept at once.
func TestWithPoolNotStarting(t *testing.T) {
	t.Parallel()
	s, tcp, _ := open(t)
	processes, _ := pool(t, s, process.Spec{Path: "/bin/sh", Args: []string{"-c", "exit 5"}})
	ask(t, "tcp", tcp)
	for range 2 {
		wantWaiting(t, s)
		_, err := processes.Get(limited(t))
		if _, ok := errors.AsType[*backend.StartError](err); !ok {
			t.Fatalf("got %v", err)
		}
	}
	b, err := s.Backlog()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := b.Listeners()[0].Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	b.Close()
}
