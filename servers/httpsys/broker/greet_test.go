//go:build linux || darwin

package broker

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// A gorun of another version can do nothing with a broker but end it.
func TestStopOther(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	conn, err := wire.Dial(t.Context(), b.folder)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	hello, _ := wire.Message(wire.KindHello, 1, wire.Hello{Protocol: wire.Version + 1})
	stop, _ := wire.Message(wire.KindStop, 2, nil)
	if err := errors.Join(conn.Send(hello), conn.Send(stop)); err != nil {
		t.Fatal(err)
	}
	for id := range uint32(2) {
		f, err := conn.Receive()
		if err != nil || f.ID != id+1 {
			t.Fatal(f, err)
		}
		if err := f.Reply(nil); (err == nil) != (id == 1) {
			t.Errorf("request %d: %v", f.ID, err)
		}
	}
	<-b.ended
	if err := StopOther(t.Context(), b.folder, wire.Hello{}); !IsMissing(err) {
		t.Errorf("without a broker: %v", err)
	}
}

// A broker of another version is told as one, whichever way it says so, and ended.
func TestConnectToOther(t *testing.T) {
	t.Parallel()
	said, err := wire.Answer(1, nil, &wire.Error{Code: wire.CodeProtocol, Message: "we speak 7"})
	if err != nil {
		t.Fatal(err)
	}
	welcome, err := wire.Message(wire.KindWelcome, 1, wire.Welcome{Protocol: 7})
	if err != nil {
		t.Fatal(err)
	}
	for text, answer := range map[string]wire.Frame{"we speak 7": said, "version 7": welcome} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			folder := folder(t)
			l, err := wire.Listen(folder)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			served := make(chan bool, 1)
			serve := func() {
				c, err := l.Accept()
				if err != nil {
					served <- false
					return
				}
				defer c.Close()
				stopped := false
				for f, err := c.Receive(); err == nil && !stopped; f, err = c.Receive() {
					reply := answer
					if stopped = f.Kind == wire.KindStop; stopped {
						reply, _ = wire.Answer(f.ID, nil, nil)
					}
					if c.Send(reply) != nil || stopped {
						break
					}
				}
				served <- stopped
			}
			go serve()
			_, err = Connect(t.Context(), folder, wire.Hello{})
			if e, ok := errors.AsType[*wire.VersionError](err); !ok || !strings.Contains(e.Error(), text) || e.Hint() == "" {
				t.Errorf("%v", err)
			}
			if <-served {
				t.Error("it was ended by that")
			}
			go serve()
			if err := StopOther(t.Context(), folder, wire.Hello{}); err != nil {
				t.Error(err)
			}
			if !<-served {
				t.Error("it was not ended")
			}
		})
	}
}

// A broker that says nothing, as one that is stopped does, is not waited for longer than the caller wants.
func TestConnectToMute(t *testing.T) {
	t.Parallel()
	folder := folder(t)
	l, err := wire.Listen(folder) // and nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	cause := errors.New("enough")
	for name, call := range map[string]func() error{
		"Connect":   func() error { _, err := Connect(ctx, folder, wire.Hello{}); return err },
		"StopOther": func() error { return StopOther(ctx, folder, wire.Hello{}) },
	} {
		done := make(chan error)
		go func() { done <- call() }()
		cancel(cause)
		if err := <-done; err != cause {
			t.Errorf("%s: %v", name, err)
		}
	}
}
