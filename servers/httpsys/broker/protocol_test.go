//go:build linux || darwin

package broker

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// Of a program that does not read what it is sent others notice nothing, and it is cut off when too much of it is kept.
func TestNeverReads(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Barrier: time.Millisecond})
	deaf, err := wire.Dial(t.Context(), b.folder)
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	send := func(kind wire.Kind, id uint32, v any) error {
		f, err := wire.Message(kind, id, v)
		if err != nil {
			t.Fatal(err)
		}
		return deaf.Send(f)
	}
	if err := errors.Join(send(wire.KindHello, 1, wire.Hello{Protocol: wire.Version, Program: "deaf"}), send(wire.KindOpen, 2, wire.Open{Mode: wire.Create})); err != nil {
		t.Fatal(err)
	}
	a := connect(t, b, &app{name: "a"}).open(wire.Open{}).serve()
	prefix := a.add("http://localhost:0/")[0]
	if err := errors.Join(send(wire.KindAdd, 3, wire.Add{Prefixes: []string{prefix + "deaf/"}}), send(wire.KindWatch, 0, nil)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it has a prefix", func() bool { return len(show(t, b).Queues) == 2 })
	for i := range 100 { // each is a table and a state for it
		a.add(fmt.Sprintf("%s%d/", prefix, i))
	}
	want(t, portOf(t, prefix), "localhost", "/", 200, "a /")
	for err = nil; err == nil; {
		err = send(wire.KindOpen, 4, wire.Open{Mode: wire.Create}) // each is answered
	}
	eventually(t, "it is cut off", func() bool { return len(show(t, b).Queues) == 1 })
	want(t, portOf(t, prefix), "localhost", "/", 200, "a /")
}

// Somebody who speaks another version is told so.
func TestOtherVersion(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	c, err := wire.Dial(t.Context(), b.folder)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f, _ := wire.Message(wire.KindHello, 1, wire.Hello{Protocol: wire.Version + 1, Version: "v9"})
	if err := c.Send(f); err != nil {
		t.Fatal(err)
	}
	f, err = c.Receive()
	if err != nil {
		t.Fatal(err)
	}
	e, ok := errors.AsType[*wire.Error](f.Reply(nil))
	if !ok || e.Code != wire.CodeProtocol || !strings.Contains(e.Message, "v9") || !strings.Contains(e.Message, "v-test") || e.Hint() == "" {
		t.Errorf("%v", e)
	}
}

// Whatever a program sends, it harms nobody but itself.
func TestNonsense(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	a := connect(t, b, &app{name: "a"}).open(wire.Open{}).serve()
	addr := portOf(t, a.add("http://localhost:0/")[0])
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	head := "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
	whole, err := wire.Handback{Read: []byte(head)}.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	payloads := [][]byte{nil, {0}, {2, 0xff}, {0, 0, 0, 9}, []byte("{"), []byte("null"), []byte(`{"Prefixes":[""]}`), []byte(`{"Mode":"Create"}`), whole}
	for kind := wire.Kind(0); kind < 20; kind++ {
		if kind == wire.KindStop {
			continue
		}
		for _, payload := range payloads {
			for _, fd := range []int{0, int(r.Fd())} {
				c, err := wire.Dial(t.Context(), b.folder)
				if err != nil {
					t.Fatal(err)
				}
				hello, _ := wire.Message(wire.KindHello, 1, wire.Hello{Protocol: wire.Version})
				c.Send(hello)
				for range 2 {
					c.Send(wire.Frame{Kind: kind, ID: 2, Payload: payload, FD: fd}) // it may have been cut off
				}
				c.Close()
			}
		}
	}
	want(t, addr, "localhost", "/", 200, "a /")
	eventually(t, "all have gone", func() bool { s := show(t, b); return len(s.Queues) == 1 })
}
