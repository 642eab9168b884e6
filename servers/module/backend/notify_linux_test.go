package backend

import (
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/gorun-dev/gorun/internal/process"
)

func say(t testing.TB, s *NotifySocket, text string, rights ...int) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	var oob []byte
	if len(rights) > 0 {
		oob = syscall.UnixRights(rights...)
	}
	if err := syscall.Sendmsg(fd, []byte(text), oob, &syscall.SockaddrUnix{Name: s.Name()}, 0); err != nil {
		t.Fatal(err)
	}
}

func TestNotifySocket(t *testing.T) {
	t.Parallel()
	s, err := ListenNotify()
	if err != nil {
		t.Fatal(err)
	}
	say(t, s, "READY=1\nX_GORUN_PAIRED=1\n", 0, 1, 2) // descriptors that nobody has asked for
	n, err := s.Next()
	if err != nil || !slices.Equal(n.Lines, []string{"READY=1", "X_GORUN_PAIRED=1"}) || n.PID != os.Getpid() {
		t.Errorf("got %+v, %v", n, err)
	}
	say(t, s, "")
	if n, err := s.Next(); err != nil || n.Has("READY=1") {
		t.Errorf("got %+v, %v", n, err)
	}
	done := make(chan error)
	go func() {
		_, err := s.Next()
		done <- err
	}()
	s.Close()
	if err := <-done; err == nil {
		t.Error("Next goes on after Close")
	}
}

// Only what comes from the tree counts.
func TestNoticesOfStrangers(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	env := environment(os.Environ())
	s, err := ListenNotify()
	if err != nil {
		t.Fatal(err)
	}
	env.set("BACKEND_TEST_NOTIFY", s.Name())
	tree, err := process.Start(process.Spec{Path: self, Args: []string{"-test.run=^TestTellReady$"}, Env: env, Stderr: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	say(t, s, "READY=1\nX_GORUN_PAIRED=1") // from here
	var heard []Notice
	n := &notices{socket: s}
	woken := n.follow(tree, func(n Notice) { heard = append(heard, n) })
	closes(t, "the program's message", woken)
	_ = tree.Kill()
	_, _ = tree.Wait()
	n.close()
	if len(heard) != 1 || heard[0].PID != tree.PID() {
		t.Errorf("heard %+v", heard)
	}
}

// TestTellReady is the program of TestNoticesOfStrangers.
func TestTellReady(t *testing.T) {
	name := os.Getenv("BACKEND_TEST_NOTIFY")
	if name == "" {
		return
	}
	say(t, &NotifySocket{name: name}, "READY=1")
	select {}
}
