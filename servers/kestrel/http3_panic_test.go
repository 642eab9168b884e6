package kestrel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// A handler that panics has its client's request reset, and the next one served on the same connection. It is told in the
// words of HTTP/1.x, once; http.ErrAbortHandler is not told at all.
func TestHTTP3Panics(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		value any
		begun bool // the answer
		told  string
	}{
		{"text", "on purpose", false, `: on purpose\n`},
		{"error", errors.New("on purpose"), false, `: on purpose\n`},
		{"after the answer has begun", "on purpose", true, `: on purpose\n`},
		{"wrong status", nil, false, ": invalid WriteHeader code 1"},
		{"abort", http.ErrAbortHandler, false, ""},
		{"abort after the answer has begun", http.ErrAbortHandler, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var log http3TestLog
			remote := make(chan string, 2)
			r := startHTTP3(t, &Server{
				Log: slog.New(slog.NewTextHandler(&log, nil)),
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					remote <- r.RemoteAddr
					if r.URL.Path != "/panic" {
						return
					}
					if c.begun {
						io.WriteString(w, "half")
						http.NewResponseController(w).Flush()
					}
					if c.value == nil {
						w.WriteHeader(1)
					}
					panic(c.value)
				}),
			})
			client := r.client(t)
			resp, err := client.Do(request(t, "GET", r.url+"/panic", nil))
			if err == nil { // else the reset has overtaken the header
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			if !isReset(err) {
				t.Errorf("the client got %v", err)
			}
			if resp, _ := fetch(t, client, request(t, "GET", r.url, nil)); resp.StatusCode != 200 {
				t.Error(resp.Status)
			}
			first, second := <-remote, <-remote
			if first != second {
				t.Errorf("the connection of %s was closed: the next came from %s", first, second)
			}
			told := log.String()
			want := fmt.Sprintf("http: panic serving %s%s", first, c.told)
			switch {
			case c.told == "" && told != "":
				t.Errorf("told %q", told)
			case c.told != "" && (!strings.Contains(told, want) || strings.Count(told, "panic serving") != 1 || !strings.Contains(told, "TestHTTP3Panics")):
				t.Errorf("told %q, want %q with the stack, once", told, want)
			}
		})
	}
}

// http3TestLog is written by several goroutines.
type http3TestLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *http3TestLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *http3TestLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
