package relay

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/serve"
	"github.com/gorun-dev/gorun/servers/kestrel"
)

const (
	askUpgrade = "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n\r\n"
	switched   = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
)

// echoApp agrees to upgrades and sends back what comes, until it ends.
func echoApp(t testing.TB) Target {
	return rawApp(t, func(app *peer) {
		if head := app.head(); !strings.Contains(head, "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n") {
			t.Errorf("%q", head)
		}
		app.send("HTTP/1.1 101 Own Reason\r\nupgrade: WebSocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: a\r\nDate: x\r\n\r\nearly")
		io.Copy(app.Conn, app.r)
		closeWrite(app.Conn)
	})
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	const timeout = time.Second
	client := dialFront(t, front(t, newRelay(t, Options{Timeout: timeout}), echoApp(t), nil))
	client.send(askUpgrade + "behind the head")
	if head := client.head(); head != switched+"Sec-Websocket-Accept: a\r\n\r\n" {
		t.Errorf("%q", head)
	}
	if got := client.read(len("earlybehind the head")); got != "earlybehind the head" {
		t.Errorf("%q", got)
	}
	<-time.After(timeout + timeout/4) // a WebSocket may be silent for longer than a response
	large := strings.Repeat("0123456789", 10_000)
	var sending sync.WaitGroup
	sending.Go(func() {
		client.send(large)
		closeWrite(client.Conn) // the answer still comes
	})
	if got := client.rest(); got != large {
		t.Errorf("%d bytes have come back, want %d", len(got), len(large))
	}
	sending.Wait()
}

// TestUpgradeRefused has an app that answers in HTTP; the connections go on.
func TestUpgradeRefused(t *testing.T) {
	t.Parallel()
	target := rawApp(t, func(app *peer) {
		for app.head() != "" {
			app.send("HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nno")
		}
	})
	r := newRelay(t, Options{})
	client := dialFront(t, front(t, r, target, nil))
	for range 2 {
		client.send(askUpgrade)
		client.want(426, "no")
	}
	if n := r.idleSoon(1); n != 1 {
		t.Errorf("%d are kept", n)
	}
}

// TestHalfClosed has the app end first.
func TestHalfClosed(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	target := rawApp(t, func(app *peer) {
		app.head()
		app.send("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\nbye")
		closeWrite(app.Conn)
		got <- app.rest()
	})
	client := dialFront(t, front(t, newRelay(t, Options{}), target, nil))
	client.send(askUpgrade)
	client.head()
	if rest := client.rest(); rest != "bye" {
		t.Errorf("%q", rest)
	}
	client.send("still here")
	closeWrite(client.Conn)
	if rest := <-got; rest != "still here" {
		t.Errorf("%q", rest)
	}
}

// TestUpgradeEnds has one side vanish, or the server stop.
func TestUpgradeEnds(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	returned := make(chan error, 2)
	r := newRelay(t, Options{})
	target := echoApp(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &kestrel.Server{BaseContext: func() context.Context { return ctx }, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		returned <- r.Forward(w, req, target)
	})}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l, kestrel.Binding{}) }()
	defer func() { <-served }()
	defer s.Close()
	open := func() *peer {
		client := dialFront(t, l.Addr().String())
		client.send(askUpgrade)
		client.head()
		client.read(len("early"))
		return client
	}
	open() // until the server stops
	vanishes := open()
	vanishes.Conn.(*net.TCPConn).SetLinger(0)
	vanishes.Close()
	if err := <-returned; err != nil {
		t.Error(err)
	}
	stop()
	if err := <-returned; err != nil {
		t.Error(err)
	}
}

// TestUpgradeLimit has a server that allows none.
func TestUpgradeLimit(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	failed := make(failures, 2)
	s := &serve.Server{Handler: forwarding(newRelay(t, Options{}), echoApp(t), failed), Log: slog.New(slog.DiscardHandler)}
	s.Limits.MaxConcurrentUpgradedConnections = 1
	served := make(chan error, 1)
	go func() { served <- s.Serve(l, serve.Binding{}) }()
	defer func() { <-served }()
	defer s.Close()
	first := dialFront(t, l.Addr().String())
	first.send(askUpgrade)
	first.head()
	second := dialFront(t, l.Addr().String())
	second.send(askUpgrade)
	second.response("GET")
	if e := <-failed; e.Retriable || !e.Sent || !e.Client {
		t.Errorf("%+v", e)
	}
}

// TestManyUpgrades has a thousand, and looks at what one costs.
func TestManyUpgrades(t *testing.T) {
	const many = 1000
	addr := front(t, newRelay(t, Options{}), echoApp(t), nil)
	before := memory()
	clients := make([]*peer, many)
	for i := range clients {
		clients[i] = dialFront(t, addr)
		clients[i].send(askUpgrade)
		clients[i].head()
	}
	for _, c := range clients {
		c.send("hello")
	}
	for _, c := range clients {
		if got := c.read(len("earlyhello")); got != "earlyhello" {
			t.Fatalf("%q", got)
		}
	}
	each := (memory() - before) / many
	t.Logf("%d bytes each, with the test's own client and app", each)
	if each > 80<<10 {
		t.Errorf("%d bytes each", each)
	}
	for _, c := range clients {
		c.Close()
	}
}

// memory is what the program has in use, after a collection.
func memory() int64 {
	runtime.GC()
	runtime.GC() // pools keep things for one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
