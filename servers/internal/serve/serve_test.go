package serve

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

func TestConnectionLimit(t *testing.T) {
	t.Parallel()
	s := handle(ok)
	s.Limits.MaxConcurrentConnections = 2
	addr := startServer(t, s)
	a, b := dial(t, addr), dial(t, addr)
	for _, c := range []*client{a, b} {
		c.send(get("/"))
		c.want(http.StatusOK)
	}
	dial(t, addr).closed()
	a.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	a.want(http.StatusOK)
	a.closed()
	eventually(t, "a place is free", func() bool { return s.begin().open.Load() == 1 })
	c := dial(t, addr)
	c.send(get("/"))
	c.want(http.StatusOK)
}

func TestUpgradeLimit(t *testing.T) {
	t.Parallel()
	s := handle(oracleApp)
	s.Limits.MaxConcurrentUpgradedConnections = 1
	s.Limits.MaxConcurrentConnections = 2
	addr := startServer(t, s)
	const upgrade = "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	first, second := dial(t, addr), dial(t, addr)
	first.send(upgrade)
	if res, err := http.ReadResponse(first.r, nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v %v", res, err)
	}
	second.send(upgrade)
	second.want(http.StatusServiceUnavailable) // as the handler has it
	third := dial(t, addr)                     // upgraded connections do not count as connections
	third.send(get("/"))
	third.want(http.StatusOK)
	first.conn.Close()
	eventually(t, "the upgrade has ended", func() bool { return s.begin().upgrades.Load() == 0 })
	second.send(upgrade)
	if res, err := http.ReadResponse(second.r, nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v %v", res, err)
	}
}

func TestHijackedConnectionHasWhatCameEarly(t *testing.T) {
	t.Parallel()
	c := dial(t, startServer(t, handle(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		if _, isTCP := conn.(*net.TCPConn); !isTCP || rw.Reader.Buffered() < len("early and") {
			t.Errorf("the connection is a %T with %d bytes before it", conn, rw.Reader.Buffered())
		}
		io.CopyN(conn, rw, int64(len("early and late")))
	})))
	c.send(get("/") + "early and")
	c.send(" late")
	if got, err := io.ReadAll(c.r); string(got) != "early and late" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestShutdownFinishesWhatRuns(t *testing.T) {
	t.Parallel()
	running, finish := make(chan struct{}), make(chan struct{})
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(running)
			<-finish
		}
		ok(w, r)
	})
	addr := startServer(t, s)
	unused, half, idle, busy := dial(t, addr), dial(t, addr), dial(t, addr), dial(t, addr)
	half.send("GET / HTTP")
	idle.send(get("/"))
	idle.want(http.StatusOK)
	busy.send(get("/slow"))
	<-running
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(t.Context()) }()
	for _, c := range []*client{unused, half, idle} {
		c.closed()
	}
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Error("a new connection was accepted")
	}
	select {
	case err := <-stopped:
		t.Fatalf("Shutdown returned %v with a request running", err)
	default:
	}
	close(finish)
	if res, body := busy.response(); body != "ok" || !res.Close {
		t.Errorf("got %q, close %v", body, res.Close)
	}
	busy.closed()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	late, server := net.Pipe()
	if err := s.ServeConn(server, Binding{}); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("ServeConn after Shutdown: %v", err)
	}
	if _, err := late.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("its connection: %v", err)
	}
}

// Requests that have come are answered, whether or not somebody has read them when the server begins to stop.
func TestShutdownAnswersWhatHasCome(t *testing.T) {
	t.Parallel()
	s := handle(func(w http.ResponseWriter, r *http.Request) { readAll(w, r) })
	addr := startServer(t, s)
	var clients []*client
	for range 200 {
		c := dial(t, addr)
		c.send(get("/"))
		c.want(http.StatusOK)
		clients = append(clients, c)
	}
	for _, c := range clients {
		c.send(post("Content-Length: 5\r\n", "hello")) // on loopback it is there when this returns
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(t.Context()) }()
	for _, c := range clients {
		if body := c.want(http.StatusOK); body != "HELLO" {
			t.Errorf("got %q", body)
		}
		c.closed()
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestShutdownGivesUp(t *testing.T) {
	t.Parallel()
	running, ended := make(chan struct{}), make(chan struct{})
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		close(running)
		<-r.Context().Done()
		close(ended)
	})
	c := dial(t, startServer(t, s))
	c.send(get("/"))
	<-running
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	<-ended
	c.closed()
}

func TestServerHeaderIsTheHandlersToChange(t *testing.T) {
	t.Parallel()
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/own" {
			w.Header().Set("Server", "own")
		}
	})
	s.ServerHeader = "gorun"
	c := dial(t, startServer(t, s))
	for path, want := range map[string]string{"/": "gorun", "/own": "own"} {
		c.send(get(path))
		if res, _ := c.response(); res.Header.Get("Server") != want {
			t.Errorf("%s: Server %q, want %q", path, res.Header.Get("Server"), want)
		}
	}
	c.send("bad\r\n")
	if res, _ := c.response(); res.Header.Get("Server") != "gorun" {
		t.Errorf("refusal: Server %q", res.Header.Get("Server"))
	}
}

// eventually waits for a state of the server that tells nobody of its coming.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for tick := time.Tick(time.Millisecond); !is(); {
		select {
		case <-tick:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
