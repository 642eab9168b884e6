package serve

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// back is a connection that a server has handed back.
type back struct {
	net.Conn
	unread string
}

type backs chan back

func (b backs) take(c net.Conn, unread []byte) { b <- back{c, string(unread)} }

// toOthers is for a server whose every request but those for "h" is elsewhere's.
func toOthers(s *Server) (*Server, backs) {
	b := make(backs, 100)
	s.Elsewhere = func(_ net.Conn, host, _ []byte) bool { return string(host) != "h" }
	s.HandBack = b.take
	return s, b
}

const forOther = "POST /x HTTP/1.1\r\nHost: other\r\nContent-Length: 10\r\n\r\n"

func TestHandBackWithPartOfABody(t *testing.T) {
	t.Parallel()
	s, backs := toOthers(&Server{Handler: http.HandlerFunc(ok)})
	s.Limits.MaxConcurrentConnections = 1
	addr := startServer(t, s)
	c := dial(t, addr)
	c.send(get("/"))
	c.want(http.StatusOK)
	c.send(forOther + "body")
	back := <-backs
	defer back.Close()
	c.send("ending" + get("/"))
	if !strings.HasPrefix(back.unread, forOther) {
		t.Fatalf("unread is %q", back.unread)
	}
	want := forOther + "body" + "ending" + get("/")
	back.SetReadDeadline(time.Now().Add(patience))
	rest := make([]byte, len(want)-len(back.unread))
	if _, err := io.ReadFull(back, rest); err != nil || back.unread+string(rest) != want {
		t.Fatalf("got %q and %q, %v", back.unread, rest, err)
	}
	io.WriteString(back, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
	if got := c.want(http.StatusOK); got != "hi" {
		t.Errorf("got %q", got)
	}
	eventually(t, "it counts no more", func() bool { return s.begin().open.Load() == 0 })
	again := dial(t, addr)
	again.send(get("/"))
	again.want(http.StatusOK)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	io.WriteString(back, "HTTP/1.1 204 No Content\r\n\r\n") // it is nothing to a server that has closed
	c.want(http.StatusNoContent)
}

func TestHandBackOfWhatCannotGoOn(t *testing.T) {
	t.Parallel()
	s, backs := toOthers(&Server{Handler: http.HandlerFunc(ok)})
	addr := startServer(t, s)
	for _, request := range []string{
		"GET / HTTP/1.0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: other\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: other\r\nExpect: 100-continue\r\nContent-Length: 100000000000\r\n\r\n",
		"CONNECT other:1 HTTP/1.1\r\nHost: other:1\r\n\r\n",
	} {
		c := dial(t, addr)
		c.send(request)
		back := <-backs
		if back.unread != request {
			t.Errorf("unread is %q, want %q", back.unread, request)
		}
		back.Close()
		c.closed() // and has got nothing before
	}
}

// A server that stops hands back too: a request that came before is somebody's.
func TestHandBackWhenTheServerStops(t *testing.T) {
	t.Parallel()
	for _, h := range []http.Handler{http.HandlerFunc(ok), &passer{}} {
		accepted := make(chan struct{}, 1)
		s, backs := toOthers(&Server{Handler: h, firstWait: time.Minute})
		s.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
			accepted <- struct{}{}
			return ctx
		}
		c, far := pair(t)
		if err := s.ServeConn(far, Binding{}); err != nil {
			t.Fatal(err)
		}
		<-accepted
		stopped := make(chan error, 1)
		go func() { stopped <- s.Shutdown(t.Context()) }()
		eventually(t, "it stops", s.begin().stopping.Load)
		c.send(forOther)
		back := <-backs
		if back.unread != forOther {
			t.Errorf("unread is %q", back.unread)
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		back.Close()
		c.closed()
	}
}

// A connection without a request is handed back too, where that is wanted: its next request is somebody else's to answer.
func TestHandBackOfIdleConnections(t *testing.T) {
	t.Parallel()
	for _, h := range []http.Handler{http.HandlerFunc(ok), &passer{}} {
		s, backs := toOthers(&Server{Handler: h, HandBackIdle: true, firstWait: time.Millisecond})
		addr := startServer(t, s)
		used, half, fresh := dial(t, addr), dial(t, addr), dial(t, addr)
		used.send(get("/"))
		used.want(http.StatusOK)
		half.send(get("/"))
		half.want(http.StatusOK)
		half.send("GET / HT")
		eventually(t, "all are there", func() bool { return s.begin().open.Load() == 3 })
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		half.closed() // of which a part has been read
		for range 2 {
			back := <-backs
			if back.unread != "" {
				t.Errorf("unread is %q", back.unread)
			}
			io.WriteString(back, "HTTP/1.1 204 No Content\r\n\r\n")
		}
		used.want(http.StatusNoContent)
		fresh.want(http.StatusNoContent)
		if n := len(backs); n > 0 {
			t.Errorf("%d more are handed back", n)
		}
	}
}

// Shutdown waits for HandBack: when it returns nobody is about to hand back.
func TestShutdownWaitsForHandBack(t *testing.T) {
	t.Parallel()
	asked, goOn := make(chan struct{}), make(chan struct{})
	var done atomic.Bool
	var once sync.Once
	s := &Server{
		Elsewhere: func(net.Conn, []byte, []byte) bool {
			once.Do(func() { close(asked) })
			<-goOn
			return true
		},
		HandBack: func(c net.Conn, _ []byte) {
			done.Store(true)
			c.Close()
		},
	}
	c := dial(t, startServer(t, s))
	c.send(get("/"))
	<-asked
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(t.Context()) }()
	eventually(t, "it stops", s.begin().stopping.Load)
	close(goOn)
	if err := <-stopped; err != nil || !done.Load() {
		t.Errorf("Shutdown returned %v, handed back: %v", err, done.Load())
	}
}

func TestCloseHandsNothingBack(t *testing.T) {
	t.Parallel()
	asked, goOn := make(chan struct{}), make(chan struct{})
	s := &Server{
		Elsewhere: func(net.Conn, []byte, []byte) bool {
			close(asked)
			<-goOn
			return true
		},
		HandBack: func(net.Conn, []byte) { t.Error("handed back") },
	}
	c := dial(t, startServer(t, s))
	c.send(get("/"))
	<-asked
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	close(goOn)
	c.closed()
	s.begin().serving.Wait()
}

func TestElsewhereWithoutHandBackCloses(t *testing.T) {
	t.Parallel()
	c := dial(t, startServer(t, &Server{Elsewhere: func(net.Conn, []byte, []byte) bool { return true }}))
	c.send(get("/"))
	c.closed()
}

func TestPanicsOfTheHooksCloseTheConnection(t *testing.T) {
	t.Parallel()
	for _, s := range []*Server{
		{Handler: &passer{}, Elsewhere: func(net.Conn, []byte, []byte) bool { panic(http.ErrAbortHandler) }},
		{
			Elsewhere: func(net.Conn, []byte, []byte) bool { return true },
			HandBack:  func(net.Conn, []byte) { panic(http.ErrAbortHandler) },
		},
	} {
		c := dial(t, startServer(t, s))
		c.send(get("/"))
		c.closed()
		eventually(t, "it counts no more", func() bool { return s.begin().open.Load() == 0 })
	}
}
