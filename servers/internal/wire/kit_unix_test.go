//go:build darwin || linux

package wire

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// pair gives two ends that are closed when the test is over.
func pair(t testing.TB) (a, b *Conn) {
	t.Helper()
	a, b, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = a.Close()
		_ = b.Close()
	})
	return a, b
}

// short makes a folder whose path leaves room for a socket; t.TempDir's has the test's name in it.
func short(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "wire-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "f")
}

// witness is a descriptor of which one can tell that it is closed everywhere.
type witness struct {
	fd   int
	read *os.File
}

func newWitness(t testing.TB) *witness {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	fd, err := syscall.Dup(int(write.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	syscall.CloseOnExec(fd)
	t.Cleanup(func() { read.Close() })
	return &witness{fd, read}
}

// wantClosed waits for the last copy to be closed, the witness' own first.
func (w *witness) wantClosed(t testing.TB) {
	t.Helper()
	_ = syscall.Close(w.fd)
	_ = w.read.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := w.read.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("a descriptor is open: %v", err)
	}
}

// wantWhole writes to a descriptor that was received, and reads from the witness.
func (w *witness) wantWhole(t testing.TB, fd int) {
	t.Helper()
	if _, err := syscall.Write(fd, []byte{'!'}); err != nil {
		t.Errorf("descriptor %d: %v", fd, err)
		return
	}
	var b [1]byte
	if _, err := io.ReadFull(w.read, b[:]); err != nil || b[0] != '!' {
		t.Errorf("descriptor %d is another: %q, %v", fd, b, err)
	}
}

// receive is Receive that has to succeed.
func (c *Conn) receive(t testing.TB) Frame {
	t.Helper()
	f, err := c.Receive()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// raw writes bytes and descriptors as they are.
func (c *Conn) rawSend(t testing.TB, b []byte, fds ...int) {
	t.Helper()
	var rights []byte
	if len(fds) > 0 {
		rights = syscall.UnixRights(fds...)
	}
	if _, _, err := c.socket.WriteMsgUnix(b, rights, nil); err != nil {
		t.Fatal(err)
	}
}
