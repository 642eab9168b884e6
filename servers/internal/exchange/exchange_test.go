package exchange_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/exchange"
)

// heard is what a listener was told; the original is used again.
type heard chan exchange.Exchange

func (h heard) listener() exchange.Listener {
	return exchange.Listener{End: func(e *exchange.Exchange) { h <- *e }}
}

// next waits for the next exchange. Clients have their answer before it ends.
func (h heard) next(t *testing.T) exchange.Exchange {
	t.Helper()
	select {
	case e := <-h:
		return e
	case <-t.Context().Done():
		t.Fatal("no exchange was told")
		panic("unreachable")
	}
}

func serve(t *testing.T, http2 bool, handler http.HandlerFunc) (*httptest.Server, heard) {
	t.Helper()
	h := make(heard, 10)
	s := httptest.NewUnstartedServer(exchange.Wrap(handler, h.listener()))
	s.Config.ErrorLog = quiet()
	if http2 {
		s.EnableHTTP2 = true
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s, h
}

func TestExchange(t *testing.T) {
	t.Parallel()
	type want struct {
		status         int
		received, sent int64
	}
	for _, test := range []struct {
		name    string
		method  string
		body    string
		handler http.HandlerFunc
		want    want
	}{
		{"nothing said", "GET", "", func(http.ResponseWriter, *http.Request) {}, want{status: 200}},
		{"written", "GET", "", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("abc")) }, want{200, 0, 3}},
		{"string written", "GET", "", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "abcd") }, want{200, 0, 4}},
		{"only flushed", "GET", "", func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			w.WriteHeader(404) // too late
		}, want{status: 200}},
		{"flushed by a controller", "GET", "", func(w http.ResponseWriter, _ *http.Request) {
			http.NewResponseController(w).Flush()
			w.WriteHeader(404)
		}, want{status: 200}},
		{"status", "GET", "", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(404)
			w.WriteHeader(500)
			io.WriteString(w, "no")
		}, want{404, 0, 2}},
		{"interim", "GET", "", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusProcessing)
			w.WriteHeader(201)
		}, want{status: 201}},
		{"interim and nothing more", "GET", "", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103) }, want{status: 200}},
		{"head", "HEAD", "", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "abc") }, want{status: 200}},
		{"no content", "GET", "", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(204)
			io.WriteString(w, "abc")
		}, want{status: 204}},
		{"copied", "GET", "", func(w http.ResponseWriter, _ *http.Request) { io.Copy(w, strings.NewReader("abcde")) }, want{200, 0, 5}},
		{"body read", "POST", "hello", func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }, want{200, 5, 0}},
		{"body read in part", "POST", "hello", func(_ http.ResponseWriter, r *http.Request) { io.ReadFull(r.Body, make([]byte, 2)) }, want{200, 2, 0}},
		{"body not read", "POST", "hello", func(http.ResponseWriter, *http.Request) {}, want{status: 200}},
		{"body too large", "POST", "hello", func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4))
			if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
				w.WriteHeader(http.StatusRequestEntityTooLarge)
			}
		}, want{413, 5, 0}},
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/http2=%v", test.name, http2), func(t *testing.T) {
				t.Parallel()
				s, h := serve(t, http2, test.handler)
				r, _ := http.NewRequestWithContext(t.Context(), test.method, s.URL, strings.NewReader(test.body))
				resp, err := s.Client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				e := h.next(t)
				if got := (want{e.Status, e.Received, e.Sent}); got != test.want {
					t.Errorf("got %+v, want %+v", got, test.want)
				}
				if resp.StatusCode != test.want.status || int64(len(body)) != test.want.sent {
					t.Errorf("the client got %d and %d bytes, want %+v", resp.StatusCode, len(body), test.want)
				}
				if e.Panicked || e.Upgraded {
					t.Errorf("%+v", e)
				}
			})
		}
	}
}

func TestRequestIsToldAsItWasSent(t *testing.T) {
	t.Parallel()
	s, h := serve(t, false, func(_ http.ResponseWriter, r *http.Request) {
		r.Method, r.Host, r.RemoteAddr = "PUT", "else", "else"
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery = "/else", "", ""
		r.Header.Del("User-Agent")
	})
	r, _ := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/a%2Fb/c?d=%20e", nil)
	r.Host = "example.com:81"
	r.Header.Set("User-Agent", "test/1")
	r.Header.Set("Referer", "http://example.com/before")
	before := time.Now()
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	e := h.next(t)
	if e.Start.Before(before) || e.Duration <= 0 || time.Since(before) < e.Duration {
		t.Errorf("start %v, duration %v", e.Start, e.Duration)
	}
	if got := e.EscapedPath(); got != "/a%2Fb/c" {
		t.Errorf("escaped path %q", got)
	}
	if e.Local == nil || e.Local.String() != s.Listener.Addr().String() {
		t.Errorf("local %v, want %v", e.Local, s.Listener.Addr())
	}
	if host, _, err := net.SplitHostPort(e.Remote); err != nil || host != "127.0.0.1" {
		t.Errorf("remote %q", e.Remote)
	}
	e.Start, e.Duration, e.Local, e.Remote, e.Request = time.Time{}, 0, nil, "", nil
	want := exchange.Exchange{
		Method: "GET", Scheme: "http", Host: "example.com:81", Path: "/a/b/c", RawPath: "/a%2Fb/c", Query: "d=%20e",
		Target: "/a%2Fb/c?d=%20e", Proto: "HTTP/1.1", UserAgent: "test/1", Referer: "http://example.com/before", Status: 200,
	}
	if e != want {
		t.Errorf("\ngot  %+v\nwant %+v", e, want)
	}
}

func TestScheme(t *testing.T) {
	t.Parallel()
	s, h := serve(t, true, func(http.ResponseWriter, *http.Request) {})
	resp, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if e := h.next(t); e.Scheme != "https" || e.Proto != "HTTP/2.0" {
		t.Errorf("%q by %q", e.Scheme, e.Proto)
	}
}

func TestRoute(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "body"} { // with a body the handler gets a copy of the request
		mux := http.NewServeMux()
		mux.HandleFunc("/items/{id}", func(http.ResponseWriter, *http.Request) {})
		h := make(heard, 1)
		r := httptest.NewRequest("POST", "/items/7", strings.NewReader(body))
		exchange.Wrap(mux, h.listener()).ServeHTTP(httptest.NewRecorder(), r)
		if e := h.next(t); e.Route != "/items/{id}" || r.Pattern != e.Route {
			t.Errorf("body %q: route %q, the server's request has %q", body, e.Route, r.Pattern)
		}
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := make(heard, 1)
		slow := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(3 * time.Second) })
		exchange.Wrap(slow, h.listener()).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		if e := h.next(t); e.Duration != 3*time.Second {
			t.Errorf("got %v", e.Duration)
		}
	})
}

func TestPanic(t *testing.T) {
	t.Parallel()
	for _, value := range []any{http.ErrAbortHandler, "boom"} {
		for _, status := range []int{0, 206} {
			h := make(heard, 1)
			handler := exchange.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if status != 0 {
					w.WriteHeader(status)
				}
				panic(value)
			}), h.listener())
			func() {
				defer func() {
					if got := recover(); got != value {
						t.Errorf("the server saw the panic %v, want %v", got, value)
					}
				}()
				handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
			}()
			if e := h.next(t); !e.Panicked || e.Status != status {
				t.Errorf("panic %v after status %d: %+v", value, status, e)
			}
		}
	}
}

func TestListeners(t *testing.T) {
	t.Parallel()
	var told []string
	note := func(what string) func(*exchange.Exchange) {
		return func(e *exchange.Exchange) { told = append(told, fmt.Sprint(what, e.Status)) }
	}
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { told = append(told, "handler") })
	exchange.Wrap(handler,
		exchange.Listener{Begin: note("a begins "), End: note("a ends ")}, exchange.Listener{},
		exchange.Listener{Begin: note("b begins ")}, exchange.Listener{End: note("c ends ")},
	).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	want := "[a begins 0 b begins 0 handler a ends 200 c ends 200]"
	if got := fmt.Sprint(told); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	if got := exchange.Wrap(mux); got != http.Handler(mux) {
		t.Errorf("wrapped in %T", got)
	}
	if got := exchange.Wrap(mux, exchange.Listener{}, exchange.Listener{}); got != http.Handler(mux) {
		t.Errorf("wrapped in %T for listeners that do not listen", got)
	}
	if got := exchange.Wrap(nil); got != nil {
		t.Errorf("nil became %T", got)
	}
	h := make(heard, 1)
	exchange.Wrap(nil, h.listener()).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/nowhere", nil))
	if e := h.next(t); e.Status != 404 {
		t.Errorf("http.DefaultServeMux answered %d", e.Status)
	}
}

func TestHijack(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, head string
		says       int // by WriteHeader, before
		want       int
	}{
		{"upgrade", "Connection: Upgrade\r\nUpgrade: websocket\r\n", 0, 101},
		{"upgrade with a word", "Connection: Upgrade\r\nUpgrade: websocket\r\n", 101, 101},
		{"something else", "", 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, h := serve(t, false, func(w http.ResponseWriter, _ *http.Request) {
				if test.says != 0 {
					w.WriteHeader(test.says)
				}
				c, _, err := w.(http.Hijacker).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				if _, ok := c.(*net.TCPConn); !ok {
					t.Errorf("the handler got a %T", c)
				}
				io.WriteString(c, "bye")
				if _, err := w.Write([]byte("more")); err != http.ErrHijacked {
					t.Errorf("writing afterwards: %v", err)
				}
			})
			c, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", test.head)
			io.Copy(io.Discard, bufio.NewReader(c))
			if e := h.next(t); !e.Upgraded || e.Status != test.want || e.Sent != 0 || e.Panicked {
				t.Errorf("%+v, want status %d", e, test.want)
			}
		})
	}
}
