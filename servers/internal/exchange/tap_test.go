package exchange_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/exchange"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// Parts of a http.ResponseWriter, to be put together.
type (
	writer    struct{ *httptest.ResponseRecorder } // Flush is hidden by plain
	plain     struct{ http.ResponseWriter }
	flusher   struct{}
	hijacker  struct{}
	readsFrom struct{ from *io.Reader }
	pusher    struct{ pushed *string }
)

var errHijack = errors.New("no")

func (flusher) Flush() {}
func (hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, errHijack
}
func (r readsFrom) ReadFrom(src io.Reader) (int64, error) {
	*r.from = src
	return io.Copy(io.Discard, src)
}
func (p pusher) Push(target string, _ *http.PushOptions) error {
	*p.pushed = target
	return nil
}

// TestInterfaces has each of the 16 sets of optional interfaces, and each method reach the server's.
func TestInterfaces(t *testing.T) {
	t.Parallel()
	w := plain{writer{httptest.NewRecorder()}}
	var from io.Reader
	var pushed string
	f, h, r, p := flusher{}, hijacker{}, readsFrom{&from}, pusher{&pushed}
	for can, w := range []http.ResponseWriter{
		w,
		struct {
			plain
			flusher
		}{w, f},
		struct {
			plain
			hijacker
		}{w, h},
		struct {
			plain
			flusher
			hijacker
		}{w, f, h},
		struct {
			plain
			readsFrom
		}{w, r},
		struct {
			plain
			flusher
			readsFrom
		}{w, f, r},
		struct {
			plain
			hijacker
			readsFrom
		}{w, h, r},
		struct {
			plain
			flusher
			hijacker
			readsFrom
		}{w, f, h, r},
		struct {
			plain
			pusher
		}{w, p},
		struct {
			plain
			flusher
			pusher
		}{w, f, p},
		struct {
			plain
			hijacker
			pusher
		}{w, h, p},
		struct {
			plain
			flusher
			hijacker
			pusher
		}{w, f, h, p},
		struct {
			plain
			readsFrom
			pusher
		}{w, r, p},
		struct {
			plain
			flusher
			readsFrom
			pusher
		}{w, f, r, p},
		struct {
			plain
			hijacker
			readsFrom
			pusher
		}{w, h, r, p},
		struct {
			plain
			flusher
			hijacker
			readsFrom
			pusher
		}{w, f, h, r, p},
	} {
		heard := make(heard, 1)
		exchange.Wrap(http.HandlerFunc(func(got http.ResponseWriter, _ *http.Request) {
			flusher, canFlush := got.(http.Flusher)
			hijacker, canHijack := got.(http.Hijacker)
			readerFrom, canReadFrom := got.(io.ReaderFrom)
			pusher, canPush := got.(http.Pusher)
			if canFlush != (can&1 != 0) || canHijack != (can&2 != 0) || canReadFrom != (can&4 != 0) || canPush != (can&8 != 0) {
				t.Errorf("%04b: flush %v, hijack %v, read from %v, push %v", can, canFlush, canHijack, canReadFrom, canPush)
				return
			}
			if canFlush {
				flusher.Flush()
			}
			if canHijack {
				if _, _, err := hijacker.Hijack(); err != errHijack {
					t.Errorf("%04b: hijack: %v", can, err)
				}
			}
			if src := strings.NewReader("12345"); canReadFrom {
				if n, err := readerFrom.ReadFrom(src); n != 5 || err != nil || from != io.Reader(src) {
					t.Errorf("%04b: the server read %d bytes from %T, %v", can, n, from, err)
				}
			}
			if canPush {
				if err := pusher.Push("/x", nil); err != nil || pushed != "/x" {
					t.Errorf("%04b: pushed %q, %v", can, pushed, err)
				}
			}
			from, pushed = nil, ""
			if u, ok := got.(interface{ Unwrap() http.ResponseWriter }); !ok || u.Unwrap() != w {
				t.Errorf("%04b: Unwrap does not give the server's", can)
			}
		}), heard.listener()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		e := heard.next(t)
		if want := int64(can & 4 / 4 * 5); e.Sent != want || e.Status != 200 || e.Upgraded {
			t.Errorf("%04b: %d bytes sent, status %d, upgraded %v", can, e.Sent, e.Status, e.Upgraded)
		}
	}
}

// TestController has what http.ResponseController finds by Unwrap.
func TestController(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, false, func(w http.ResponseWriter, _ *http.Request) {
		c := http.NewResponseController(w)
		for name, err := range map[string]error{
			"read deadline": c.SetReadDeadline(time.Now().Add(time.Hour)), "write deadline": c.SetWriteDeadline(time.Now().Add(time.Hour)),
			"full duplex": c.EnableFullDuplex(), "flush": c.Flush(),
		} {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := c.SetWriteDeadline(time.Now().Add(-time.Hour)); err != nil {
			t.Error(err)
		}
		io.WriteString(w, "late")
		if err := c.Flush(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("flushing too late: %v", err)
		}
	})
	if resp, err := s.Client().Get(s.URL); err == nil {
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}

// TestFormFilesAreRemoved needs the server's own request to know them.
func TestFormFilesAreRemoved(t *testing.T) {
	t.Parallel()
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	part, _ := m.CreateFormFile("file", "name")
	part.Write(make([]byte, 64<<10))
	m.Close()
	name := make(chan string, 1)
	s, h := serve(t, false, func(_ http.ResponseWriter, r *http.Request) {
		r.ParseMultipartForm(1)
		file, err := r.MultipartForm.File["file"][0].Open()
		if err != nil {
			t.Error(err)
			name <- ""
			return
		}
		defer file.Close()
		name <- file.(*os.File).Name()
	})
	resp, err := s.Client().Post(s.URL, m.FormDataContentType(), &form)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	h.next(t)
	s.Close() // net/http removes them after it has answered
	if path := <-name; path == "" {
		t.Error("no file was made")
	} else if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", filepath.Base(path), err)
	}
}

// TestExpectContinue: a handler that does not want the body answers before it comes, and says that the connection ends, as
// net/http has it.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	s, h := serve(t, false, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil) // the body is never sent
	if err != nil || resp.StatusCode != http.StatusForbidden || !resp.Close {
		t.Fatalf("got %+v, %v", resp, err)
	}
	if e := h.next(t); e.Status != 403 || e.Received != 0 {
		t.Errorf("%+v", e)
	}
}

// TestTrailers: those that were not announced are put into the server's request alone.
func TestTrailers(t *testing.T) {
	t.Parallel()
	for _, announced := range []string{"", "Trailer: Sum\r\n"} {
		s, _ := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			io.WriteString(w, r.Trailer.Get("Sum"))
		})
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\n%sTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nSum: 42\r\n\r\n", announced)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(resp.Body); string(body) != "42" {
			t.Errorf("%q: the handler saw the trailer %q", announced, body)
		}
	}
}

// TestBodyIsReadAfterwards has a reader that outlives its handler, as a transport's does, while other requests follow.
func TestBodyIsReadAfterwards(t *testing.T) {
	t.Parallel()
	pipe, feed := io.Pipe()
	h := make(heard, 2)
	read := make(chan error, 1)
	handler := exchange.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			go func() {
				_, err := io.Copy(io.Discard, r.Body)
				read <- err
			}()
		}
	}), h.listener())
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", pipe))
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/other", strings.NewReader("x")))
	io.WriteString(feed, "late")
	feed.Close()
	if err := <-read; err != nil {
		t.Error(err)
	}
	for range 2 {
		if e := h.next(t); e.Received != 0 {
			t.Errorf("%s: %d bytes were read by somebody else", e.Path, e.Received)
		}
	}
}

// fileSpy sees whether a file reaches the server as a file.
type fileSpy struct {
	*httptest.ResponseRecorder
	sawFile bool
}

func (s *fileSpy) ReadFrom(r io.Reader) (int64, error) {
	if l, ok := r.(*io.LimitedReader); ok {
		_, s.sawFile = l.R.(*os.File)
	}
	return io.Copy(s.ResponseRecorder, r)
}

func TestFilesStayFiles(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, make([]byte, 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	h := make(heard, 1)
	spy := &fileSpy{ResponseRecorder: httptest.NewRecorder()}
	exchange.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, name)
	}), h.listener()).ServeHTTP(spy, httptest.NewRequest("GET", "/", nil))
	if e := h.next(t); e.Sent != 100_000 || !spy.sawFile {
		t.Errorf("%d bytes, as a file: %v", e.Sent, spy.sawFile)
	}
}

// BenchmarkExchange shows what listening costs, beside a handler that nobody listens to.
func BenchmarkExchange(b *testing.B) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "Hello, World!") })
	listener := exchange.Listener{Begin: func(*exchange.Exchange) {}, End: func(*exchange.Exchange) {}}
	get := httptest.NewRequest("GET", "/", nil)
	post := httptest.NewRequest("POST", "/", http.MaxBytesReader(nil, io.NopCloser(strings.NewReader("")), 1))
	for _, bench := range []struct {
		name    string
		handler http.Handler
		request *http.Request
	}{
		{"bare", exchange.Wrap(handler), get},
		{"heard", exchange.Wrap(handler, listener), get},
		{"heard with a body", exchange.Wrap(handler, listener), post},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			w := nowhere{}
			for b.Loop() {
				bench.handler.ServeHTTP(w, bench.request)
			}
		})
	}
}

// nowhere can what net/http's writer for HTTP/1.1 can.
type nowhere struct {
	flusher
	hijacker
}

func (nowhere) Header() http.Header                       { return nil }
func (nowhere) Write(p []byte) (int, error)               { return len(p), nil }
func (nowhere) WriteString(s string) (int, error)         { return len(s), nil }
func (nowhere) WriteHeader(int)                           {}
func (nowhere) ReadFrom(r io.Reader) (n int64, err error) { return io.Copy(io.Discard, r) }
