package kestrel

import (
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	h2 "golang.org/x/net/http2"

	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/internal/serve"
	"github.com/gorun-dev/gorun/servers/limits"
)

// quick is a rate for tests: who is slower than 10 kB/s loses after 100 ms.
var quick = limits.DataRate{BytesPerSecond: 10_000, GracePeriod: 100 * time.Millisecond}

var never = limits.DataRate{BytesPerSecond: -1}

func TestHTTP2BodySize(t *testing.T) {
	t.Parallel()
	tooLong := func(t *testing.T, err error, want int64) {
		if e, ok := errors.AsType[*http.MaxBytesError](err); !ok || e.Limit != want {
			t.Errorf("the handler got %v, want a limit of %d", err, want)
		}
	}
	set := func(t *testing.T, r *http.Request, n int64) {
		body, _ := feature.Get[feature.Body](r.Context())
		if err := body.SetMaxSize(n); err != nil || body.MaxSize() != n {
			t.Errorf("set to %d: %v, now %d", n, err, body.MaxSize())
		}
	}
	for name, tt := range map[string]struct {
		length  string // empty: not told
		sent    int
		handler func(*testing.T, http.ResponseWriter, *http.Request)
		want    string
	}{
		"as long": {"", 10, func(t *testing.T, w http.ResponseWriter, r *http.Request) {
			if b, err := io.ReadAll(r.Body); len(b) != 10 || err != nil {
				t.Errorf("got %q, %v", b, err)
			}
		}, "200"},
		"longer": {"", 11, func(t *testing.T, w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			if len(b) != 10 {
				t.Errorf("got %q", b)
			}
			tooLong(t, err, 10)
		}, "413"},
		"announced longer": {"11", 0, func(t *testing.T, w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			if len(b) != 0 {
				t.Errorf("got %q", b)
			}
			tooLong(t, err, 10)
		}, "413"},
		"the handler says something else": {"11", 0, func(t *testing.T, w http.ResponseWriter, r *http.Request) {
			io.ReadAll(r.Body)
			w.WriteHeader(http.StatusTeapot)
			if n, err := io.WriteString(w, "tea"); n != 0 || err == nil {
				t.Errorf("wrote %d, %v", n, err)
			}
		}, "413"},
		"not read": {"11", 0, func(*testing.T, http.ResponseWriter, *http.Request) {}, "200"},
		"more is allowed": {"", 20, func(t *testing.T, w http.ResponseWriter, r *http.Request) {
			set(t, r, 20)
			if b, err := io.ReadAll(r.Body); len(b) != 20 || err != nil {
				t.Errorf("got %q, %v", b, err)
			}
		}, "200"},
		"everything is allowed": {"", 2000, func(t *testing.T, w http.ResponseWriter, r *http.Request) {
			set(t, r, -1)
			if b, err := io.ReadAll(r.Body); len(b) != 2000 || err != nil {
				t.Errorf("got %d bytes, %v", len(b), err)
			}
		}, "200"},
		"nothing is allowed": {"", 1, func(t *testing.T, w http.ResponseWriter, r *http.Request) {
			set(t, r, 0)
			_, err := io.ReadAll(r.Body)
			tooLong(t, err, 0)
		}, "413"},
		"too late to change": {"", 1, func(t *testing.T, w http.ResponseWriter, r *http.Request) {
			io.ReadAll(r.Body)
			body, _ := feature.Get[feature.Body](r.Context())
			if err := body.SetMaxSize(20); err == nil || body.MaxSize() != 10 {
				t.Errorf("got %v, now %d", err, body.MaxSize())
			}
		}, "200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dialWire(t, listen(t, &Server{Limits: Limits{MaxRequestBodySize: 10}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				tt.handler(t, w, r)
			})}, cleartext()))
			fields := []string{}
			if tt.length != "" {
				fields = append(fields, "content-length", tt.length)
			}
			c.ask(1, "POST", false, fields...)
			c.WriteData(1, tt.length == "", make([]byte, tt.sent))
			if got := c.status(1); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// A response that has begun cannot become another one: it is cut off, so that it does not look whole.
func TestHTTP2BodyTooLongForAResponse(t *testing.T) {
	t.Parallel()
	c := dialWire(t, listen(t, &Server{Limits: Limits{MaxRequestBodySize: 10}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		io.Copy(w, r.Body)
		if _, err := io.WriteString(w, "more"); err == nil {
			t.Error("more could be written")
		}
	})}, cleartext()))
	c.ask(1, "POST", false)
	c.WriteData(1, true, make([]byte, 11))
	if got := c.status(1); got != "200" {
		t.Errorf("got %s", got)
	}
	c.reset(1)
}

func TestHTTP2SlowBody(t *testing.T) {
	t.Parallel()
	read := func(t *testing.T, r *http.Request, want int) {
		_, err := io.ReadAll(r.Body)
		e, _ := errors.AsType[*serve.RequestError](err)
		if want == 0 && err != nil || want != 0 && (e == nil || e.Status != want) {
			t.Errorf("the handler got %v, want %d", err, want)
		}
	}
	server := &Server{Limits: Limits{MinRequestBodyDataRate: quick}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rates, _ := feature.Get[feature.DataRates](r.Context())
		switch r.Header.Get("do") {
		case "begin":
			w.(http.Flusher).Flush()
			read(t, r, 408)
		case "forgive":
			rates.SetMinRequestBodyDataRate(never)
			read(t, r, 0)
		default:
			read(t, r, 408)
		}
	})}
	c := dialWire(t, listen(t, server, cleartext()))
	c.ask(1, "POST", false)
	c.ask(3, "POST", false, "do", "forgive")
	c.WriteData(1, false, []byte("x"))
	if got := c.status(1); got != "408" {
		t.Errorf("got %s, want 408", got)
	}
	c.WriteData(3, true, []byte("late")) // by then this one has been as slow
	if got := c.status(3); got != "200" {
		t.Errorf("forgiven: got %s, want 200", got)
	}
	c.ask(5, "POST", false, "do", "begin")
	if got := c.status(5); got != "200" {
		t.Errorf("begun: got %s, want 200", got)
	}
	c.reset(5)
}

// A client whose data could not be sent, because other handlers leave theirs unread and the connection's window is full, is not
// slow.
func TestHTTP2BodyBehindAFullWindow(t *testing.T) {
	t.Parallel()
	release, read := make(chan struct{}), make(chan error, 1)
	server := &Server{
		Limits: Limits{MinRequestBodyDataRate: quick, HTTP2: limits.HTTP2{InitialConnectionWindowSize: 65_535, InitialStreamWindowSize: 65_535}},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("do") == "wait" {
				<-release
				return
			}
			_, err := io.ReadAll(r.Body)
			read <- err
		}),
	}
	addr := listen(t, server, cleartext())
	c, slow := dialWire(t, addr), dialWire(t, addr)
	c.ask(1, "POST", false, "do", "wait")
	c.ask(3, "POST", false)
	slow.ask(1, "POST", false)
	if err := <-read; err == nil { // on the other connection, where nothing is in the way
		t.Error("the slow one was not cut off")
	}
	slow.ask(3, "POST", false) // and once more, so that several beats have passed on both
	if err := <-read; err == nil {
		t.Error("the slow one was not cut off")
	}
	close(release)
	c.WriteData(3, true, []byte("x"))
	if err := <-read; err != nil {
		t.Errorf("behind the full window: %v", err)
	}
}

// A handler whose client takes nothing is freed, and so is a response that net/http holds for a handler that has returned.
func TestHTTP2SlowReader(t *testing.T) {
	t.Parallel()
	wrote := make(chan error, 1)
	addr := listen(t, &Server{Limits: Limits{MinResponseDataRate: quick}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rates, _ := feature.Get[feature.DataRates](r.Context())
		switch r.Header.Get("do") {
		case "forgive":
			rates.SetMinResponseDataRate(never)
			io.WriteString(w, strings.Repeat("x", 5000))
		case "small":
			io.WriteString(w, "x")
		default:
			_, err := io.WriteString(w, strings.Repeat("x", 5000))
			wrote <- err
		}
	})}, cleartext())
	nothing := h2.Setting{ID: h2.SettingInitialWindowSize, Val: 0}
	c := dialWire(t, addr, nothing)
	c.ask(1, "GET", true, "do", "forgive")
	c.ask(3, "GET", true)
	c.reset(3)
	if err := <-wrote; err == nil {
		t.Error("all was written")
	}
	c.WriteWindowUpdate(1, 5000)
	c.until("the end of the one that has time", func(f h2.Frame) bool {
		d, ok := f.(*h2.DataFrame)
		return ok && d.StreamID == 1 && d.StreamEnded()
	})
	c.ask(5, "GET", true, "do", "small")
	if got := c.status(5); got != "200" {
		t.Errorf("got %s", got)
	}
	c.gone()
}

// A client whose system takes nothing any more, and to which not even a reset can be sent, loses the connection.
func TestHTTP2BlockedReader(t *testing.T) {
	t.Parallel()
	wrote := make(chan error, 1)
	rate := limits.DataRate{BytesPerSecond: 1 << 20, GracePeriod: 100 * time.Millisecond}
	c := dialWire(t, listen(t, &Server{Limits: Limits{MinResponseDataRate: rate}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		piece := make([]byte, 64<<10)
		for range 1 << 12 {
			if _, err := w.Write(piece); err != nil {
				wrote <- err
				return
			}
		}
		wrote <- nil
	})}, cleartext()), h2.Setting{ID: h2.SettingInitialWindowSize, Val: 1<<31 - 1})
	c.WriteWindowUpdate(0, 1<<31-1-65_535)
	c.ask(1, "GET", true)
	select {
	case err := <-wrote:
		if err == nil {
			t.Error("all was written")
		}
	case <-time.After(limit):
		t.Error("the handler still waits")
	}
}

func TestHTTP2Clock(t *testing.T) {
	t.Parallel()
	h := newHTTP2(&Server{})
	for passed, want := range map[time.Duration]time.Duration{
		time.Second: time.Second, 1500 * time.Millisecond: 1500 * time.Millisecond, time.Hour: 2 * time.Second, -time.Second: 0,
	} {
		if got := time.Duration(h.counts(passed)); got != want {
			t.Errorf("%v: got %v, want %v", passed, got, want)
		}
	}
}

// Who takes the response faster than is due loses nothing, also when it is written in small pieces, of which the last has to wait
// for all that are buffered.
func TestHTTP2SteadyReader(t *testing.T) {
	t.Parallel()
	rate := limits.DataRate{BytesPerSecond: 5000, GracePeriod: 50 * time.Millisecond}
	c := dialWire(t, listen(t, &Server{Limits: Limits{MinResponseDataRate: rate}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 200 {
			if _, err := w.Write(make([]byte, 100)); err != nil {
				t.Error(err)
				return
			}
		}
	})}, cleartext()), h2.Setting{ID: h2.SettingInitialWindowSize, Val: 1000})
	c.ask(1, "GET", true)
	beat := time.NewTicker(50 * time.Millisecond) // 20 kB/s
	defer beat.Stop()
	for total := 0; ; {
		f, err := c.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		d, ok := f.(*h2.DataFrame)
		if !ok {
			continue
		}
		total += len(d.Data())
		if d.StreamEnded() {
			if total != 20_000 {
				t.Errorf("got %d bytes", total)
			}
			return
		}
		<-beat.C
		c.WriteWindowUpdate(1, uint32(len(d.Data())))
		c.WriteWindowUpdate(0, uint32(len(d.Data())))
	}
}

func TestHTTP2KeepAlive(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		limits Limits
		told   bool // by GOAWAY
	}{
		"idle": {Limits{KeepAliveTimeout: 50 * time.Millisecond}, true},
		"no answer to a ping": {Limits{HTTP2: limits.HTTP2{
			KeepAlivePingDelay: 20 * time.Millisecond, KeepAlivePingTimeout: 20 * time.Millisecond,
		}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dialWire(t, listen(t, &Server{Limits: tt.limits}, cleartext()))
			if _, told := c.gone(); told != tt.told {
				t.Errorf("GOAWAY: %v, want %v", told, tt.told)
			}
		})
	}
	// By default nobody is asked, and who answers stays.
	c := dialWire(t, listen(t, &Server{Limits: Limits{HTTP2: limits.HTTP2{KeepAlivePingDelay: 10 * time.Millisecond}}}, cleartext()))
	for range 3 {
		p := c.until("a ping", func(f h2.Frame) bool { _, ok := f.(*h2.PingFrame); return ok }).(*h2.PingFrame)
		c.WritePing(true, p.Data)
	}
}

// GOAWAY, then what runs is finished, then the connection ends; nothing of the server's is left.
func TestHTTP2Shutdown(t *testing.T) {
	// Not parallel: it looks for goroutines.
	for name, b := range map[string]Binding{"h2c": cleartext(), "TLS": secured()} {
		t.Run(name, func(t *testing.T) {
			entered, finish := make(chan struct{}), make(chan struct{})
			s := &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				close(entered)
				<-finish
				io.WriteString(w, "finished")
			})}
			url := "http://" + listen(t, s, b)
			if b.TLS != nil {
				url = strings.Replace(url, "http:", "https:", 1)
			}
			client := browser(t)
			answer := make(chan string, 1)
			go func() { answer <- body(t, client, url) }()
			<-entered
			stopped := make(chan error, 1)
			go func() { stopped <- s.Shutdown(t.Context()) }()
			for !s.h2.stopping.Load() {
				runtime.Gosched()
			}
			select {
			case err := <-stopped:
				t.Errorf("it did not wait: %v", err)
			default:
			}
			close(finish)
			if got := <-answer; got != "finished" {
				t.Errorf("got %q", got)
			}
			if err := <-stopped; err != nil {
				t.Error(err)
			}
			nothingLeft(t)
		})
	}
}

// A client that does not go away is closed a second after its last response, and one that comes too late gets nothing.
func TestHTTP2ShutdownOfTheStubborn(t *testing.T) {
	t.Parallel()
	s := &Server{}
	addr := listen(t, s, cleartext())
	c := dialWire(t, addr)
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(t.Context()) }()
	if code, told := c.gone(); !told || code != h2.ErrCodeNo {
		t.Errorf("GOAWAY: %v, %v", told, code)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// Close does not wait: neither for handlers, nor for a client that takes nothing.
func TestHTTP2Close(t *testing.T) {
	t.Parallel()
	entered, left := make(chan struct{}), make(chan error, 1)
	s := &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		left <- r.Context().Err()
	})}
	c := dialWire(t, listen(t, s, cleartext()))
	c.ask(1, "GET", true)
	<-entered
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-left; err == nil {
		t.Error("the handler was not told")
	}
	c.gone()
}

// A client that says hello when all others have been told to go away is not told by net/http.
func TestHTTP2ShutdownOfTheLate(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	defer near.Close()
	h := newHTTP2(&Server{})
	c := newHTTP2Conn(h, far, Binding{})
	h.stop()
	c.setIdle(true)
	near.SetDeadline(time.Now().Add(limit))
	if _, err := near.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("got %v, want the end", err)
	}
}

// nothingLeft waits until no goroutine runs code of this package.
func nothingLeft(t *testing.T) {
	t.Helper()
	late := time.After(limit)
	for {
		buffer := make([]byte, 1<<20)
		all := string(buffer[:runtime.Stack(buffer, true)])
		if !strings.Contains(all, "kestrel.(*http2") && !strings.Contains(all, "http2serverConn") {
			return
		}
		select {
		case <-late:
			t.Fatalf("still there:\n%s", all)
		case <-time.After(time.Millisecond):
		}
	}
}
