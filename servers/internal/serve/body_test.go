package serve

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/feature"
)

func TestBodyTooLargeIs413(t *testing.T) {
	t.Parallel()
	read := make(chan error, 1)
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
		ok(w, r)
	})
	s.Limits.MaxRequestBodySize = 20
	addr := startServer(t, s)
	for _, tt := range []struct {
		name, request string
		fits          bool
	}{
		{"length", post("Content-Length: 21\r\n", strings.Repeat("x", 21)), false},
		{"length that fits", post("Content-Length: 20\r\n", strings.Repeat("x", 20)), true},
		{"one chunk", post(chunked, "15\r\n"+strings.Repeat("x", 21)), false},
		{"framing counts", post(chunked, "9\r\n123456789\r\n0\r\n\r\n"), true},
		{"framing counts, one more", post(chunked, "b\r\n12345678901\r\n0\r\n\r\n"), false},
		{"extensions count", post(chunked, "1;"+strings.Repeat("e", 20)+"\r\nx\r\n0\r\n\r\n"), false},
		{"trailers do not", post(chunked, "1\r\nx\r\n0\r\nFoo: a long trailer\r\n\r\n"), true},
	} {
		c := dial(t, addr)
		c.send(tt.request)
		if tt.fits {
			c.want(http.StatusOK)
			if err := <-read; err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		c.refused(http.StatusRequestEntityTooLarge)
		if tooLarge, found := errors.AsType[*http.MaxBytesError](<-read); !found || tooLarge.Limit != 20 {
			t.Errorf("%s: the handler got %v, want an *http.MaxBytesError", tt.name, tooLarge)
		}
	}
}

func TestBodyLimitOfOneRequest(t *testing.T) {
	t.Parallel()
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		body, found := feature.Get[feature.Body](r.Context())
		if !found || body.MaxSize() != 30_000_000 {
			t.Fatalf("feature.Body: %v, limit %d", found, body.MaxSize())
		}
		if err := body.SetMaxSize(int64(len(r.Header.Get("Limit")))); err != nil {
			t.Error(err)
		}
		readAll(w, r)
		if err := body.SetMaxSize(1); !errors.Is(err, feature.ErrBodyStarted) {
			t.Errorf("changing the limit after a read: %v", err)
		}
	})
	addr := startServer(t, s)
	c := dial(t, addr)
	c.send(post("Limit: 12345\r\nContent-Length: 5\r\n", "hello"))
	if body := c.want(http.StatusOK); body != "HELLO" {
		t.Errorf("body %q", body)
	}
	c.send(post("Limit: 1234\r\nContent-Length: 5\r\n", "hello"))
	c.refused(http.StatusRequestEntityTooLarge)
	c = dial(t, addr)
	c.send(post("Limit:\r\nContent-Length: 1\r\n", "x"))
	c.refused(http.StatusRequestEntityTooLarge)
}

func TestTrailersReachTheHandler(t *testing.T) {
	t.Parallel()
	c := dial(t, startServer(t, handle(func(w http.ResponseWriter, r *http.Request) {
		if _, announced := r.Trailer["Sum"]; !announced || r.ContentLength != -1 || len(r.TransferEncoding) != 1 {
			t.Errorf("before the body: trailer %v, length %d, codings %v", r.Trailer, r.ContentLength, r.TransferEncoding)
		}
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, r.Trailer.Get("Sum")+r.Trailer.Get("Content-Length"))
	})))
	c.send(post(chunked+"Trailer: Sum\r\n", "1\r\nx\r\n0\r\nSum: 42\r\nContent-Length: 7\r\n\r\n"))
	if body := c.want(http.StatusOK); body != "42" {
		t.Errorf("got %q, want the sum alone", body)
	}
}

func TestHandlerSeesItsFraming(t *testing.T) {
	t.Parallel()
	c := dial(t, startServer(t, handle(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 5 || r.Header.Get("Content-Length") != "5" || r.Header.Get("Expect") != "100-continue" {
			t.Errorf("length %d, header %v", r.ContentLength, r.Header)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "hello" {
			t.Errorf("body %q, %v", body, err)
		}
		if _, err := r.Body.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("a read after the end: %v", err)
		}
		ok(w, r)
	})))
	c.send(post("Expect: 100-continue\r\nContent-Length: 5\r\n", ""))
	if res, err := http.ReadResponse(c.r, nil); err != nil || res.StatusCode != http.StatusContinue {
		t.Fatalf("got %v, %v, want 100", res, err)
	}
	c.send("hello")
	c.want(http.StatusOK)
}

func TestBodyAfterTheHandler(t *testing.T) {
	t.Parallel()
	bodies := make(chan io.Reader, 1)
	c := dial(t, startServer(t, handle(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > 0 {
			bodies <- r.Body
		}
		ok(w, r)
	})))
	c.send(post("Content-Length: 5\r\n", "hello") + get("/"))
	c.want(http.StatusOK)
	c.want(http.StatusOK)
	if n, err := (<-bodies).Read(make([]byte, 9)); n != 0 || !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("a read after the handler: %d, %v", n, err)
	}
}

func TestClientThatLeavesInItsBody(t *testing.T) {
	t.Parallel()
	read, done := make(chan error, 1), make(chan struct{})
	c := dial(t, startServer(t, handle(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
		<-r.Context().Done()
		close(done)
	})))
	c.send(post("Content-Length: 5\r\n", "he"))
	c.conn.(interface{ CloseWrite() error }).CloseWrite()
	if err := <-read; !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want io.ErrUnexpectedEOF", err)
	}
	<-done
	c.closed()
}
