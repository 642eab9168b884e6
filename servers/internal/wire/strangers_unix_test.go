//go:build darwin || linux

package wire

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Another user's process that gets at the socket is refused, and the next client is served.
func TestStrangeClient(t *testing.T) {
	t.Parallel()
	command, open := stranger(t)
	folder := filepath.Join(open, "f")
	l := listening(t, folder)
	var refused []error
	l.Refused = func(err error) { refused = append(refused, err) }
	socket := filepath.Join(folder, SocketName)
	if out, err := command("as:client", socket).Output(); err == nil { // the folder is closed
		t.Errorf("it has connected: %s", out)
	}
	if err := errors.Join(os.Chmod(folder, 0o711), os.Chmod(socket, 0o777)); err != nil {
		t.Fatal(err)
	}
	accepted := make(chan *Conn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	out, err := command("as:client", socket).Output()
	if string(out) != "read 0 bytes\n" || err != nil {
		t.Errorf("it says %q, %v", out, err)
	}
	if err := os.Chmod(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	c, err := Dial(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if served := <-accepted; served != nil {
		defer served.Close()
		if served.Peer().PID != os.Getpid() {
			t.Errorf("served %v", served.Peer())
		}
	}
	if len(refused) != 1 {
		t.Fatalf("refused %v", refused)
	}
	if e, ok := errors.AsType[*PeerError](refused[0]); !ok || e.Peer.UID != 65534 {
		t.Errorf("refused %v", refused)
	}
}

// A client does not talk to another user's process, even in a folder of its own.
func TestStrangeBroker(t *testing.T) {
	t.Parallel()
	command, open := stranger(t)
	theirs := filepath.Join(open, SocketName)
	broker := command("as:broker", theirs)
	in, err := broker.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := broker.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Error(line, err)
	}
	folder := filepath.Join(open, "f")
	if err := errors.Join(os.Mkdir(folder, 0o700), os.Rename(theirs, filepath.Join(folder, SocketName))); err != nil {
		t.Fatal(err)
	}
	_, err = Dial(t.Context(), folder)
	if e, ok := errors.AsType[*PeerError](err); !ok || e.Peer.UID != 65534 {
		t.Errorf("got %v", err)
	}
	if err := os.Chown(folder, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if _, err = Dial(t.Context(), folder); !isFolder(err) {
		t.Errorf("the folder is theirs, too: %v", err)
	}
	_ = in.Close()
	_ = broker.Wait()
}

// A descriptor for which a process has no room is told as lost, and the next ones belong to their own frames.
func TestNoRoomForDescriptors(t *testing.T) {
	t.Parallel()
	folder := short(t)
	l := listening(t, folder)
	poor := self(t, "as:poor", folder)
	var out strings.Builder
	poor.Stdout = &out
	if err := poor.Start(); err != nil {
		t.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	w := newWitness(t)
	for _, text := range []string{"first", "second"} {
		c.receive(t)
		if err := c.Send(Frame{Kind: KindConn, FD: w.fd, Payload: []byte(text)}); err != nil {
			t.Fatal(err)
		}
	}
	err = poor.Wait()
	if want := "Conn first lost=true descriptor=false\nConn second lost=false descriptor=true\n"; out.String() != want || err != nil {
		t.Errorf("it says %q, %v", out.String(), err)
	}
	w.wantClosed(t)
}

// Where too many descriptors are under way, a frame waits as it does for a full buffer.
func TestTooManyUnderWay(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("this limit is Linux'")
	}
	command, _ := stranger(t) // root has no limit
	out, err := command("as:many", "").Output()
	text := string(out)
	if err != nil || !strings.Contains(text, "scarce=true, and then true <nil>") || strings.HasPrefix(text, "0 ") {
		t.Errorf("it says %q, %v", text, err)
	}
}
