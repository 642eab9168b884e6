package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/testdata/bench/internal/site"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

var roles = []string{alone, inProcess, outOfProcess, nginx, reverseProxy}

// TestAnswers has every way answer every request alike, and each request have an answer of its own.
func TestAnswers(t *testing.T) {
	t.Parallel()
	b := prepared(t, "nginx")
	for _, role := range roles {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			s := started(t, b, role, "http")
			for _, test := range []struct {
				path, body string
				length     int
				begins     string
			}{
				{path: "/", length: 13, begins: "Hello, World!"},
				{path: "/16k", length: 16 << 10, begins: "0123456789abcde\n0"},
				{path: "/1m", length: 1 << 20, begins: "0123456789abcde\n0"},
				{path: "/echo", body: "hello", length: 5, begins: "hello"},
			} {
				r := subject.Request{Scheme: "http", Method: http.MethodGet, Path: test.path, Body: test.body}
				if r.Body != "" {
					r.Method = http.MethodPost
				}
				got, err := b.trust.Fetch(t.Context(), s.URL(r), r)
				if err != nil || got.Proto != "HTTP/1.1" || got.Length != int64(test.length) || len(got.Body) != test.length ||
					!strings.HasPrefix(got.Body, test.begins) || got.ContentType != "text/plain" {
					t.Errorf("%+v: got %+v, %v", r, got.Short(), err)
				}
			}
			nothing := subject.Request{Scheme: "http", Method: http.MethodGet, Path: "/nothing"}
			if _, err := b.trust.Fetch(t.Context(), s.URL(nothing), nothing); err == nil || !strings.Contains(err.Error(), "404") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestForwarded has the app see, in every way, the client's own address and the Host that it sent: each front does the same work.
func TestForwarded(t *testing.T) {
	t.Parallel()
	b := prepared(t, "nginx")
	for _, role := range roles {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			s := started(t, b, role, "http")
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.Base, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, "GET /client HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if want := conn.LocalAddr().String() + " example.com"; string(got) != want || err != nil {
				t.Errorf("got %s, %v, want %s", got, err, want)
			}
		})
	}
}

// TestTLS has both that are compared with https show the bench's certificate, which Fetch demands.
func TestTLS(t *testing.T) {
	t.Parallel()
	b := prepared(t, "https")
	r := subject.Request{Scheme: "https", Method: http.MethodGet, Path: "/"}
	for _, role := range []string{outOfProcess, nginx} {
		s := started(t, b, role, "https")
		if got, err := b.trust.Fetch(t.Context(), s.URL(r), r); err != nil || got.Body != "Hello, World!" {
			t.Errorf("%s: got %+v, %v", role, got, err)
		}
	}
}

// TestTokens has an app behind a front refuse who comes past it.
func TestTokens(t *testing.T) {
	t.Parallel()
	b := prepared(t, "nginx")
	s := &site.Site{Way: reverseProxy}
	defer func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}()
	if err := b.startBehind(t.Context(), s, "http"); err != nil {
		t.Fatal(err)
	}
	r := subject.Request{Scheme: "http", Method: http.MethodGet, Path: "/"}
	past := s.Parts[0].Said().URL("http") + "/"
	if _, err := b.trust.Fetch(t.Context(), past, r); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("got %v", err)
	}
	if _, err := b.trust.Fetch(t.Context(), s.URL(r), r); err != nil {
		t.Error(err)
	}
}

// TestChildFails has the message of a program that cannot start be the program's.
func TestChildFails(t *testing.T) {
	t.Parallel()
	b := prepared(t, "cold")
	s := &site.Site{Way: "a stranger"}
	err := b.startGorun(t.Context(), s, "http", "-lp", "none")
	if err == nil || !strings.Contains(err.Error(), "a stranger ended at its start") || !strings.Contains(err.Error(), "none") {
		t.Errorf("got %v", err)
	}
	if err := s.Stop(); err == nil || !strings.Contains(err.Error(), "by itself") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := b.start(ctx, alone, "http"); err == nil {
		t.Error("it starts after its end", s.Stop())
	}
}

// TestBrokenConfig has nginx say what is wrong.
func TestBrokenConfig(t *testing.T) {
	t.Parallel()
	b := prepared(t, "nginx")
	s := &site.Site{Way: nginx, Base: "http://no address at all"}
	err := b.startNginx(t.Context(), s, "http")
	if err == nil || !strings.Contains(err.Error(), "nginx ended at its start") || !strings.Contains(err.Error(), "nginx.conf:") {
		t.Errorf("got %v", err)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	b := &bench{dir: filepath.FromSlash("/bench")}
	var got struct {
		IISSettings struct {
			IISExpress struct{ ApplicationURL string }
		}
		Profiles map[string]struct {
			CommandName, AncmHostingModel string
			Gorun                         struct{ Module struct{ ProcessPath string } }
		}
	}
	if err := json.Unmarshal(b.settings("https"), &got); err != nil {
		t.Fatal(err)
	}
	in, program := got.Profiles[inProcess], got.Profiles[outOfProcess+ofGoProgram]
	if got.IISSettings.IISExpress.ApplicationURL != "https://127.0.0.1:0" || len(got.Profiles) != 4 ||
		in.CommandName != "IISExpress" || in.AncmHostingModel != "InProcess" || in.Gorun.Module.ProcessPath != filepath.FromSlash("/bench/app") ||
		program.AncmHostingModel != "OutOfProcess" || program.Gorun.Module.ProcessPath != "" {
		t.Errorf("got %+v", got)
	}
}

func TestProxyArguments(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"http://127.0.0.1:1"}, {"http://127.0.0.1:wrong", "token"}} {
		if err := proxy(args); err == nil {
			t.Errorf("%q are accepted", args)
		}
	}
	b := &buffers{}
	b.pool.New = func() any { return new([bufferSize]byte) }
	one := b.Get()
	b.Put(one)
	if len(one) != bufferSize || len(b.Get()) != bufferSize {
		t.Error("a buffer has another size")
	}
}

// TestFilesAreRemoved has nothing be left of a bench that cannot go on.
func TestFilesAreRemoved(t *testing.T) {
	prepared(t, "cold")
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&bench{pairs: 1, seconds: 1, cold: 1, idle: 1}).run(ctx, []string{"cold"}); err == nil {
		t.Error("it has measured after its end")
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
