//go:build linux || darwin

package broker_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gorun-dev/gorun/servers/httpsys/broker"
)

// daemonRole is the first argument of the test binary when it is a broker's process.
const daemonRole = "as-a-broker:"

// TestMain lets the test binary be the broker's process.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if role, ok := strings.CutPrefix(os.Args[1], daemonRole); ok {
			os.Exit(daemon(role))
		}
	}
	os.Exit(m.Run())
}

// daemon is a broker's process. "lame" says why it cannot be one, "mute" never gets ready, "low" wants a low port, and "open" says first what is open.
func daemon(role string) int {
	switch role {
	case "low":
		return low()
	case "lame":
		fmt.Fprintln(os.Stderr, "the leg is broken")
		return 1
	case "mute":
		outlive(os.Getenv("GORUN_HTTPSYS"))
		return 1
	}
	if err := broker.Alone(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	folder := os.Getenv("GORUN_HTTPSYS")
	options := broker.Options{Folder: folder, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Linger: 100 * time.Millisecond}
	err := broker.Run(context.Background(), options, func() {
		if err := broker.Settle(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		fmt.Fprintln(os.Stderr, "ready in", mustGetwd(), "secret:", os.Getenv("SECRET"), "open:", openFiles())
	})
	if broker.IsRunning(err) {
		return 9
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func mustGetwd() string {
	dir, err := os.Getwd()
	if err != nil {
		return err.Error()
	}
	return dir
}

// openFiles counts the descriptors above 2 that are regular files.
func openFiles() (n int) {
	for fd := 3; fd < 256; fd++ {
		var stat unix.Stat_t
		if unix.Fstat(fd, &stat) == nil && stat.Mode&unix.S_IFMT == unix.S_IFREG && stat.Size == 7 {
			n++ // the test's file; the lock is empty
		}
	}
	return n
}

// launcher is a Launcher for a folder whose path is short enough for a socket. Whatever broker is there is ended after the test.
func launcher(t *testing.T, folder, role string) *broker.Launcher {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	environ := append(os.Environ(), "SECRET=sesame")
	return &broker.Launcher{
		Folder: folder, Path: self, Args: []string{"gorun", daemonRole + role}, Environ: broker.DaemonEnviron(environ, folder), Program: "test",
	}
}

// aliveIn is the socket of a test that lives, beside its folder.
func aliveIn(folder string) string { return filepath.Join(filepath.Dir(folder), "alive") }

// outlive waits for the end of the test whose folder that is: then nobody has its socket any more.
func outlive(folder string) {
	if conn, err := net.Dial("unix", aliveIn(folder)); err == nil {
		_, _ = io.Copy(io.Discard, conn)
	}
}

func shortFolder(t *testing.T) string {
	t.Helper()
	parent, err := os.MkdirTemp("/tmp", "gorun")
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(parent, "b")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if client, err := broker.Connect(ctx, folder, broker.Hello{Role: broker.Tool}); err == nil {
			if err := client.Stop(ctx); err != nil {
				t.Errorf("the broker does not end: %v", err)
			}
			_ = client.Close()
		}
		os.RemoveAll(parent)
	})
	return folder
}

func ensure(t *testing.T, l *broker.Launcher) *broker.Client {
	t.Helper()
	client, err := l.Ensure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	t.Cleanup(l.Close)
	return client
}

// The process has a session of its own and neither our folder, our files nor our secrets; the second call finds it.
func TestEnsureStartsABrokerOfItsOwn(t *testing.T) {
	folder := shortFolder(t)
	leaked, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer leaked.Close()
	if _, err := leaked.WriteString("7 bytes"); err != nil {
		t.Fatal(err)
	}
	// As from a shell that has opened it: without the mark that it is to be closed.
	if _, err := unix.FcntlInt(leaked.Fd(), unix.F_SETFD, 0); err != nil {
		t.Fatal(err)
	}
	client := ensure(t, launcher(t, folder, ""))
	pid := client.Broker().PID
	if session, err := unix.Getsid(pid); err != nil || session != pid {
		t.Errorf("process %d is in session %d, %v", pid, session, err)
	}
	if again := ensure(t, launcher(t, folder, "lame")); again.Broker().PID != pid {
		t.Errorf("there is a second broker, process %d beside %d", again.Broker().PID, pid)
	}
	log := filepath.Join(folder, "broker.log")
	if line := firstLine(t, log); line != "ready in / secret:  open: 0" {
		t.Errorf("the log begins with %q", line)
	}
	if info, err := os.Stat(log); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the log is %v, %v", info, err)
	}
}

// firstLine waits until a file has one.
func firstLine(t *testing.T, path string) string {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		file, err := os.Open(path)
		if err == nil {
			line, err := bufio.NewReader(file).ReadString('\n')
			_ = file.Close()
			if err == nil {
				return strings.TrimSpace(line)
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s has no line: %v", path, err)
		}
	}
}

// Of many that start one at the same time all get the same.
func TestEnsureAtOnce(t *testing.T) {
	t.Parallel()
	folder := shortFolder(t)
	var wait sync.WaitGroup
	pids := make([]int, 4)
	for i := range pids {
		l := launcher(t, folder, "")
		wait.Go(func() {
			defer l.Close()
			client, err := l.Ensure(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			pids[i] = client.Broker().PID
			t.Cleanup(func() { _ = client.Close() })
		})
	}
	wait.Wait()
	for _, pid := range pids {
		if pid != pids[0] {
			t.Errorf("there are several brokers: %v", pids)
		}
	}
}

// A broker that was killed has left its socket behind; another one takes its place, and its process is waited for.
func TestEnsureAfterAKill(t *testing.T) {
	t.Parallel()
	l := launcher(t, shortFolder(t), "")
	client := ensure(t, l)
	pid := client.Broker().PID
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-client.Done()
	if other := ensure(t, l).Broker().PID; other == pid {
		t.Errorf("process %d is still the broker", pid)
	}
	for deadline := time.Now().Add(20 * time.Second); syscall.Kill(pid, 0) == nil; l.Close() {
		if time.Now().After(deadline) {
			t.Fatalf("nobody has waited for process %d", pid)
		}
	}
}

// One that is not used ends by itself.
func TestBrokerEndsUnused(t *testing.T) {
	t.Parallel()
	l := launcher(t, shortFolder(t), "")
	client, err := l.Ensure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = client.Close()
	lock, err := os.Open(filepath.Join(l.Folder, "broker.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	ended := make(chan error, 1)
	go func() { ended <- unix.Flock(int(lock.Fd()), unix.LOCK_SH) }()
	select {
	case err := <-ended:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it has not ended")
	}
	l.Close()
}

func TestEnsureFails(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*broker.Launcher)
		want   string // in the error or its details
	}{
		"cannot be started": {func(l *broker.Launcher) { l.Path = file + "-none" }, "no such file"},
		"says why it ends":  {func(l *broker.Launcher) { l.Args[1] = daemonRole + "lame" }, "the leg is broken"},
		"folder is a file":  {func(l *broker.Launcher) { l.Folder, l.Environ = file, []string{"GORUN_HTTPSYS=" + file} }, "it is not a folder"},
		"long folder":       {func(l *broker.Launcher) { l.Folder = "/tmp/" + strings.Repeat("x", 200) }, "bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := launcher(t, shortFolder(t), "")
			test.change(l)
			defer l.Close()
			client, err := l.Ensure(t.Context())
			if err == nil {
				_ = client.Close()
				t.Fatal("there is a broker")
			}
			text := err.Error()
			if failed, ok := errors.AsType[*broker.LaunchError](err); ok {
				text += "\n" + strings.Join(failed.Details(), "\n")
				if failed.Hint() == "" {
					t.Error("there is no hint")
				}
			}
			if !strings.Contains(text, test.want) {
				t.Errorf("error %q has no %q", text, test.want)
			}
		})
	}
}

// What to do is said by the broker's process where it knows, and once.
func TestLaunchErrorHint(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err     broker.LaunchError
		details int
		hint    string
	}{
		"it says what to do": {broker.LaunchError{Output: "gorun: no room\nhint: sweep"}, 1, "sweep"},
		"it says no more":    {broker.LaunchError{Output: "panic: x\nmain.main"}, 2, "set GORUN_HTTPSYS to another folder if it is the folder that cannot be used"},
		"it says nothing":    {broker.LaunchError{Folder: "/b"}, 0, "/b/broker.log has what it says; end its process if there is one"},
		"and hangs":          {broker.LaunchError{Folder: "/b", Process: 7}, 0, "/b/broker.log has what it says; end its process if there is one: kill -KILL 7"},
	} {
		if got := test.err.Hint(); got != test.hint || len(test.err.Details()) != test.details {
			t.Errorf("%s: %q with %q", name, got, test.err.Details())
		}
	}
}

// The process is known although it answers nobody.
func TestProcessOfABroker(t *testing.T) {
	t.Parallel()
	l := launcher(t, shortFolder(t), "")
	if pid := broker.Process(l.Folder); pid != 0 {
		t.Errorf("process %d is there before any", pid)
	}
	pid := ensure(t, l).Broker().PID
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(pid, syscall.SIGCONT)
	if got := broker.Process(l.Folder); got != pid {
		t.Errorf("process %d, want %d", got, pid)
	}
}

// Whoever does not want to wait any more gets the cause.
func TestEnsureEndsWithItsContext(t *testing.T) {
	t.Parallel()
	folder := shortFolder(t)
	alive, err := net.Listen("unix", aliveIn(folder))
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	l := launcher(t, folder, "mute")
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	defer time.AfterFunc(50*time.Millisecond, func() { cancel(cause) }).Stop()
	if _, err := l.Ensure(ctx); err != cause {
		t.Errorf("error %v, want the cause", err)
	}
	l.Close() // it goes on, and ends with the test
}
