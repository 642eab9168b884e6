package serve

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// within fails the test when a channel stays empty.
func within[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("waited in vain: %s", what)
	}
	return v
}

func TestShutdownWhileABodyIsDrained(t *testing.T) {
	t.Parallel()
	s := handle(ok)
	c := dial(t, startServer(t, s))
	c.send(post("Content-Length: 5\r\n", ""))
	c.want(http.StatusOK)
	eventually(t, "the body is drained", func() bool { return waitsFor(s, forDrain) })
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(t.Context()) }()
	stops(t, s)
	c.send("hello")
	c.closed()
	if err := within(t, "Shutdown", stopped); err != nil {
		t.Error(err)
	}
}

// stops waits until every connection has been told that the server stops.
func stops(t *testing.T, s *Server) {
	t.Helper()
	k := s.begin()
	eventually(t, "the server stops", func() bool {
		k.mu.Lock() // held while they are told
		defer k.mu.Unlock()
		return k.stopping.Load()
	})
}

// waitsFor reports whether the only connection reads for this.
func waitsFor(s *Server, what wait) bool {
	k := s.begin()
	k.mu.Lock()
	defer k.mu.Unlock()
	for c := range k.conns {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.reading && c.waits == what
	}
	return false
}

func TestGoexitEndsTheConnection(t *testing.T) {
	t.Parallel()
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "not sent")
		runtime.Goexit()
	})
	c := dial(t, startServer(t, s))
	c.send(get("/"))
	c.closed()
	eventually(t, "it is no longer counted", func() bool { return s.begin().open.Load() == 0 })
}

func TestPanicEndsReadersOfTheBody(t *testing.T) {
	t.Parallel()
	read := make(chan error, 1)
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		reading := make(chan struct{})
		go func() {
			close(reading)
			_, err := io.Copy(io.Discard, onlyReader{r.Body})
			read <- err
		}()
		<-reading
		panic(http.ErrAbortHandler)
	})
	addr := startServer(t, s)
	for range 20 {
		c := dial(t, addr)
		c.send(post(chunked, "5\r\nhello\r\n"))
		c.closed()
		if err := within(t, "the reader", read); err == nil {
			t.Error("the reader found an end")
		}
	}
}

// A reader that the handler has left behind must not hold the connection longer than a drain may take.
func TestReturnEndsReadersOfTheBody(t *testing.T) {
	t.Parallel()
	read := make(chan error, 1)
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			return
		}
		reading := make(chan struct{})
		go func() {
			close(reading)
			_, err := io.ReadAll(r.Body)
			read <- err
		}()
		<-reading
		ok(w, r)
	})
	s.Limits.MinRequestBodyDataRate = DataRate{BytesPerSecond: -1}
	c := dial(t, startServer(t, s))
	c.send(post("Content-Length: 5\r\n", "he"))
	c.want(http.StatusOK)
	if err := within(t, "the reader", read); err == nil {
		t.Error("the reader found an end")
	}
	c.send("llo" + get("/next"))
	c.want(http.StatusOK)
}

// Nor does the drain hold the reader: it may be what its client waits for.
func TestReaderNeedNotWaitForTheDrain(t *testing.T) {
	t.Parallel()
	bodies := make(chan io.Reader, 1)
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		bodies <- r.Body
		ok(w, r)
	})
	s.Limits.MinRequestBodyDataRate = DataRate{BytesPerSecond: -1}
	c := dial(t, startServer(t, s))
	read := make(chan error, 1)
	for range 20 {
		c.send(post("Content-Length: 5\r\n", "he"))
		c.want(http.StatusOK)
		body := <-bodies
		go func() {
			_, err := io.Copy(io.Discard, body) // it may still get what came with the head
			read <- err
		}()
		if err := within(t, "the reader", read); err == nil {
			t.Error("the body has an end before it has come")
		}
		c.send("llo")
	}
}

func TestBodyIsNotReadAfterAHijack(t *testing.T) {
	t.Parallel()
	c := dial(t, startServer(t, handle(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		if n, err := r.Body.Read(make([]byte, 10)); n > 0 || err == nil {
			t.Errorf("the body gave %d bytes and %v", n, err)
		}
		line, err := rw.ReadString('\n')
		if err != nil || line != "bad chunk\n" {
			t.Errorf("the connection gave %q, %v", line, err)
		}
		io.WriteString(rw, "done")
		rw.Flush()
	})))
	c.send(post(chunked, "bad chunk\n"))
	if got, _ := io.ReadAll(c.r); string(got) != "done" {
		t.Errorf("got %q", got)
	}
}

func TestHijackSendsWhatWasWritten(t *testing.T) {
	t.Parallel()
	const size = bodyBuffer + 500 // what is over waits for more, and is lost; net/http has it so too
	c := dial(t, startServer(t, handle(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "4000")
		io.WriteString(w, strings.Repeat("x", size))
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		conn.Close()
	})))
	c.send(get("/"))
	got, _ := io.ReadAll(c.r)
	if _, body, _ := strings.Cut(string(got), "\r\n\r\n"); len(body) != bodyBuffer {
		t.Errorf("%d bytes came, want %d", len(body), bodyBuffer)
	}
}

func TestDeadlineAfterAHijack(t *testing.T) {
	t.Parallel()
	read := make(chan error, 1)
	c := dial(t, startServer(t, handle(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		if err := http.NewResponseController(w).SetReadDeadline(past); err != nil {
			t.Error(err)
		}
		_, err = conn.Read(make([]byte, 1))
		read <- err
	})))
	c.send(get("/"))
	if e, ok := within(t, "the read", read).(net.Error); !ok || !e.Timeout() {
		t.Errorf("the read ended with %v", e)
	}
}

func TestHijackedConnectionHoldsNoBuffers(t *testing.T) {
	t.Parallel()
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "x")
		w.(http.Flusher).Flush()
		c := w.(*response).x.conn
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		if c.buffer != nil || c.in != nil || c.out != nil {
			t.Errorf("buffers of %d, %d and %d bytes are kept", cap(c.buffer), cap(c.in), cap(c.out))
		}
		if want := len("early"); r.URL.Path == "/early" && rw.Reader.Buffered() != want {
			t.Errorf("%d bytes are there, want %d", rw.Reader.Buffered(), want)
		}
		if r.URL.Path == "/" && rw.Reader.Buffered() != 0 {
			t.Errorf("%d bytes are there, want none", rw.Reader.Buffered())
		}
	})
	addr := startServer(t, s)
	for request := range map[string]bool{get("/"): true, get("/early") + "early": true} {
		c := dial(t, addr)
		c.send(request)
		io.Copy(io.Discard, c.r)
	}
}

func TestUpgradedConnectionCanCloseItsWrites(t *testing.T) {
	t.Parallel()
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		half, ok := conn.(interface{ CloseWrite() error })
		if !ok {
			t.Errorf("a %T cannot close its writes", conn)
			return
		}
		io.WriteString(conn, "that is all")
		half.CloseWrite()
		if line, err := rw.ReadString('\n'); line != "heard\n" {
			t.Errorf("got %q, %v", line, err)
		}
	})
	s.Limits.MaxConcurrentUpgradedConnections = 10 // so that they are counted
	c := dial(t, startServer(t, s))
	c.send(get("/"))
	if all, err := io.ReadAll(c.r); string(all) != "that is all" {
		t.Errorf("got %q, %v", all, err)
	}
	c.send("heard\n")
}

func TestFailedWriteCancelsTheRequest(t *testing.T) {
	t.Parallel()
	cancelled := make(chan struct{})
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := io.WriteString(w, strings.Repeat("x", 64<<10)); err != nil {
				break
			}
		}
		<-r.Context().Done() // the body is not read: nothing but the write can tell
		close(cancelled)
	})
	c := dial(t, startServer(t, s))
	c.send(post("Content-Length: 5\r\n", ""))
	c.conn.(*net.TCPConn).SetLinger(0)
	c.conn.Close()
	within(t, "the end of the request", cancelled)
}

func TestCauseOfTheRequestsEnd(t *testing.T) {
	t.Parallel()
	base, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	kept := make(chan context.Context, 1)
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		if err := context.Cause(r.Context()); err != nil {
			t.Errorf("the request runs, and ended for %v", err)
		}
		kept <- r.Context()
	})
	s.BaseContext = func() context.Context { return base }
	c := dial(t, startServer(t, s))
	c.send(get("/"))
	c.want(http.StatusOK)
	if err := context.Cause(<-kept); !errors.Is(err, context.Canceled) {
		t.Errorf("the cause is %v, want context.Canceled", err)
	}
}

func TestCloseNotifyIsOneChannel(t *testing.T) {
	t.Parallel()
	c := dial(t, startServer(t, handle(func(w http.ResponseWriter, r *http.Request) {
		old := w.(interface{ CloseNotify() <-chan bool })
		first := old.CloseNotify()
		for range 10 {
			if old.CloseNotify() != first {
				t.Error("each call makes another channel")
			}
		}
	})))
	c.send(get("/"))
	c.want(http.StatusOK)
}

// A handler that has returned has no say in the deadlines of later requests.
func TestLateDeadlinesAreNothing(t *testing.T) {
	t.Parallel()
	late := make(chan *http.ResponseController, 1)
	c := dial(t, startServer(t, handle(func(w http.ResponseWriter, r *http.Request) {
		select {
		case before := <-late:
			if before.SetReadDeadline(past) == nil || before.SetWriteDeadline(past) == nil {
				t.Error("a handler that has returned set a deadline")
			}
		default:
			late <- http.NewResponseController(w)
		}
		readAll(w, r)
	})))
	for range 2 {
		c.send(post("Content-Length: 5\r\n", ""))
		c.send("hello")
		if body := c.want(http.StatusOK); body != "HELLO" {
			t.Errorf("got %q", body)
		}
	}
}

func TestPanicBeforeTheFirstRequest(t *testing.T) {
	t.Parallel()
	s := handle(ok)
	s.Log = slog.New(slog.DiscardHandler)
	s.Middleware = []func(net.Conn) (net.Conn, error){func(c net.Conn) (net.Conn, error) { panic("in the middle") }}
	dial(t, startServer(t, s)).closed()
	eventually(t, "it is no longer counted", func() bool { return s.begin().open.Load() == 0 })
}

// An interim answer is written like any other: a client that does not read it is cut off.
func TestInterimAnswersHaveToBeRead(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe() // it has no buffer
	done := make(chan struct{})
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		w.WriteHeader(http.StatusEarlyHints)
	})
	s.Limits.MinResponseDataRate = DataRate{BytesPerSecond: 1e6, GracePeriod: 50 * time.Millisecond}
	t.Cleanup(func() { s.Close() })
	if err := s.ServeConn(far, Binding{}); err != nil {
		t.Fatal(err)
	}
	c := &client{t, near, bufio.NewReader(near)}
	t.Cleanup(func() { near.Close() })
	c.send(get("/"))
	within(t, "the handler's end", done)
}

// A client that still sends when the server stops gets the answer that it has been given.
func TestShutdownLeavesTimeForTheAnswer(t *testing.T) {
	t.Parallel()
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		ok(w, r)
	})
	c := dial(t, startServer(t, s))
	c.send(post("Content-Length: 1000000\r\n", "some"))
	k := s.begin()
	eventually(t, "it lingers", func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		for c := range k.conns {
			return c.closed.Load()
		}
		return false
	})
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(t.Context()) }()
	stops(t, s)
	for range 2 { // the first would bring a reset about, on which other systems than Linux throw the answer away
		if _, err := io.WriteString(c.conn, strings.Repeat("x", 10_000)); err != nil {
			t.Errorf("the client cannot go on: %v", err)
		}
	}
	c.want(http.StatusOK)
	c.closed()
	c.conn.Close()
	if err := within(t, "Shutdown", stopped); err != nil {
		t.Error(err)
	}
}

func TestForbiddenTrailersAreNotSent(t *testing.T) {
	t.Parallel()
	c := dial(t, startServer(t, handle(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Authorization, If-Match, Fine")
		io.WriteString(w, "hello")
		w.(http.Flusher).Flush()
		for _, key := range []string{"Authorization", "If-Match", "Fine", http.TrailerPrefix + "host", http.TrailerPrefix + "Better"} {
			w.Header().Set(key, "yes")
		}
	})))
	c.send(get("/"))
	res, _ := c.response()
	if len(res.Trailer) != 4 || res.Trailer.Get("Fine") != "yes" || res.Trailer.Get("Better") != "yes" || res.Trailer.Get("Authorization")+res.Trailer.Get("If-Match") != "" {
		t.Errorf("trailers %v", res.Trailer)
	}
}
