//go:build linux || darwin

package handover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gorun-dev/gorun/internal/process"
)

func TestWait(t *testing.T) {
	t.Parallel()
	s, tcp, _ := open(t)
	cause := errors.New("no more")
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Wait(ctx) }()
	cancel(cause)
	if err := <-ended; err != cause {
		t.Errorf("got %v", err)
	}
	if err := s.Wait(ctx); err != cause {
		t.Errorf("a second time: %v", err)
	}
	go func() { ended <- s.Wait(limited(t)) }()
	ask(t, "tcp", tcp)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if queues := s.queues(); queues[0] != 1 {
		t.Errorf("the connection was taken: %v", queues)
	}
}

// What the program is given, in place of what gorun itself was given or what the user has set.
func TestPrepare(t *testing.T) {
	t.Parallel()
	s, _, _ := open(t)
	h := s.Hosting()
	spec := process.Spec{ExtraFiles: []*os.File{os.Stderr}, Env: []string{
		"A=1", "LISTEN_FDS=9", "LISTEN_PID=9", "GORUN_LISTEN_FDS=9", "GORUN_LISTEN_FDNAMES=x", "LISTEN_FDNAMES=x", "NOTIFY_SOCKET=/x",
		"ASPNETCORE_PORT=1", "ASPNETCORE_TOKEN=t", "ASPNETCORE_APPL_PATH=/",
	}}
	if err := h.Prepare(&spec); err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	want := fmt.Sprint([]string{"A=1", "ASPNETCORE_APPL_PATH=/", "LISTEN_FDS=2", "LISTEN_FDNAMES=http:https", "NOTIFY_SOCKET=" + h.notify.Name()})
	if got := fmt.Sprint(spec.Env); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(spec.ExtraFiles) != 3 || spec.ExtraFiles[2] != os.Stderr || !spec.ListenPID {
		t.Errorf("got %+v", spec)
	}
}

// The sockets block when a program gets them, unless another one has them still, which may have changed that for itself.
func TestBlockingMode(t *testing.T) {
	t.Parallel()
	s, tcp, _ := open(t)
	nonblocking := func() bool {
		mode, err := unix.FcntlInt(s.list[0].file.Fd(), unix.F_GETFL, 0)
		if err != nil {
			t.Fatal(err)
		}
		return mode&unix.O_NONBLOCK != 0
	}
	ask(t, "tcp", tcp)
	h, tree := run(t, s, as(t, "plain"))
	wantReady(t, h, tree)
	if !nonblocking() {
		t.Fatal("the Go runtime has not changed it: this test shows nothing")
	}
	second, other := run(t, s, as(t, "plain"))
	if !nonblocking() {
		t.Error("it was changed below a program that runs")
	}
	if _, err := s.Backlog(); !errors.Is(err, ErrInUse) {
		t.Errorf("the front may accept: %v", err)
	}
	stop(t, h, tree)
	stop(t, second, other)
	third := s.Hosting()
	defer third.Close()
	if err := third.Prepare(&process.Spec{}); err != nil || nonblocking() {
		t.Errorf("nobody has the sockets, and they do not block: %v", err)
	}
}

// An app that shuts the sockets down has done so for its front, too. TCP's listen again, a unix one cannot.
func TestShutDown(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("a listener cannot be shut down here")
	}
	s, tcp, _ := open(t)
	alone := &Sockets{list: s.list[:1], lent: map[*InProcess]bool{}}
	for range 2 {
		h, tree := run(t, alone, as(t, "shutdown"))
		_, _ = tree.Wait()
		_ = h.Close()
		if refused, err := net.Dial("tcp", tcp); err == nil {
			refused.Close()
			t.Fatal("it has not shut the socket down")
		}
		over, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // it is revived and nobody comes
		if err := alone.Wait(over); err != context.DeadlineExceeded {
			t.Fatal(err)
		}
		cancel()
		first := ask(t, "tcp", tcp)
		wantWaiting(t, alone)
		h, tree = run(t, alone, as(t, "plain"))
		wantReady(t, h, tree)
		first.want(http.StatusOK, "plain ")
		stop(t, h, tree)
	}
	_, tree := run(t, s, as(t, "shutdown"))
	_, _ = tree.Wait()
	err := s.Wait(limited(t))
	if e, ok := errors.AsType[*LostError](err); !ok || e.Addr.Network() != "unix" || e.Hint() == "" {
		t.Errorf("got %v", err)
	}
	if err := s.Hosting().Prepare(&process.Spec{}); err == nil {
		t.Error("a socket on which nobody can wait is handed over")
	}
}

// A new connection wakes nobody in the front while the app runs: the runtime does not poll the sockets.
func TestNotPolled(t *testing.T) {
	t.Parallel()
	s, _, _ := open(t)
	for _, l := range s.list {
		if err := l.file.SetDeadline(time.Now()); !errors.Is(err, os.ErrNoDeadline) {
			t.Errorf("%v is polled: %v", l.addr, err)
		}
	}
	if s.list[0].original != nil {
		t.Error("the listener is still open")
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	if _, err := New(nil); err == nil {
		t.Error("no socket is enough")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	strange := struct{ net.Listener }{l}
	if _, err := New([]Socket{{l, "http"}, {strange, "http"}}); err == nil || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("got %v", err)
	}
	go func() { // it is still as it was
		if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
			conn.Close()
		}
	}()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}
