//go:build darwin || linux

package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TrySend never waits, a frame that it has begun is sent whole, and Room tells when there is some.
func TestTrySend(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"small": 100, "large": MaxPayload} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := pair(t)
			w := newWitness(t)
			sent := uint32(0)
			for {
				ok, err := a.TrySend(Frame{Kind: KindConn, ID: sent, FD: w.fd, Payload: make([]byte, size)})
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					break
				}
				sent++
			}
			if sent == 0 {
				t.Fatal("nothing is sent")
			}
			room := a.Room()
			select {
			case <-room:
				if ok, err := a.TrySend(Frame{Kind: KindConn, Payload: make([]byte, size)}); !ok || err != nil {
					t.Log("there is room, and yet none:", err) // as the system counts
				} else {
					sent++
				}
			default:
			}
			for i := range sent {
				f := b.receive(t)
				if len(f.Payload) != size {
					t.Fatalf("frame %d has %d bytes", i, len(f.Payload))
				}
				f.Close()
			}
			<-room
			if ok, err := a.TrySend(Frame{Kind: KindStop}); !ok || err != nil {
				t.Errorf("all is read: %t, %v", ok, err)
			}
			if f := b.receive(t); f.Kind != KindStop {
				t.Errorf("got %+v", f)
			}
			w.wantClosed(t)
		})
	}
}

// fill sends until nothing goes any more.
func (c *Conn) fill(t *testing.T) {
	t.Helper()
	for {
		if ok, err := c.TrySend(Frame{Kind: KindTable, Payload: make([]byte, 1000)}); err != nil {
			t.Fatal(err)
		} else if !ok {
			return
		}
	}
}

func TestSendGivesUp(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	a.fill(t)
	a.SetWriteTimeout(time.Millisecond)
	if err := a.Send(Frame{Kind: KindTable, Payload: make([]byte, 1000)}); !errors.Is(err, ErrFull) {
		t.Errorf("got %v", err)
	}
	a.SetWriteTimeout(0)
	done := make(chan error, 1)
	go func() { done <- a.Send(Frame{Kind: KindStop}) }()
	for f := (Frame{}); f.Kind != KindStop; f = b.receive(t) { // the connection is as it was
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Whoever waits is woken by Close, and by a peer that goes; nobody hangs.
func TestClose(t *testing.T) {
	t.Parallel()
	for name, closes := range map[string]func(a, b *Conn) error{
		"ours":   func(a, _ *Conn) error { return a.Close() },
		"theirs": func(_, b *Conn) error { return b.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := pair(t)
			a.SetWriteTimeout(0)
			large := make([]byte, MaxPayload)
			if ok, err := a.TrySend(Frame{Kind: KindTable, Payload: large}); !ok || err != nil { // in part
				t.Fatal(ok, err)
			}
			var waiting sync.WaitGroup
			room := a.Room()
			for range 3 {
				waiting.Go(func() {
					if err := a.Send(Frame{Kind: KindTable, Payload: large}); err == nil {
						t.Error("it is sent, though nobody reads")
					}
				})
			}
			waiting.Go(func() {
				if f, err := a.Receive(); err == nil {
					t.Errorf("received %+v", f)
				}
			})
			if err := closes(a, b); err != nil {
				t.Error(err)
			}
			waiting.Wait()
			<-room
			if err := errors.Join(a.Close(), b.Close(), a.Close()); err != nil {
				t.Error(err)
			}
			if _, err := a.Receive(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Receive afterwards: %v", err)
			}
			if ok, err := a.TrySend(Frame{}); ok || err == nil {
				t.Errorf("TrySend afterwards: %t, %v", ok, err)
			}
			<-a.Room()
		})
	}
}

// Frames of several goroutines do not mix.
func TestSendersAtOnce(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	const senders, each = 4, 50
	var sending sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			for i := range each {
				payload := bytes.Repeat([]byte{byte(s)}, 1+i*997%40000)
				if err := a.Send(Frame{Kind: KindTable, ID: uint32(i), Payload: payload}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	defer sending.Wait()
	var next [senders]uint32
	for range senders * each {
		f := b.receive(t)
		s := f.Payload[0]
		if f.ID != next[s] || len(bytes.Trim(f.Payload, string(rune(s)))) != 0 {
			t.Fatalf("frame %d of %d, wanted %d", f.ID, s, next[s])
		}
		next[s]++
	}
}

// What was sent before HangUp arrives, at both ends; what is sent afterwards does not, and who sends it knows that.
func TestHangUp(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	w := newWitness(t)
	for _, c := range []*Conn{a, b} {
		for range 3 {
			if err := c.Send(Frame{Kind: KindConn, FD: w.fd}); err != nil {
				t.Fatal(err)
			}
		}
	}
	waits, end := pair(t)
	waited := make(chan error, 1)
	go func() {
		_, err := waits.Receive()
		waited <- err
	}()
	waits.HangUp()
	if err := <-waited; !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("who waits gets %v", err)
	}
	if _, err := end.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("the other end gets %v", err)
	}
	b.HangUp()
	if err := b.Send(Frame{Kind: KindStop}); err == nil {
		t.Error("it is sent after HangUp")
	}
	if runtime.GOOS == "linux" {
		if err := a.Send(Frame{Kind: KindStop}); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("the other end sends, and gets %v", err)
		}
	}
	for _, c := range []*Conn{a, b} {
		for range 3 {
			f := c.receive(t)
			w.wantWhole(t, f.FD)
			f.Close()
		}
	}
	if _, err := a.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("and then %v", err)
	}
	w.wantClosed(t)
}
