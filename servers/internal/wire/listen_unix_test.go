//go:build darwin || linux

package wire

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// listening is a Listener that is closed when the test is over.
func listening(t testing.TB, folder string) *Listener {
	t.Helper()
	l, err := Listen(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// connected gives both ends of a connection by way of a folder.
func connected(t testing.TB) (client, broker *Conn) {
	t.Helper()
	folder := short(t)
	l := listening(t, folder)
	client, err := Dial(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	broker, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.Close()
		_ = broker.Close()
	})
	return client, broker
}

func TestDialAndListen(t *testing.T) {
	t.Parallel()
	client, broker := connected(t)
	us := Peer{PID: os.Getpid(), UID: os.Getuid()}
	if client.Peer() != us || broker.Peer() != us {
		t.Errorf("got %v and %v, want %v", client.Peer(), broker.Peer(), us)
	}
	w := newWitness(t)
	for _, way := range [][2]*Conn{{client, broker}, {broker, client}} {
		if err := way[0].Send(Frame{Kind: KindConn, FD: w.fd}); err != nil {
			t.Fatal(err)
		}
		f := way[1].receive(t)
		w.wantWhole(t, f.FD)
		f.Close()
	}
	w.wantClosed(t)
}

// One broker lives in a folder at a time; a dead one is in nobody's way.
func TestListenTwice(t *testing.T) {
	t.Parallel()
	folder := short(t)
	l := listening(t, folder)
	if _, err := Listen(folder); !errors.Is(err, ErrRunning) {
		t.Errorf("the second: %v", err)
	}
	var accepting sync.WaitGroup
	accepting.Go(func() {
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept: %v", err)
		}
	})
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Error(err)
	}
	accepting.Wait()
	if _, err := Dial(t.Context(), folder); !isNoBroker(err) {
		t.Errorf("it has gone: %v", err)
	}
	l = listening(t, folder)
	_ = l.Close()
	holder := self(t, "as:holder", folder)
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Error(line, err)
	}
	if _, err := Listen(folder); !errors.Is(err, ErrRunning) {
		t.Errorf("while another process has it: %v", err)
	}
	_ = in.Close()
	_ = holder.Wait()
	if _, err := os.Lstat(filepath.Join(folder, SocketName)); err != nil {
		t.Errorf("it has left no socket: %v", err)
	}
	_, err = Dial(t.Context(), folder)
	if !isNoBroker(err) {
		t.Errorf("it is dead: %v", err)
	}
	listening(t, folder)
}

func isNoBroker(err error) bool {
	e, ok := errors.AsType[*NoBrokerError](err)
	return ok && strings.Contains(e.Hint(), "gorun httpsys start")
}

func TestDialIsCancelled(t *testing.T) {
	t.Parallel()
	folder := short(t)
	listening(t, folder)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	if _, err := Dial(ctx, folder); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}

func isFolderError(err error) bool {
	_, ok := errors.AsType[*FolderError](err)
	return ok
}

// A folder that others could use is refused by both ends.
func TestFolders(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		make   func(t *testing.T, path string) error
		reason string
	}{
		"others": {func(_ *testing.T, path string) error {
			return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o770))
		}, "mode 770"},
		"link":       {func(t *testing.T, path string) error { return os.Symlink(short(t)+"/..", path) }, "symbolic link"},
		"file":       {func(_ *testing.T, path string) error { return os.WriteFile(path, nil, 0o600) }, "not a folder"},
		"file above": {func(_ *testing.T, path string) error { return os.WriteFile(filepath.Dir(path)+"/x", nil, 0o600) }, "cannot be made"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := short(t)
			if err := row.make(t, folder); err != nil {
				t.Fatal(err)
			}
			if name == "file above" {
				folder = filepath.Dir(folder) + "/x/f"
			}
			_, err := Listen(folder)
			e, ok := errors.AsType[*FolderError](err)
			if !ok || e.Folder != folder || !strings.Contains(err.Error(), row.reason) || !strings.Contains(e.Hint(), Variable) {
				t.Errorf("Listen: %v", err)
			}
			if _, err := Dial(t.Context(), folder); !isFolderError(err) {
				t.Errorf("Dial: %v", err)
			}
		})
	}
	folder := short(t)
	listening(t, folder)
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), folder); !isFolder(err) {
		t.Errorf("the folder is open now: %v", err)
	}
	long := "/tmp/" + strings.Repeat("x", 100)
	if _, err := Listen(long); !isFolder(err) {
		t.Errorf("a long path: %v", err)
	}
	if _, err := Dial(t.Context(), long); !isFolder(err) {
		t.Errorf("a long path: %v", err)
	}
}

func isFolder(err error) bool {
	_, ok := errors.AsType[*FolderError](err)
	return ok
}

// The folder is free after Close, also when a child that is being started has a copy of the lock's descriptor for a moment.
func TestCloseGivesTheLockBack(t *testing.T) {
	t.Parallel()
	folder := short(t)
	l, err := Listen(folder)
	if err != nil {
		t.Fatal(err)
	}
	child, err := syscall.Dup(int(l.lock.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(child)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Listen(folder)
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
}
