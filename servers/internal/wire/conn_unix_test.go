//go:build darwin || linux

package wire

import (
	"io"
	"net"
	"syscall"
	"testing"
)

func TestNetConn(t *testing.T) {
	t.Parallel()
	fds, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	a, err := NetConn(fds[0])
	if err != nil {
		t.Fatal(err)
	}
	b, err := NetConn(fds[1])
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := io.WriteString(a, "hello"); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	if text, err := io.ReadAll(b); string(text) != "hello" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	w := newWitness(t)
	copied, err := syscall.Dup(w.fd)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := NetConn(copied); err == nil {
		c.Close()
		t.Error("a pipe is a connection")
	}
	w.wantClosed(t)
}

// BenchmarkHandover is what a connection costs that goes from one end to the other: sendmsg, recvmsg and close.
func BenchmarkHandover(b *testing.B) {
	to, from := connected(b) // as from the broker to a worker
	w := newWitness(b)
	message, err := Handover{}.Append(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := from.TrySend(Frame{Kind: KindConn, FD: w.fd, Payload: message}); !ok || err != nil {
			b.Fatal(ok, err)
		}
		f, err := to.Receive()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := ParseHandover(f.Payload); err != nil {
			b.Fatal(err)
		}
		_ = syscall.Close(f.FD)
	}
}

// BenchmarkSystem is the same without this package: what the system takes.
func BenchmarkSystem(b *testing.B) {
	fds, err := socketPair()
	if err != nil {
		b.Fatal(err)
	}
	w := newWitness(b)
	oob := make([]byte, 64)
	p := make([]byte, 64)
	for b.Loop() {
		if _, err := syscall.SendmsgN(fds[0], p[:10], syscall.UnixRights(w.fd), nil, 0); err != nil {
			b.Fatal(err)
		}
		_, n, _, _, err := syscall.Recvmsg(fds[1], p, oob, 0)
		if err != nil {
			b.Fatal(err)
		}
		_ = syscall.Close(appendRights(nil, oob[:n])[0])
	}
}

// BenchmarkNetConn is what it costs to make a net.Conn of what was handed over.
func BenchmarkNetConn(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	raw, err := client.(*net.TCPConn).SyscallConn()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var fd int
		_ = raw.Control(func(s uintptr) { fd, err = syscall.Dup(int(s)) })
		if err != nil {
			b.Fatal(err)
		}
		c, err := NetConn(fd)
		if err != nil {
			b.Fatal(err)
		}
		_ = c.Close()
	}
}
