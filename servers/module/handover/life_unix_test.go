//go:build linux || darwin

package handover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/process"
)

// The first connection starts the app, which answers it; while the app runs it answers all, and after it the next one does.
func TestLife(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spec func(t *testing.T, tcp, unixPath string) process.Spec
		body string
		unix bool
	}{
		"servers.Run":        {web, "Hello (Production)\n", true},
		"net/http alone":     {func(t *testing.T, _, _ string) process.Spec { return as(t, "plain") }, "plain ", true},
		"blocking accept(2)": {func(t *testing.T, _, _ string) process.Spec { return as(t, "blocking") }, "blocking", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, tcp, unixPath := open(t)
			spec := c.spec(t, tcp, unixPath)
			for range 2 {
				first := ask(t, "tcp", tcp)
				wantWaiting(t, s)
				h, tree := run(t, s, spec)
				wantReady(t, h, tree)
				first.want(http.StatusOK, c.body)
				for range 3 {
					ask(t, "tcp", tcp).want(http.StatusOK, c.body)
				}
				if c.unix {
					ask(t, "unix", unixPath).want(http.StatusOK, c.body)
				}
				if status := stop(t, h, tree); name == "servers.Run" && status != (process.Status{}) {
					t.Error(status)
				}
			}
		})
	}
}

// While the process of before accepts, a queue that becomes shorter says nothing of the new one.
func TestReadyDuringRecycle(t *testing.T) {
	t.Parallel()
	s, tcp, _ := open(t)
	first := ask(t, "tcp", tcp)
	old, oldTree := run(t, s, as(t, "plain"))
	wantReady(t, old, oldTree)
	first.want(http.StatusOK, "plain ")
	h, tree := run(t, s, process.Spec{Path: "/bin/sleep", Args: []string{"1000"}})
	ctx, cancel := context.WithCancel(limited(t))
	ended := make(chan error, 1)
	go func() { ended <- h.Ready(ctx, tree) }()
	for range 100 {
		ask(t, "tcp", tcp).want(http.StatusOK, "plain ")
	}
	cancel()
	if err := <-ended; err == nil && runtime.GOOS == "linux" { // elsewhere nobody can know
		t.Error("a program that knows nothing of the sockets is ready")
	}
	stop(t, h, tree)
	next, nextTree := run(t, s, as(t, "plain"))
	wantReady(t, next, nextTree) // it has got one of the connections that are made to find out
	stop(t, old, oldTree)
	ask(t, "tcp", tcp).want(http.StatusOK, fmt.Sprintf("plain %d", nextTree.PID()))
	stop(t, next, nextTree)
}

// A connection to the unix socket counts as well as TCP's, where the system does not tell the length of its queue.
func TestReadyByUnixSocket(t *testing.T) {
	t.Parallel()
	s, _, unixPath := open(t)
	first := ask(t, "unix", unixPath)
	wantWaiting(t, s)
	h, tree := run(t, s, as(t, "plain"))
	wantReady(t, h, tree)
	first.want(http.StatusOK, "plain ")
	stop(t, h, tree)
}

// An app that is started before anybody comes is ready when it accepts: it has told so, or a connection of our own was accepted.
func TestPreload(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]func(t *testing.T, tcp, unixPath string) process.Spec{
		"servers.Run": web, "net/http alone": func(t *testing.T, _, _ string) process.Spec { return as(t, "plain") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, tcp, unixPath := open(t)
			h, tree := run(t, s, spec(t, tcp, unixPath))
			wantReady(t, h, tree)
			ask(t, "tcp", tcp).want(http.StatusOK, "")
			stop(t, h, tree)
		})
	}
}

// A crash loses what the app had accepted and nothing else, also when it happens again and again.
func TestCrash(t *testing.T) {
	t.Parallel()
	s, tcp, unixPath := open(t)
	const count, crashes = 20, 3
	var clients []client
	for i := range count {
		network, addr := "tcp", tcp
		if i%4 == 3 {
			network, addr = "unix", unixPath
		}
		clients = append(clients, ask(t, network, addr))
	}
	for range crashes {
		wantWaiting(t, s)
		h, tree := run(t, s, as(t, "crash"))
		wantReady(t, h, tree)
		if status, _ := tree.Wait(); status.ExitCode() != 3 {
			t.Error(status)
		}
		_ = h.Close()
	}
	wantWaiting(t, s)
	h, tree := run(t, s, as(t, "plain"))
	wantReady(t, h, tree)
	lost := 0
	for _, c := range clients {
		if status, _, err := c.answer(); err != nil {
			lost++
		} else if status != http.StatusOK {
			t.Errorf("status %d", status)
		}
	}
	if lost != crashes {
		t.Errorf("%d of %d connections are lost, want the %d that were accepted", lost, count, crashes)
	}
	stop(t, h, tree)
}

// An app that never accepts is not ready, whether somebody waits or not, and what a stranger tells does not count.
func TestNeverAccepts(t *testing.T) {
	t.Parallel()
	for _, waits := range []bool{true, false} {
		s, tcp, _ := open(t)
		if waits {
			ask(t, "tcp", tcp)
		}
		h, tree := run(t, s, as(t, "deaf"))
		if runtime.GOOS == "linux" { // elsewhere nobody tells who it was
			stranger, err := net.Dial("unixgram", h.notify.Name())
			if err != nil {
				t.Fatal(err)
			}
			defer stranger.Close()
			if _, err := io.WriteString(stranger, "READY=1"); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(limited(t))
		go func() {
			_ = s.Wait(ctx)                              // until somebody waits, if only Ready itself
			time.AfterFunc(200*time.Millisecond, cancel) // so that what has been told is not passed over
		}()
		err := h.Ready(ctx, tree)
		cancel()
		if e, ok := errors.AsType[*NotAcceptingError](err); !ok || e.Waiting != 1 || e.Hint() == "" {
			t.Errorf("somebody waits: %v: got %v", waits, err)
		}
		stop(t, h, tree)
	}
}

// When the process has ended, how it did is told by others.
func TestEndedBeforeReady(t *testing.T) {
	t.Parallel()
	s, _, _ := open(t)
	h, tree := run(t, s, process.Spec{Path: "/bin/sh", Args: []string{"-c", "exit 5"}})
	_, _ = tree.Wait()
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("it has ended")
	cancel(cause)
	if err := h.Ready(ctx, tree); err != cause {
		t.Errorf("got %v", err)
	}
}
