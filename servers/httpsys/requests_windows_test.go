//go:build amd64 || arm64

package httpsys

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/feature"
)

func TestRequests(t *testing.T) {
	s := start(t, &Server{Handler: http.HandlerFunc(echo), Options: Options{UrlPrefixes: []string{"http://localhost:0/base/"}}})
	host := strings.TrimSuffix(strings.TrimPrefix(s.url, "http://"), "/base")
	for name, c := range map[string]struct {
		method, path, body string
		want               string
	}{
		"GET":            {"GET", "/a/b", "", `GET HTTP/1.1 base="/base" path="/a/b" host=` + host + ` length=0 body=`},
		"the base alone": {"GET", "/", "", `GET HTTP/1.1 base="/base" path="/" host=` + host + ` length=0 body=`},
		"escaped slash":  {"GET", "/a%2Fb", "", `GET HTTP/1.1 base="/base" path="/a/b" host=` + host + ` length=0 body=`},
		"POST":           {"POST", "/", "hello", `POST HTTP/1.1 base="/base" path="/" host=` + host + ` length=5 body=hello`},
		"a larger body":  {"PUT", "/", strings.Repeat("x", 7000), `PUT HTTP/1.1 base="/base" path="/" host=` + host + ` length=7000 body=` + strings.Repeat("x", 7000)},
		"dot segments":   {"GET", "/a/./../b?c", "", `GET HTTP/1.1 base="/base" path="/b" host=` + host + ` length=0 body=`},
		"out and in":     {"GET", "/../base/x", "", `GET HTTP/1.1 base="/base" path="/x" host=` + host + ` length=0 body=`},
		"PATCH":          {"PATCH", "/", "p", `PATCH HTTP/1.1 base="/base" path="/" host=` + host + ` length=1 body=p`},
	} {
		t.Run(name, func(t *testing.T) {
			var body io.Reader
			if c.body != "" {
				body = strings.NewReader(c.body)
			}
			response := do(t, c.method, s.url+c.path, http.Header{"X-Unknown": {"yes, " + name}}, body)
			if got := text(t, response); got != c.want || response.StatusCode != 200 {
				t.Errorf("got  %d %s\nwant 200 %s", response.StatusCode, got, c.want)
			}
			if got := response.Header.Get("X-Got"); got != "yes, "+name {
				t.Errorf("the unknown field has arrived as %q", got)
			}
		})
	}
}

func TestResponses(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/plain", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	mux.HandleFunc("/empty", func(w http.ResponseWriter, r *http.Request) {})
	mux.HandleFunc("/nothing", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		if _, err := io.WriteString(w, "x"); !errors.Is(err, http.ErrBodyNotAllowed) {
			t.Errorf("writing to 204: %v", err)
		}
	})
	mux.HandleFunc("/fields", func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Set-Cookie"] = []string{"a=1", "b=2"}
		w.Header()["X-Own"] = []string{"1", "2"}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Etag", `"e"`)
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, "{}")
	})
	mux.HandleFunc("/streamed", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		for range 3 {
			io.WriteString(w, "part ")
			w.(http.Flusher).Flush()
		}
		w.Header().Set("X-Sum", "3")
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) { w.Write(bytes.Repeat([]byte("y"), 3*bufferSize)) })
	mux.HandleFunc("/declared", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "6")
		io.WriteString(w, "abc")
		w.(http.Flusher).Flush()
		io.WriteString(w, "def")
		if _, err := io.WriteString(w, "g"); !errors.Is(err, http.ErrContentLength) {
			t.Errorf("writing more than the length: %v", err)
		}
	})
	mux.HandleFunc("/panic", func(w http.ResponseWriter, r *http.Request) { panic("oh") })
	s := start(t, &Server{Handler: mux, ServerHeader: "gorun"})
	for _, c := range []struct {
		method, path string
		status       int
		length       int64
		body         string
		fields       http.Header // those that must be there, in their order
	}{
		{"GET", "/plain", 200, 5, "hello", http.Header{"Content-Type": {"text/plain; charset=utf-8"}}},
		{"HEAD", "/plain", 200, 5, "", http.Header{"Content-Type": {"text/plain; charset=utf-8"}}},
		{"GET", "/empty", 200, 0, "", nil},
		{"GET", "/nothing", 204, 0, "", nil},
		{"GET", "/fields", 201, 2, "{}", http.Header{"Set-Cookie": {"a=1", "b=2"}, "X-Own": {"1", "2"}, "Content-Type": {"application/json"}, "Etag": {`"e"`}}},
		{"GET", "/streamed", 200, -1, "part part part ", nil},
		{"GET", "/large", 200, -1, strings.Repeat("y", 3*bufferSize), nil},
		{"GET", "/declared", 200, 6, "abcdef", nil},
		{"GET", "/panic", 500, 0, "", nil},
		{"GET", "/missing", 404, 19, "404 page not found\n", nil},
	} {
		t.Run(c.method+c.path, func(t *testing.T) {
			response := do(t, c.method, s.url+c.path, nil, nil)
			if got := text(t, response); got != c.body || response.StatusCode != c.status {
				t.Errorf("got %d %q, want %d %q", response.StatusCode, got, c.status, c.body)
			}
			if response.ContentLength != c.length && response.StatusCode != 204 {
				t.Errorf("length: got %d, want %d", response.ContentLength, c.length)
			}
			for name, want := range c.fields {
				if got := response.Header[name]; !slices.Equal(got, want) {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
			if c.path == "/streamed" && response.Trailer.Get("X-Sum") != "3" {
				t.Errorf("trailers: got %v", response.Trailer)
			}
			if len(response.Header["Content-Length"]) > 1 {
				t.Errorf("Content-Length comes twice: %q", response.Header["Content-Length"])
			}
		})
	}
}

// TestKeepAlive has several requests on one connection.
func TestKeepAlive(t *testing.T) {
	s := start(t, &Server{Handler: http.HandlerFunc(echo)})
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for i := range 5 {
		reused := false
		trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused }}
		r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "POST", s.url, strings.NewReader(fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		response, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || !strings.HasSuffix(string(b), fmt.Sprint("body=", i)) {
			t.Errorf("%d: got %s, %v", i, b, err)
		}
		if reused != (i > 0) {
			t.Errorf("%d: the connection was used before: %v", i, reused)
		}
	}
}

// TestBodyTooLarge has the server answer.
func TestBodyTooLarge(t *testing.T) {
	s := start(t, &Server{Options: Options{MaxRequestBodySize: 10}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/more" {
			limit, _ := feature.Get[feature.Body](r.Context())
			if err := limit.SetMaxSize(100); err != nil {
				t.Error(err)
			}
		}
		_, err := io.Copy(io.Discard, r.Body)
		if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok != (r.URL.Path == "/") || ok && tooLarge.Limit != 10 {
			t.Errorf("%s: got %v", r.URL.Path, err)
		}
	})})
	for path, want := range map[string]int{"/": 413, "/more": 200} {
		if response := do(t, "POST", s.url+path, nil, strings.NewReader("more than ten")); response.StatusCode != want {
			t.Errorf("%s: got %d, want %d", path, response.StatusCode, want)
		}
	}
}
