package serve

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"weak"
)

// passer answers by bytes what its path says; ServeHTTP answers the rest.
type passer struct {
	passed  atomic.Int64
	served  http.HandlerFunc // nil: ok
	waiting chan struct{}    // nil; or gets a value when /wait is called, and is closed to let it go on
}

func (p *passer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.served != nil {
		p.served(w, r)
		return
	}
	io.WriteString(w, "served")
}

func (p *passer) Pass(r *Raw) Verdict {
	p.passed.Add(1)
	switch target := string(r.Target()); target {
	case "/serve":
		return NotPassed
	case "/continue":
		return r.Continue(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { readAll(w, r) }))
	case "/rest":
		r.Send(r.AppendOwn([]byte("HTTP/1.1 203 x\r\nContent-Length: 4\r\n"), false))
		r.Send([]byte("\r\nab"))
		return r.ContinueBody(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X", "y") // the head has gone
			io.WriteString(w, "cd")
		}), 203, 4, 2)
	case "/short":
		r.Send([]byte("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na"))
		return r.ContinueBody(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), 200, 4, 1)
	case "/abort":
		r.Send([]byte("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na"))
		return Aborted
	case "/panic":
		panic(http.ErrAbortHandler)
	case "/wait":
		p.waiting <- struct{}{}
		<-p.waiting
		return passBody(r, "waited")
	case "/large":
		return passBody(r, strings.Repeat("0123456789", 1<<20))
	default:
		return passBody(r, fmt.Sprintf("%s %s %s", r.Method(), target, strings.ToUpper(string(r.Body))))
	}
}

func passBody(r *Raw, body string) Verdict {
	out := r.AppendOwn([]byte("HTTP/1.1 200 OK\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n"), false)
	if r.Send(append(append(out, "\r\n"...), body...)) != nil {
		return Aborted
	}
	return Passed
}

// bySteps runs f for a connection that is read by steps, and for one that cannot be.
func bySteps(t *testing.T, f func(t *testing.T, start func(*Server) (addr string))) {
	t.Run("steps", func(t *testing.T) {
		t.Parallel()
		f(t, func(s *Server) string { return startServer(t, s) })
	})
	t.Run("plain", func(t *testing.T) {
		t.Parallel()
		f(t, func(s *Server) string {
			s.Middleware = append(s.Middleware, func(c net.Conn) (net.Conn, error) { return hidden{c}, nil })
			return startServer(t, s)
		})
	})
}

// hidden is a connection of which nobody knows that it is the system's.
type hidden struct{ net.Conn }

func TestPass(t *testing.T) {
	t.Parallel()
	bySteps(t, func(t *testing.T, start func(*Server) string) {
		p := &passer{}
		c := dial(t, start(&Server{Handler: p}))
		for _, step := range []struct {
			request string
			status  int
			body    string
			passed  int64 // calls of Pass so far
		}{
			{get("/a"), 200, "GET /a ", 1},
			{"\r\n" + get("/b?c"), 200, "GET /b?c ", 2},
			{post("Content-Length: 5\r\n", "hello"), 200, "POST / HELLO", 3},
			{get("/serve"), 200, "served", 4},
			{post("Content-Length: 0\r\n", ""), 200, "POST / ", 5},
			{"POST /continue HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", 200, "HELLO", 6},
			{get("/rest"), 203, "abcd", 7},
			// What is not plain.
			{"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", 200, "served", 7},
			{post(chunked, "0\r\n\r\n"), 200, "served", 7},
			{post("Expect: 100-continue\r\nContent-Length: 5\r\n", "hello"), 200, "served", 7},
			{"GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 200, "served", 7},
			{"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 200, "served", 7},
			{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, "served", 7},
			{get("/c"), 200, "GET /c ", 8},
		} {
			c.send(step.request)
			res, body := c.response()
			if res.StatusCode != step.status || body != step.body || p.passed.Load() != step.passed || res.Header.Get("Date") == "" {
				t.Errorf("%q: %d %q %v after %d calls", step.request, res.StatusCode, body, res.Header, p.passed.Load())
			}
		}
	})
}

// TestPassPipelined has many requests come at once, cut anywhere.
func TestPassPipelined(t *testing.T) {
	t.Parallel()
	bySteps(t, func(t *testing.T, start func(*Server) string) {
		addr := start(&Server{Handler: &passer{}})
		all := get("/a") + post("Content-Length: 3\r\n", "abc") + "\r\n" + get("/serve") + get("/rest") + get("/b")
		for cut := 0; cut < len(all); cut += 7 {
			c := dial(t, addr)
			c.send(all[:cut])
			c.send(all[cut:])
			for i, want := range []string{"GET /a ", "POST / ABC", "served", "abcd", "GET /b "} {
				_, body := c.response()
				// A body that has not come with its head is the handler's.
				if body != want && !(i == 1 && body == "served") {
					t.Fatalf("cut at %d, response %d: %q", cut, i, body)
				}
			}
		}
	})
}

// TestPassEnds has the ways in which a connection ends.
func TestPassEnds(t *testing.T) {
	t.Parallel()
	bySteps(t, func(t *testing.T, start func(*Server) string) {
		addr := start(&Server{Handler: &passer{}})
		c := dial(t, addr)
		c.send(get("/") + "GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + get("/too late"))
		c.want(200)
		if res, body := c.response(); !res.Close || body != "GET /last " {
			t.Errorf("%v %q", res.Close, body)
		}
		c.closed()
		for _, path := range []string{"/short", "/abort"} {
			c := dial(t, addr)
			c.send(get("/") + get(path) + get("/"))
			c.want(200)
			res, err := http.ReadResponse(c.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(res.Body); string(body) != "a" || err == nil {
				t.Errorf("%s: %q %v", path, body, err)
			}
			c.closed()
		}
		c = dial(t, addr)
		c.send(get("/") + get("/panic"))
		c.want(200)
		c.closed()
		c = dial(t, addr)
		c.send(get("/") + "bad\r\n")
		c.want(200)
		c.refused(400)
	})
}

// TestPassHalfClosed has requests and the end of the stream come as one: who waits for the server's end is not left waiting.
func TestPassHalfClosed(t *testing.T) {
	t.Parallel()
	s := &Server{Handler: &passer{}}
	t.Cleanup(func() { s.Close() })
	for range 50 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c := dial(t, l.Addr().String())
		near, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		c.send(get("/a") + get("/b"))
		c.conn.(*net.TCPConn).CloseWrite() // on loopback all is there when this returns
		if err := s.ServeConn(near, Binding{}); err != nil {
			t.Fatal(err)
		}
		c.want(200)
		c.want(200)
		c.closed()
	}
}

func TestPassTimeouts(t *testing.T) {
	t.Parallel()
	bySteps(t, func(t *testing.T, start func(*Server) string) {
		s := &Server{Handler: &passer{}}
		s.Limits.RequestHeadersTimeout = 50 * time.Millisecond
		s.Limits.KeepAliveTimeout = 60 * time.Millisecond
		addr := start(s)
		half := dial(t, addr)
		half.send(get("/") + "GET / HT")
		half.want(200)
		half.refused(http.StatusRequestTimeout)
		idle := dial(t, addr)
		idle.send(get("/"))
		idle.want(200)
		idle.closed()
	})
}

// TestPassSlowReader cuts off a client that does not take its response.
func TestPassSlowReader(t *testing.T) {
	t.Parallel()
	bySteps(t, func(t *testing.T, start func(*Server) string) {
		s := &Server{Handler: &passer{}}
		s.Limits.MinResponseDataRate = DataRate{BytesPerSecond: 1 << 30, GracePeriod: 50 * time.Millisecond}
		c := dial(t, start(s))
		c.send(get("/large"))
		c.r.Peek(1)
		eventually(t, "the client is cut off", func() bool { return s.begin().open.Load() == 0 })
		if n, _ := io.Copy(io.Discard, c.r); n >= 10<<20 {
			t.Errorf("%d bytes have come", n)
		}
	})
}

// TestPassLarge has a client that takes its time, but not too much.
func TestPassLarge(t *testing.T) {
	t.Parallel()
	bySteps(t, func(t *testing.T, start func(*Server) string) {
		c := dial(t, start(&Server{Handler: &passer{}}))
		for range 3 {
			c.send(get("/large"))
			if body := c.want(200); len(body) != 10<<20 {
				t.Errorf("%d bytes", len(body))
			}
		}
	})
}

func TestPassShutdown(t *testing.T) {
	t.Parallel()
	bySteps(t, func(t *testing.T, start func(*Server) string) {
		p := &passer{waiting: make(chan struct{})}
		s := &Server{Handler: p}
		addr := start(s)
		idle, busy, half := dial(t, addr), dial(t, addr), dial(t, addr)
		idle.send(get("/"))
		idle.want(200)
		half.send(get("/") + "GET / HT")
		half.want(200)
		busy.send(get("/wait"))
		<-p.waiting
		stopped := make(chan error, 1)
		go func() { stopped <- s.Shutdown(t.Context()) }()
		idle.closed()
		half.closed()
		p.waiting <- struct{}{}
		if res, body := busy.response(); body != "waited" || !res.Close {
			t.Errorf("%q, close %v", body, res.Close)
		}
		busy.closed()
		if err := within(t, "Shutdown", stopped); err != nil {
			t.Error(err)
		}
	})
}

// TestPassShutdownAnswersWhatHasCome is TestShutdownAnswersWhatHasCome.
func TestPassShutdownAnswersWhatHasCome(t *testing.T) {
	t.Parallel()
	s := &Server{Handler: &passer{}}
	addr := startServer(t, s)
	var clients []*client
	for range 100 {
		c := dial(t, addr)
		c.send(get("/"))
		c.want(200)
		clients = append(clients, c)
	}
	for _, c := range clients {
		c.send(post("Content-Length: 5\r\n", "hello"))
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(t.Context()) }()
	for _, c := range clients {
		if body := c.want(200); body != "POST / HELLO" {
			t.Errorf("%q", body)
		}
		c.closed()
	}
	if err := within(t, "Shutdown", stopped); err != nil {
		t.Error(err)
	}
}

// TestPassShutdownRefusesWhatHasCome has requests come that are none, after others on the same connections: they are refused also
// when the server reads them as its last.
func TestPassShutdownRefusesWhatHasCome(t *testing.T) {
	t.Parallel()
	s := &Server{Handler: &passer{}}
	addr := startServer(t, s)
	var clients []*client
	for range 100 {
		c := dial(t, addr)
		c.send(get("/"))
		c.want(200)
		clients = append(clients, c)
	}
	for _, c := range clients {
		c.send("GET / HTTP/1.1\r\n\r\n")
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(t.Context()) }()
	for _, c := range clients {
		c.refused(http.StatusBadRequest)
	}
	if err := within(t, "Shutdown", stopped); err != nil {
		t.Error(err)
	}
}

// TestPassHoldsNoBuffer has a connection without a request hold nothing of the last one.
func TestPassHoldsNoBuffer(t *testing.T) {
	t.Parallel()
	bySteps(t, func(t *testing.T, start func(*Server) string) {
		p := &noting{read: make(chan weak.Pointer[byte], 1)}
		c := dial(t, start(&Server{Handler: p}))
		c.send(get("/"))
		c.want(200)
		read := <-p.read
		eventually(t, "the buffer is free", func() bool {
			runtime.GC()
			return read.Value() == nil
		})
	})
}

// noting tells where a request lies.
type noting struct {
	passer
	read chan weak.Pointer[byte]
}

func (n *noting) Pass(r *Raw) Verdict {
	n.read <- weak.Make(&r.Target()[0])
	return n.passer.Pass(r)
}

// TestPassClose has the server close with clients in every state.
func TestPassClose(t *testing.T) {
	t.Parallel()
	bySteps(t, func(t *testing.T, start func(*Server) string) {
		p := &passer{waiting: make(chan struct{})}
		s := &Server{Handler: p}
		addr := start(s)
		idle, large, busy := dial(t, addr), dial(t, addr), dial(t, addr)
		idle.send(get("/"))
		idle.want(200)
		large.send(get("/large")) // not read
		large.r.Peek(1)
		busy.send(get("/wait"))
		<-p.waiting
		closed := make(chan error, 1)
		go func() { closed <- s.Close() }()
		p.waiting <- struct{}{} // Close waits for what Pass does, which never is long
		within(t, "Close", closed)
		idle.closed()
		for _, c := range []*client{busy, large} { // they may have got their response, or a part of it
			if _, err := io.Copy(io.Discard, c.r); err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("a connection is still open")
			}
		}
		eventually(t, "all are closed", func() bool { return s.begin().open.Load() == 0 })
	})
}

// TestPassLimitsBody leaves what is too long to the handler, which refuses it.
func TestPassLimitsBody(t *testing.T) {
	t.Parallel()
	s := &Server{Handler: &passer{served: func(w http.ResponseWriter, r *http.Request) { readAll(w, r) }}}
	s.Limits.MaxRequestBodySize = 4
	c := dial(t, startServer(t, s))
	c.send(post("Content-Length: 4\r\n", "four"))
	if body := c.want(200); body != "POST / FOUR" {
		t.Errorf("%q", body)
	}
	c.send(post("Content-Length: 5\r\n", "hello"))
	c.refused(http.StatusRequestEntityTooLarge)
}

// TestPassOverUnixSocket has a socket that does not know what TCP knows.
func TestPassOverUnixSocket(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/s"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip("no unix sockets: " + err.Error())
	}
	p := &passer{}
	serveOn(t, &Server{Handler: p}, l, Binding{})
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	c := &client{t, conn, bufio.NewReader(conn)}
	c.send(get("/a") + get("/b"))
	conn.(*net.UnixConn).CloseWrite()
	c.want(200)
	c.want(200)
	c.closed()
	if p.passed.Load() != 2 {
		t.Errorf("%d were passed", p.passed.Load())
	}
}
