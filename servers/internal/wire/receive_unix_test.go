//go:build darwin || linux

package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFrames(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	large := bytes.Repeat([]byte("0123456789abcdef"), MaxPayload/16)
	frames := []Frame{
		{Kind: KindHello, ID: 1, Payload: []byte(`{"Protocol":1}`)},
		{Kind: KindDrain, ID: 0xffffffff},
		{Kind: KindState, Payload: large},
		{Kind: KindTaken, Payload: []byte{0, 0, 0, 1}},
		{Kind: KindTable, Payload: large[:usual]},
		{Kind: 99},
	}
	var sending sync.WaitGroup
	sending.Go(func() {
		for _, f := range frames {
			if err := a.Send(f); err != nil {
				t.Error(err)
			}
		}
		_ = a.Close()
	})
	defer sending.Wait()
	for _, want := range frames {
		got := b.receive(t)
		if got.Kind != want.Kind || got.ID != want.ID || !bytes.Equal(got.Payload, want.Payload) || got.FD != 0 || got.Lost {
			t.Errorf("got %v %d, %d bytes, descriptor %d; want %v %d, %d bytes", got.Kind, got.ID, len(got.Payload), got.FD, want.Kind, want.ID, len(want.Payload))
		}
	}
	if _, err := b.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("the end: %v", err)
	}
	if len(b.in.buffer) != usual {
		t.Errorf("the buffer has %d bytes for good", len(b.in.buffer))
	}
	if err := b.Send(Frame{Kind: KindStop}); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("nobody is there: %v", err)
	}
	if err := b.Send(Frame{Payload: append(large, 0)}); err == nil {
		t.Error("a frame that is too large is sent")
	}
}

// Each frame gets its own descriptor, however they come together in the buffers, and the sender keeps its own.
func TestDescriptors(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	const n = 20
	var list []*witness
	for i := range n {
		w := newWitness(t)
		list = append(list, w)
		if err := a.Send(Frame{Kind: KindConn, ID: uint32(i), FD: w.fd, Payload: make([]byte, i)}); err != nil {
			t.Fatal(err)
		}
		if err := a.Send(Frame{Kind: KindTable, ID: uint32(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i, w := range list {
		f := b.receive(t)
		if f.Kind != KindConn || f.ID != uint32(i) || f.FD <= 2 || f.Lost || len(f.Payload) != i {
			t.Fatalf("frame %d: got %+v", i, f)
		}
		if flags, err := unix.FcntlInt(uintptr(f.FD), syscall.F_GETFD, 0); err != nil || flags&syscall.FD_CLOEXEC == 0 {
			t.Errorf("descriptor %d is not closed on exec: %v", f.FD, err)
		}
		w.wantWhole(t, f.FD)
		w.wantWhole(t, w.fd)
		f.Close()
		w.wantClosed(t)
		if f := b.receive(t); f.Kind != KindTable || f.FD != 0 || f.Lost {
			t.Errorf("behind frame %d: got %+v", i, f)
		}
	}
}

// What is no frame ends a connection, and leaves no descriptor open.
func TestBadFrames(t *testing.T) {
	t.Parallel()
	frame := func(length uint32, kind byte, payload int) []byte {
		b := binary.BigEndian.AppendUint32(nil, length)
		return append(append(b, kind, 0, 0, 0, 1), make([]byte, payload)...)
	}
	for name, row := range map[string]struct {
		send     func(t *testing.T, a *Conn, fds []int)
		protocol bool // the error is one, and not io.ErrUnexpectedEOF
	}{
		"length 0":       {func(t *testing.T, a *Conn, _ []int) { a.rawSend(t, frame(0, 1, 0)) }, true},
		"length 4":       {func(t *testing.T, a *Conn, _ []int) { a.rawSend(t, frame(4, 1, 0)) }, true},
		"too long":       {func(t *testing.T, a *Conn, _ []int) { a.rawSend(t, frame(minLen+MaxPayload+1, 1, 0)) }, true},
		"a GET":          {func(t *testing.T, a *Conn, _ []int) { a.rawSend(t, []byte("GET / HTTP/1.1\r\n")) }, true},
		"cut short":      {func(t *testing.T, a *Conn, _ []int) { a.rawSend(t, frame(100, 1, 94)); _ = a.Close() }, false},
		"cut in length":  {func(t *testing.T, a *Conn, _ []int) { a.rawSend(t, []byte{0, 0}); _ = a.Close() }, false},
		"not announced":  {func(t *testing.T, a *Conn, fds []int) { a.rawSend(t, frame(5, 1, 0), fds[0]) }, true},
		"two":            {func(t *testing.T, a *Conn, fds []int) { a.rawSend(t, frame(5, 1|withFD, 0), fds...) }, true},
		"waits for more": {func(t *testing.T, a *Conn, fds []int) { a.rawSend(t, frame(50, 1|withFD, 0), fds[0]); _ = a.Close() }, false},
		"one each byte": {func(t *testing.T, a *Conn, fds []int) {
			for i, c := range frame(5, 1|withFD, 0)[:4] {
				a.rawSend(t, []byte{c}, fds[i%2])
			}
		}, true},
		"never received": {func(t *testing.T, a *Conn, fds []int) {
			a.rawSend(t, frame(0, 1, 0))
			a.rawSend(t, frame(5, 1|withFD, 0), fds[0])
			a.rawSend(t, frame(5, 1|withFD, 0), fds[1])
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := pair(t)
			one, two := newWitness(t), newWitness(t)
			row.send(t, a, []int{one.fd, two.fd})
			var err error
			for err == nil {
				_, err = b.Receive()
			}
			if _, ok := errors.AsType[*ProtocolError](err); ok != row.protocol || !ok && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("got %v", err)
			}
			_ = b.Close()
			one.wantClosed(t)
			two.wantClosed(t)
		})
	}
}

// A flag without a descriptor is one that was lost.
func TestLost(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	a.rawSend(t, []byte{0, 0, 0, 5, byte(KindConn) | withFD, 0, 0, 0, 0})
	if f := b.receive(t); f.Kind != KindConn || f.FD != 0 || !f.Lost {
		t.Errorf("got %+v", f)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte{0, 0, 0, 5, 1, 0, 0, 0, 1, 0, 0, 0, 7, 2, 0, 0, 0, 2, 'x', 'y'})
	f.Add([]byte{0, 0, 0, 5, 1 | withFD, 0, 0, 0, 1})
	f.Add([]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		if len(sent) > 32<<10 {
			return
		}
		a, b := pair(t)
		a.rawSend(t, append(sent, 0, 0, 0)) // at least an unfinished length
		_ = a.Close()
		var again []byte
		for {
			frame, err := b.Receive()
			if err != nil {
				break
			}
			lost := frame.Lost
			if frame.FD != 0 {
				t.Fatal("a descriptor comes from nowhere")
			}
			start := len(again)
			again = frame.appendTo(again)
			if lost {
				again[start+4] |= withFD
			}
		}
		if !bytes.HasPrefix(append(sent, 0, 0, 0), again) {
			t.Errorf("sent %q, received %q", sent, again)
		}
	})
}
