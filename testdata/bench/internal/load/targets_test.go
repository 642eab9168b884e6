package load

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// asked is who asked for what, by the client's address.
type asked struct {
	mu       sync.Mutex
	requests map[string][]string
}

func (a *asked) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	host, _, _ := net.SplitHostPort(r.Host)
	a.requests[r.RemoteAddr] = append(a.requests[r.RemoteAddr], host+r.URL.Path)
}

var targets = []Target{{"one.localhost", "/"}, {"two.localhost", "/"}, {"one.localhost", "/shop/goods"}}

// TestTargets has wrk itself run the scripts.
func TestTargets(t *testing.T) {
	t.Parallel()
	if err := (Wrk{}).Tool().Find(); err != nil {
		if os.Getenv("GORUN_CI") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	for name, test := range map[string]struct {
		script string
		mixed  bool
	}{
		"each its own": {EachItsOwn(targets...), false},
		"in turns":     {InTurns(targets...), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := &asked{requests: map[string][]string{}}
			server := httptest.NewServer(got)
			defer server.Close()
			script := filepath.Join(t.TempDir(), "load.lua")
			if err := os.WriteFile(script, []byte(test.script), 0o600); err != nil {
				t.Fatal(err)
			}
			w := Wrk{Script: script, Threads: len(targets)}
			if sample, err := w.Measure(t.Context(), server.URL, time.Second); err != nil || sample.Errors > 0 {
				t.Fatalf("got %+v, %v", sample, err)
			}
			server.Close()
			got.check(t, test.mixed)
		})
	}
}

// check has all targets be asked for, and, if mixed, different ones on one connection, else never.
func (a *asked) check(t *testing.T, mixed bool) {
	t.Helper()
	all := map[string]bool{}
	differing := 0
	for _, requests := range a.requests {
		for _, r := range requests {
			all[r] = true
		}
		slices.Sort(requests)
		if len(slices.Compact(requests)) > 1 {
			differing++
		}
	}
	if len(all) != len(targets) || (differing > 0) != mixed {
		t.Errorf("got %v, and different requests on %d of %d connections", all, differing, len(a.requests))
	}
	for _, target := range targets {
		if !all[target.Host+target.Path] {
			t.Errorf("nobody asked for %v", target)
		}
	}
}

func TestWrkArguments(t *testing.T) {
	t.Parallel()
	for want, w := range map[string]Wrk{
		"-t2 -c64 -d3s --latency": {},
		"-t3 -c64 -d3s --latency -H Connection: close -H X: y -s a.lua": {Script: "a.lua", Headers: []string{"Connection: close", "X: y"}, Threads: 3},
	} {
		if got := strings.Join(w.args(3*time.Second), " "); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
