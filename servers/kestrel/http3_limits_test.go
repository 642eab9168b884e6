package kestrel

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/limits"
)

func TestHTTP3Limits(t *testing.T) {
	t.Parallel()
	r := startHTTP3(t, &Server{
		ServerHeader: "gorun",
		Limits: Limits{
			MaxRequestBodySize: 10, MaxRequestLineSize: 200, MaxRequestHeadersTotalSize: 2000, MaxRequestHeaderCount: 10,
			HTTP3: limits.HTTP3{MaxRequestHeaderFieldSize: 500},
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/more" {
				body, _ := feature.Get[feature.Body](r.Context())
				if err := body.SetMaxSize(20); err != nil || body.MaxSize() != 20 {
					t.Error(err, body.MaxSize())
				}
			}
			n, err := io.Copy(io.Discard, r.Body)
			if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok && (tooLong.Limit != 10 || n > 10) {
				t.Errorf("%d bytes, limit %d", n, tooLong.Limit)
			}
			if err != nil {
				if _, err := io.WriteString(w, "more"); err == nil || r.Context().Err() == nil {
					t.Error("the request goes on")
				}
				return
			}
			fmt.Fprint(w, n)
		}),
	})
	unknown := func(s string) io.Reader { return struct{ io.Reader }{strings.NewReader(s)} }
	many := http.Header{}
	for i := range 12 {
		many.Set(fmt.Sprint("X-", i), "x")
	}
	for _, c := range []struct {
		name   string
		path   string
		body   io.Reader
		header http.Header
		want   int
	}{
		{"body that fits", "/", strings.NewReader("0123456789"), nil, 200},
		{"body that is announced", "/", strings.NewReader("0123456789a"), nil, 413},
		{"body that is not", "/", unknown("0123456789a"), nil, 413},
		{"body that is not and fits", "/", unknown("0123456789"), nil, 200},
		{"more by the handler", "/more", unknown("0123456789012345"), nil, 200},
		{"line", "/" + strings.Repeat("a", 200), nil, nil, 414},
		{"field", "/", nil, http.Header{"X": {strings.Repeat("a", 500)}}, 431},
		{"fields", "/", nil, many, 431},
		{"head", "/", nil, http.Header{"A": {strings.Repeat("a", 400)}, "B": {strings.Repeat("a", 400)}, "C": {strings.Repeat("a", 400)}, "D": {strings.Repeat("a", 400)}, "E": {strings.Repeat("a", 400)}}, 431},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			req := request(t, "POST", r.url+c.path, c.body)
			if c.header != nil {
				req.Header = c.header
			}
			resp, body := fetch(t, r.client(t), req)
			if resp.StatusCode != c.want || c.want != 200 && body != "" {
				t.Errorf("got %s %q, want %d", resp.Status, body, c.want)
			}
		})
	}
}

// A handler that has begun to answer when the body turns out too long: its client must not take what came for the whole.
func TestHTTP3RefusedLate(t *testing.T) {
	t.Parallel()
	r := startHTTP3(t, &Server{Limits: Limits{MaxRequestBodySize: 10}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "begun")
		http.NewResponseController(w).Flush()
		io.Copy(io.Discard, r.Body)
	})})
	resp, err := r.client(t).Do(request(t, "POST", r.url, struct{ io.Reader }{strings.NewReader("0123456789a")}))
	if err == nil { // else the reset has overtaken the header
		defer resp.Body.Close()
		_, err = io.ReadAll(resp.Body)
	}
	if !isReset(err) {
		t.Errorf("got %v", err)
	}
}

func TestHTTP3SetMaxSizeTooLate(t *testing.T) {
	t.Parallel()
	r := startHTTP3(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := feature.Get[feature.Body](r.Context())
		r.Body.Read(make([]byte, 1))
		fmt.Fprint(w, body.SetMaxSize(1) == feature.ErrBodyStarted)
	})})
	if _, body := fetch(t, r.client(t), request(t, "POST", r.url, strings.NewReader("abc"))); body != "true" {
		t.Errorf("got %q", body)
	}
}

// A client that waits for 100 Continue gets it when the handler reads, and the answer at once when it does not.
func TestHTTP3Continue(t *testing.T) {
	t.Parallel()
	r := startHTTP3(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
	})})
	req := request(t, "POST", r.url, strings.NewReader("body"))
	req.Header.Set("Expect", "100-continue")
	if resp, body := fetch(t, r.client(t), req); resp.StatusCode != 200 || body != "body" {
		t.Errorf("got %s %q", resp.Status, body)
	}
}

// Bodies that come too slowly are answered, responses that are taken too slowly are cut off.
func TestHTTP3DataRates(t *testing.T) {
	t.Parallel()
	rate := limits.DataRate{BytesPerSecond: 1000, GracePeriod: 50 * time.Millisecond}
	fast := limits.DataRate{BytesPerSecond: 1e9, GracePeriod: 50 * time.Millisecond}
	ended := make(chan error, 1)
	r := startHTTP3(t, &Server{
		Limits: Limits{MinRequestBodyDataRate: rate, MinResponseDataRate: fast},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/patient" {
				rates, _ := feature.Get[feature.DataRates](r.Context())
				rates.SetMinRequestBodyDataRate(limits.DataRate{BytesPerSecond: -1})
			}
			if r.URL.Path == "/large" {
				var err error
				for err == nil {
					_, err = w.Write(make([]byte, 64<<10))
				}
				ended <- err
				return
			}
			n, _ := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n)
		}),
	})
	t.Run("slow body", func(t *testing.T) {
		t.Parallel()
		in, out := io.Pipe()
		defer out.Close()
		resp, body := fetch(t, r.client(t), request(t, "POST", r.url, in))
		if resp.StatusCode != 408 || body != "" {
			t.Errorf("got %s %q", resp.Status, body)
		}
	})
	t.Run("allowed by the handler", func(t *testing.T) {
		t.Parallel()
		in, out := io.Pipe()
		// Four times what the other one gets: whether the limit is off shows only after it.
		time.AfterFunc(200*time.Millisecond, func() {
			out.Write([]byte("late"))
			out.Close()
		})
		resp, body := fetch(t, r.client(t), request(t, "POST", r.url+"/patient", in))
		if resp.StatusCode != 200 || body != "4" {
			t.Errorf("got %s %q", resp.Status, body)
		}
	})
	t.Run("slow reader", func(t *testing.T) {
		t.Parallel()
		resp, err := r.client(t).Do(request(t, "GET", r.url+"/large", nil))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := <-ended; err == nil {
			t.Error("the handler could go on")
		}
		if n, err := io.Copy(io.Discard, resp.Body); !isReset(err) {
			t.Errorf("the client got %d bytes and %v", n, err)
		}
	})
}

func TestHTTP3ConnectionLimit(t *testing.T) {
	t.Parallel()
	r := startHTTP3(t, &Server{Limits: Limits{MaxConcurrentConnections: 1}, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})})
	first := r.client(t)
	fetch(t, first, request(t, "GET", r.url, nil))
	if _, err := r.client(t).Do(request(t, "GET", r.url, nil)); err == nil {
		t.Error("a second connection was served")
	}
	fetch(t, first, request(t, "GET", r.url, nil))
}

// A connection without a request is closed in the end, also when its client sends something now and then.
func TestHTTP3KeepAlive(t *testing.T) {
	t.Parallel()
	r := startHTTP3(t, &Server{Limits: Limits{KeepAliveTimeout: 300 * time.Millisecond}, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})})
	_, conn := r.dial(t)
	stream, err := conn.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(limit)
	stream.Write([]byte{1, 0x40, 0xff}) // HEADERS of 255 bytes, which come one by one
	for {
		select {
		case <-conn.Context().Done():
			return
		case <-ticker.C:
			stream.Write([]byte{0})
		case <-timeout:
			t.Fatal("still open")
		}
	}
}
