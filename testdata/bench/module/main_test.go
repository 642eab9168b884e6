package main

import (
	"context"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gorun-dev/gorun/testdata/bench/internal/site"
)

// TestMain has the test's own binary be the reverse proxy.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == proxyCommand {
		exit(proxy(os.Args[2:]))
	}
	code := m.Run()
	if workshop != "" {
		os.RemoveAll(workshop)
	}
	os.Exit(code)
}

// workshop is the folder of the bench that the tests share.
var workshop string

// built is a bench that is ready to measure.
var built = sync.OnceValues(func() (*bench, error) {
	b := &bench{pairs: 1, seconds: 1, cold: 1, idle: 50}
	var err error
	if b.dir, err = os.MkdirTemp("", "gorun-test-"); err != nil {
		return nil, err
	}
	workshop = b.dir
	return b, b.prepare(context.Background())
})

// prepared gives a bench of the test's own. A test whose scenarios need a tool that is missing is skipped, but not under CI.
func prepared(t *testing.T, names ...string) *bench {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("in-process hosting and nginx are not there on Windows")
	}
	shared, err := built()
	if err != nil {
		t.Fatal(err)
	}
	b := *shared
	chosen, err := choose(names)
	if err == nil {
		err = b.findTools(t.Context(), chosen)
	}
	if err != nil && os.Getenv("GORUN_CI") == "1" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip(err)
	}
	return &b
}

// started serves the app in one way until the test ends, and it must end then.
func started(t *testing.T, b *bench, role, scheme string) *site.Site {
	t.Helper()
	s, err := b.start(t.Context(), role, scheme)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestChoose(t *testing.T) {
	t.Parallel()
	got, err := choose([]string{"cold", "post"})
	if err != nil || len(got) != 2 || got[0].name != "post" || got[1].name != "cold" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := choose([]string{"coal"}); err == nil || !strings.Contains(err.Error(), "reverseproxy") {
		t.Errorf("got %v", err)
	}
	for _, s := range scenarios() {
		if want := s.name != "idle" && s.name != "cold"; s.wrk != want {
			t.Errorf("%s needs wrk: %v", s.name, s.wrk)
		}
	}
}

// TestMissingTools has the package be named.
func TestMissingTools(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	chosen, err := choose([]string{"in-process"})
	if err != nil {
		t.Fatal(err)
	}
	if err := new(bench).findTools(t.Context(), chosen); err == nil || !strings.Contains(err.Error(), "package wrk") {
		t.Errorf("got %v", err)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for _, b := range []bench{{}, {pairs: 1, seconds: 1, cold: 1}, {seconds: 1, cold: 1, idle: 1}} {
		if err := b.run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "from 1 up") {
			t.Errorf("got %v", err)
		}
	}
	if err := (&bench{pairs: 1, seconds: 1, cold: 1, idle: 1}).run(t.Context(), []string{"none"}); err == nil {
		t.Error("a scenario that is none is accepted")
	}
}
