//go:build linux || darwin

package broker

import (
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// A worker without room for a connection's descriptor loses nothing: another worker gets the connection, and it is the right one.
func TestLostToAnother(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	poor := connect(t, b, &app{name: "poor", idle: true}).open(wire.Open{Queue: "q"})
	prefix := poor.add("http://localhost:0/")[0]
	addr := portOf(t, prefix)
	var all []*visitor
	for _, path := range []string{"/taken", "/lost", "/kept"} {
		all = append(all, dial(t, addr).ask("localhost", path))
		eventually(t, "it has come", func() bool { return poor.came() == len(all) })
	}
	connect(t, b, &app{name: "rich"}).open(wire.Open{Queue: "q"}).serve()
	for _, f := range []wire.Frame{wire.TakenFrame(1), wire.LostFrame()} {
		if err := poor.conn.Send(f); err != nil {
			t.Fatal(err)
		}
	}
	all[1].want(200, "rich /lost")
	poor.leave()
	all[2].want(200, "rich /kept")
	if status, _ := all[0].answer(); status > 0 {
		t.Errorf("what was taken is answered with %d, though its worker has gone", status)
	}
}

// The only worker gets it again, after a rest, and not for ever.
func TestLostAlone(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	a := connect(t, b, &app{name: "a", idle: true}).open(wire.Open{QueueTimeout: 400, Verbosity: wire.Full})
	addr := portOf(t, a.add("http://localhost:0/")[0])
	v := dial(t, addr).ask("localhost", "/")
	told := make(chan struct{})
	go func() {
		defer close(told)
		for n := 1; ; n++ {
			for a.came() < n {
				select {
				case <-a.done:
					return
				default:
				}
			}
			if a.conn.Send(wire.LostFrame()) != nil {
				return
			}
		}
	}()
	v.want(503, "not taken the request in time")
	if n := a.came(); n < 2 || n > 100 {
		t.Errorf("it came %d times", n)
	}
	a.leave()
	<-told
}

// Who has lost what it was not sent breaks the protocol.
func TestLostNothing(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	a := connect(t, b, &app{name: "a"}).open(wire.Open{})
	if err := a.conn.Send(wire.LostFrame()); err != nil {
		t.Fatal(err)
	}
	<-a.done
}

// What a worker hands back though it knows that it is its own does not come back for ever, whatever else has changed meanwhile.
func TestBackThoughOthersCame(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	one := connect(t, b, &app{name: "one"}).open(wire.Open{Verbosity: wire.Full})
	addr := portOf(t, one.add("http://localhost:0/")[0])
	v := dial(t, addr).ask("localhost", "/")
	c := (<-one.given).(*replay).Conn.(*net.TCPConn)
	defer c.Close()
	connect(t, b, &app{name: "two"}).open(wire.Open{}, "http://localhost:0/") // of which one is told nothing
	if err := one.back(t, c, wire.Handback{Read: []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")}); err != nil {
		t.Error(err)
	}
	v.want(503, "")
	if n := one.came(); n != 1 {
		t.Errorf("it came %d times", n)
	}
}

// A description that no frame has room for harms who has sent it, and not who would be sent it.
func TestBackDescribedAtLength(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	good := connect(t, b, &app{name: "good"}).open(wire.Open{}).serve()
	prefix := good.add("http://localhost:0/")[0]
	bad := connect(t, b, &app{name: "bad"}).open(wire.Open{})
	conn, fd, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	defer wire.Frame{FD: fd}.Close()
	payload, err := wire.Handback{Meta: &wire.Meta{Local: portOf(t, prefix), Remote: strings.Repeat("x", wire.MaxPayload/2)},
		Read: []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")}.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	payload = []byte(strings.ReplaceAll(string(payload), "xxxx", "<<<<")) // as one letter here, and as six in our JSON
	if err := bad.conn.Send(wire.Frame{Kind: wire.KindBack, FD: fd, Payload: payload}); err != nil {
		t.Fatal(err)
	}
	<-bad.done
	want(t, portOf(t, prefix), "localhost", "/", 200, "good /")
}

// All prefixes fit into one message, and who registers more is told so.
func TestTooManyPrefixes(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	a := connect(t, b, &app{name: "a"}).open(wire.Open{}).serve()
	prefix := a.add("http://localhost:0/")[0]
	w := watcher(t, b)
	if _, err := w.Watch(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	var err error
	for n := 0; err == nil && n < 100; n++ {
		var list []string
		for i := range 20 {
			list = append(list, prefix+strings.Repeat("&", 900)+string(rune('a'+i))+strings.Repeat("b", n))
		}
		err = a.ask(wire.KindAdd, wire.Add{Prefixes: list}, nil)
	}
	if e, ok := errors.AsType[*wire.Error](err); !ok || e.Code != wire.CodeLimit || e.Hint() == "" {
		t.Fatal(err)
	}
	want(t, portOf(t, prefix), "localhost", "/", 200, "a /")
	s := show(t, b)
	if text, err := json.Marshal(s); err != nil || len(text) > wire.MaxPayload {
		t.Errorf("the state has %d bytes, %v", len(text), err)
	}
}
