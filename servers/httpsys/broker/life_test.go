//go:build linux || darwin

package broker

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// An app that comes and goes costs another on its port no request.
func TestRestarts(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	one := connect(t, b, &app{name: "one"}).open(wire.Open{}).serve()
	prefix := one.add("http://localhost:0/")[0]
	addr := portOf(t, prefix)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		kept := dial(t, addr)
		for {
			select {
			case <-stop:
				return
			default:
				kept.ask("localhost", "/kept").want(200, "one /kept")
				want(t, addr, "localhost", "/new", 200, "one /new")
			}
		}
	}()
	for range 20 {
		two := connect(t, b, &app{name: "two"}).open(wire.Open{}, prefix+"two/").serve()
		want(t, addr, "localhost", "/two/", 200, "two /two/")
		if err := two.ask(wire.KindDrain, nil, nil); err != nil {
			t.Error(err)
		}
		want(t, addr, "localhost", "/two/", 200, "one /two/")
		two.leave()
	}
	close(stop)
	<-done
}

// Drain gives back what was not taken, and nothing comes afterwards.
func TestDrain(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	one := connect(t, b, &app{name: "one", idle: true}).open(wire.Open{Queue: "q", Verbosity: wire.Limited})
	prefix := one.add("http://localhost:0/")[0]
	addr := portOf(t, prefix)
	first := dial(t, addr).ask("localhost", "/1")
	eventually(t, "it has one", func() bool { return one.came() == 1 })
	two := connect(t, b, &app{name: "two"}).open(wire.Open{Queue: "q"}, prefix).serve()
	if err := one.ask(wire.KindDrain, nil, nil); err != nil {
		t.Fatal(err)
	}
	first.want(200, "two /1")
	for range 5 {
		want(t, addr, "localhost", "/2", 200, "two /2")
	}
	if n := one.came(); n != 1 {
		t.Errorf("%d have come to one who drains", n)
	}
	if err := two.ask(wire.KindDrain, nil, nil); err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", addr); err == nil {
		c.Close()
		t.Error("somebody listens")
	}
}

// A broker that nobody uses ends; one that is used does not.
func TestLinger(t *testing.T) {
	t.Parallel()
	b := start(t, Options{Linger: 50 * time.Millisecond})
	a := connect(t, b, &app{name: "a"})
	select {
	case <-b.ended:
		t.Fatal("it has ended under a program")
	case <-time.After(200 * time.Millisecond):
	}
	a.leave()
	select {
	case <-b.ended:
	case <-time.After(patient):
		t.Fatal("it goes on")
	}
	if _, err := wire.Dial(t.Context(), b.folder); err == nil {
		t.Error("somebody is there")
	}
	start(t, Options{Folder: b.folder}) // and another can begin
}

// Stop ends the broker, and the apps' connections go on.
func TestStop(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	a := connect(t, b, &app{name: "a"}).open(wire.Open{})
	server := a.handleApart(t)
	addr := portOf(t, a.add("http://localhost:0/")[0])
	v := dial(t, addr).ask("localhost", "/")
	v.want(200, "served")
	c := watcher(t, b)
	if err := c.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	<-b.ended
	v.ask("localhost", "/").want(200, "served")
	server.Close()
	if err := Run(t.Context(), Options{Folder: start(t, Options{Folder: b.folder}).folder}, nil); !errors.Is(err, wire.ErrRunning) {
		t.Errorf("a second one: %v", err)
	}
}

// handleApart serves on when the broker has gone.
func (a *app) handleApart(t *testing.T) *http.Server {
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "served") })}
	l := &apart{given{a}, make(chan struct{})}
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Serve(l)
	}()
	t.Cleanup(func() {
		server.Close()
		<-served
	})
	return server
}

type apart struct {
	given
	closed chan struct{}
}

func (l *apart) Accept() (net.Conn, error) {
	select {
	case c := <-l.app.given:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *apart) Close() error {
	close(l.closed)
	return nil
}
