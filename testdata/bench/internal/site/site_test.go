package site

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// serveVariable has the test's own binary be a server, which answers with the variable's value.
const serveVariable = "SITE_TEST_ANSWERS"

func TestMain(m *testing.M) {
	if answer := os.Getenv(serveVariable); answer != "" {
		serve(answer)
		return
	}
	os.Exit(m.Run())
}

// serve says where it listens, and ends when it is asked to.
func serve(answer string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
	defer server.Close()
	fmt.Fprintln(os.Stderr, subject.Listening+server.URL)
	<-ctx.Done()
}

// start has a way be a server that answers with its name, without digits.
func start(ctx context.Context, way string) (*Site, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &Site{Way: way}
	env := append(os.Environ(), serveVariable+"="+strings.Trim(way, "0123456789"))
	if err := s.Announced(ctx, "http", process.Spec{Path: self, Env: env}); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

var get = subject.Request{Scheme: "http", Method: http.MethodGet, Path: "/"}

func needsSignals(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("programs cannot be asked to end on Windows")
	}
}

func TestSite(t *testing.T) {
	t.Parallel()
	needsSignals(t)
	s, err := start(t.Context(), "way1")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := (subject.Trust{}).Fetch(t.Context(), s.URL(get), get); err != nil || got.Body != "way" {
		t.Errorf("got %+v, %v", got, err)
	}
	pid := s.Front().PID()
	if err := s.Stop(); err != nil || len(s.Parts) > 0 {
		t.Errorf("got %v, %d parts", err, len(s.Parts))
	}
	if p, err := os.FindProcess(pid); err == nil && p.Signal(syscall.Signal(0)) == nil {
		t.Error("the process is still there")
	}
}

// TestChildFails has what a program says be in the error.
func TestChildFails(t *testing.T) {
	t.Parallel()
	needsSignals(t)
	if _, err := StartChild("missing", process.Spec{Path: filepath.Join(t.TempDir(), "missing")}, subject.NewAnnouncements()); err == nil {
		t.Error("what is not there is started")
	}
	s := &Site{Way: "a stranger"}
	err := s.Announced(t.Context(), "http", process.Spec{Path: "/bin/sh", Args: []string{"-c", "echo wrong; exit 3"}})
	if err == nil || !strings.Contains(err.Error(), "a stranger ended at its start") || !strings.Contains(err.Error(), "wrong") {
		t.Errorf("got %v", err)
	}
	if err := s.Stop(); err == nil || !strings.Contains(err.Error(), "by itself") {
		t.Errorf("got %v", err)
	}
}

// TestReachable waits for a program that says nothing, and gives up when it ends.
func TestReachable(t *testing.T) {
	t.Parallel()
	needsSignals(t)
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	sleeping := process.Spec{Path: "/bin/sh", Args: []string{"-c", "trap 'exit 0' TERM; sleep 60 & wait"}}
	s := &Site{Way: "silent"}
	if err := s.Reachable(t.Context(), server.Listener.Addr().String(), sleeping); err != nil {
		t.Error(err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	ended := process.Spec{Path: "/bin/sh", Args: []string{"-c", "exit 0"}}
	if err := s.Reachable(t.Context(), "127.0.0.1:1", ended); err == nil || !strings.Contains(err.Error(), "ended at its start") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if conn, err := Dial(ctx, "127.0.0.1:1", time.Hour); err == nil {
		t.Error("somebody listens", conn.Close())
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	needsSignals(t)
	if err := (load.Wrk{}).Tool().Find(); err != nil {
		if os.Getenv("GORUN_CI") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	turns := Turns{Pairs: 1, Seconds: 1, Start: start}
	got, err := turns.Compare(t.Context(), Comparison{Name: "x", Measured: "way1", Against: "way2", Requests: []subject.Request{get}})
	if err != nil || len(got.Pairs.Measured) != 1 || len(got.Pairs.Against) != 1 || got.Name != "x" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestCompareDifferent has ways that do not answer alike not be measured, and be stopped.
func TestCompareDifferent(t *testing.T) {
	t.Parallel()
	needsSignals(t)
	turns := Turns{Pairs: 1, Seconds: 1, Start: start}
	c := Comparison{Measured: "one", Against: "other", Requests: []subject.Request{get}}
	got, err := turns.Compare(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "do not answer alike") || len(got.Pairs.Measured) > 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	broken := errors.New("broken")
	turns.Start = func(ctx context.Context, way string) (*Site, error) {
		if way == c.Against {
			return nil, broken
		}
		return start(ctx, way)
	}
	if _, err := turns.Compare(t.Context(), c); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if !c.Uses("one") || !c.Uses("other") || c.Uses("none") {
		t.Error("it does not know its ways")
	}
}
