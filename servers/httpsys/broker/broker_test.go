//go:build linux || darwin

package broker

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// One app at one prefix: its requests get there, others are answered as HTTP.sys does.
func TestHandOver(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	a := connect(t, b, &app{name: "one"}).open(wire.Open{}).serve()
	prefixes := a.add("http://localhost:0/base")
	addr := portOf(t, prefixes[0])
	want(t, addr, "localhost", "/base/x", 200, "one /base/x")
	want(t, addr, "localhost", "/other", 404, "No program has registered for this path.")
	want(t, addr, "example.com", "/base/x", 400, "Invalid Hostname")
	v := dial(t, addr).write("HEAD /other HTTP/1.1\r\nHost: localhost\r\n\r\n")
	r, err := http.ReadResponse(v.r, &http.Request{Method: "HEAD"})
	if err != nil || r.StatusCode != 404 || r.ContentLength <= 0 || !r.Close {
		t.Errorf("HEAD: %v, %v", r, err)
	}
	if rest, err := io.ReadAll(v.r); len(rest) > 0 || err != nil {
		t.Errorf("HEAD has a body: %q, %v", rest, err)
	}

	v = dial(t, addr)
	for range 3 { // the app has the connection for good
		v.ask("localhost", "/base/again").want(200, "one /base/again")
	}
}

// Who watches is told what is registered, and when that changes.
func TestWatch(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	c := watcher(t, b)
	s, err := c.Watch(t.Context(), nil)
	if err != nil || s.Version != "v-test" || s.PID == 0 || len(s.Queues) != 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	a := connect(t, b, &app{name: "a"}).open(wire.Open{Queue: "q", Limit: 7}).serve()
	prefix := a.add("http://localhost:0/")[0]
	next := func(is func(*wire.State) bool) {
		t.Helper()
		for !is(s) {
			if s, err = c.Watch(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
	}
	next(func(s *wire.State) bool { return len(s.Queues) == 1 && len(s.Queues[0].Prefixes) == 1 })
	q := s.Queues[0]
	if q.Name != "q" || q.Limit != 7 || q.Workers[0].Program != "a" || q.Prefixes[0].Prefix != prefix || q.Prefixes[0].PID != q.Workers[0].PID {
		t.Errorf("%+v", q)
	}
	if at := portOf(t, prefix); !slices.Contains(s.Listeners, at) {
		t.Errorf("%s is not in %v", at, s.Listeners)
	}
	a.leave()
	next(func(s *wire.State) bool { return len(s.Queues) == 0 && len(s.Listeners) == 0 })
	if err := c.Reload(t.Context()); err != nil {
		t.Error(err)
	}
	if s, err = c.Watch(t.Context(), s); err != nil { // certificates may have changed
		t.Error(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Watch(over, s); err == nil {
		t.Error("it goes on without changes")
	}
	b.stop()
	<-c.Done()
	if _, err := c.Watch(t.Context(), s); err == nil {
		t.Error("it goes on without a broker")
	}
}

// Sockets for all addresses and for this machine alone come and go, and nobody's request is lost by that.
func TestListenersComeAndGo(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	one := connect(t, b, &app{name: "one"}).open(wire.Open{}).serve()
	wide := one.add("http://+:0/wide")[0]
	addr := portOf(t, wide)
	_, port, _ := net.SplitHostPort(addr)
	two := connect(t, b, &app{name: "two"}).open(wire.Open{}, "http://localhost:"+port+"/two").serve()
	done := make(chan struct{})
	stop := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				want(t, addr, "localhost", "/two", 200, "two /two")
			}
		}
	}()
	for range 5 {
		if err := one.ask(wire.KindRemove, wire.Remove{Prefixes: []string{wide}}, nil); err != nil {
			t.Error(err)
		}
		if at := show(t, b).Listeners; !slices.Contains(at, addr) || slices.ContainsFunc(at, func(a string) bool { return strings.HasPrefix(a, "[::]") }) {
			t.Errorf("for this machine alone it listens at %v", at)
		}
		one.add(wide)
		want(t, addr, "anything", "/wide", 200, "one /wide")
		if at := show(t, b).Listeners; !slices.ContainsFunc(at, func(a string) bool { return strings.HasPrefix(a, "[::]") }) {
			t.Errorf("for all addresses it listens at %v", at)
		}
	}
	close(stop)
	<-done
	two.leave()
}
