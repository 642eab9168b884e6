//go:build linux || darwin

package broker

import (
	"errors"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// A worker that has no prefixes of its own knows those of the queue that it joins before it is sent a connection, and new ones as any
// other.
func TestAttached(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Barrier: 300 * time.Millisecond})
	one := connect(t, b, &app{name: "one", idle: true}).open(wire.Open{Queue: "q"})
	prefix := one.add("http://localhost:0/")[0]
	two := connect(t, b, &app{name: "two", silent: true})
	if err := two.ask(wire.KindOpen, wire.Open{Queue: "q", Mode: wire.Attach}, nil); err != nil {
		t.Fatal(err)
	}
	first := <-two.tables
	if len(first.Entries) != 1 || first.Entries[0] != (wire.Entry{Prefix: prefix, Mine: true}) {
		t.Errorf("it is told %+v", first)
	}
	other := connect(t, b, &app{name: "other"}).open(wire.Open{})
	begun := time.Now()
	other.add(prefix + "other/")
	if waited := time.Since(begun); waited < 300*time.Millisecond {
		t.Errorf("added after %v, before two knew", waited)
	}
	second := <-two.tables
	for len(second.Entries) < 2 {
		second = <-two.tables
	}
	if second.Version <= first.Version {
		t.Errorf("it is told %+v after %+v", second, first)
	}
}

// What a worker has said that it takes before it was cut off is its own, though nobody had read that: it is not given to another as
// well. What it says afterwards does not count, and it knows that.
func TestCutOff(t *testing.T) {
	t.Parallel()
	b := core(t)
	q := newQueue(wire.Open{})
	conn, far, err := wire.Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	m := &member{broker: b, conn: conn, hello: wire.Hello{Program: "cut"}}
	m.worker = &worker{member: m, queue: q}
	if err := b.do(func() { b.members[m], b.all[q] = struct{}{}, struct{}{} }); err != nil {
		t.Fatal(err)
	}
	q.join(m.worker)
	taken, lefts := [2]*visit{}, make(chan struct{})
	for i := range taken {
		taken[i], _ = visited(t)
		b.give(q, taken[i])
	}
	held, release := make(chan struct{}), make(chan struct{})
	go b.do(func() {
		close(held)
		<-release
	})
	<-held
	go func() {
		defer close(lefts)
		_ = m.read() // the goroutine of a member, without its hello
		m.end()
		b.leave(m)
	}()
	known, err := wire.Message(wire.KindKnown, 0, wire.Known{Version: 1})
	if err = errors.Join(err, far.Send(known), far.Send(wire.TakenFrame(1))); err != nil { // the first is waiting for who is held
		t.Fatal(err)
	}
	b.cut(m)
	if runtime.GOOS == "linux" {
		if err := far.Send(wire.TakenFrame(1)); err == nil {
			t.Error("it can still take")
		}
	}
	close(release)
	<-lefts
	if taken[0].fd != -1 || m.worker != nil {
		t.Errorf("what it has taken is still here: %+v", taken[0])
	}
	if taken[1].tries != 1 {
		t.Errorf("what it has not taken is not given to others: %+v", taken[1])
	}
	for range 2 { // what it was sent it gets
		if f, err := far.Receive(); err != nil || f.Kind != wire.KindConn {
			t.Errorf("%v, %v", f.Kind, err)
		} else {
			f.Close()
		}
	}
	if _, err := far.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("and then %v", err)
	}
}

// Whoever cannot be told something is cut off, and does not wait for it for ever.
func TestTooLargeToSend(t *testing.T) {
	t.Parallel()
	b := core(t)
	conn, far, err := wire.Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	m := &member{broker: b, conn: conn}
	defer m.end()
	if m.post(wire.Frame{Kind: wire.KindTable, Payload: make([]byte, wire.MaxPayload+1)}) || m.post(wire.Frame{Kind: wire.KindState}) {
		t.Error("it was sent")
	}
	if _, err := far.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("it gets %v", err)
	}
}
