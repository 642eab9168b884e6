//go:build darwin || linux

package wire

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
)

func TestGreet(t *testing.T) {
	t.Parallel()
	refusal, err := Answer(1, nil, &Error{CodeProtocol, "this broker (v2.0.0, protocol 2) cannot talk to v1.0.0", "h"})
	if err != nil {
		t.Fatal(err)
	}
	stopping, err := Answer(1, nil, &Error{Code: CodeStopping, Message: "it ends"})
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		answer Frame
		want   string // of the error, or "" for none
	}{
		"welcome":       {Frame{Kind: KindWelcome, Payload: []byte(`{"Protocol":1,"Version":"v1.2.3","PID":7}`)}, ""},
		"other version": {Frame{Kind: KindWelcome, Payload: []byte(`{"Protocol":2}`)}, "version 2 of the protocol"},
		"refused":       {refusal, "v2.0.0"},
		"stopping":      {stopping, "it ends"},
		"no JSON":       {Frame{Kind: KindWelcome, Payload: []byte(`x`)}, "its Welcome is none"},
		"another kind":  {Frame{Kind: KindState}, "answers Hello with a State"},
		"empty reply":   {Frame{Kind: KindReply, Payload: []byte(`{}`)}, "without an error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := pair(t)
			var broker sync.WaitGroup
			broker.Go(func() {
				var h Hello
				f, err := b.Receive()
				if err == nil {
					err = f.Decode(&h)
				}
				if err != nil || f.Kind != KindHello || h != (Hello{Version, "v1.0.0", "api", Worker}) {
					t.Errorf("hello %+v, %v", h, err)
				}
				if err := b.Send(row.answer); err != nil {
					t.Error(err)
				}
			})
			w, err := a.Greet(t.Context(), Hello{Version: "v1.0.0", Program: "api", Role: Worker})
			broker.Wait()
			switch {
			case row.want == "" && (err != nil || w != (Welcome{1, "v1.2.3", 7})):
				t.Errorf("got %+v, %v", w, err)
			case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
				t.Errorf("got %v, want %s", err, row.want)
			}
			_, version := errors.AsType[*VersionError](err)
			if want := name == "refused" || name == "other version"; version != want {
				t.Errorf("a VersionError: %t: %v", version, err)
			}
		})
	}
}

// A broker that never answers is left.
func TestGreetIsCancelled(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	var broker sync.WaitGroup
	broker.Go(func() {
		if _, err := b.Receive(); err != nil {
			t.Error(err)
		}
		cancel(why)
	})
	if _, err := a.Greet(ctx, Hello{}); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
	broker.Wait()
}
