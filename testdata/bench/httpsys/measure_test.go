package main

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// TestAnswers has each way answer with the app whose request it is.
func TestAnswers(t *testing.T) {
	t.Parallel()
	b := prepared(t, "three")
	for name, apps := range map[string]apps{"by host and path": byHostAndPath(), "by path with https": byPath("https")} {
		for _, way := range []string{onBroker, nginx} {
			t.Run(way+" "+name, func(t *testing.T) {
				t.Parallel()
				b := prepared(t, "three")
				s := started(t, b, way, apps)
				for i, r := range apps.requests() {
					got, err := b.trust.Fetch(t.Context(), s.URL(r), r)
					if err != nil || got.Body != "Hello from "+apps.list[i].page || got.ContentType != "text/plain" {
						t.Errorf("%+v: got %+v, %v", r, got, err)
					}
				}
				nothing := subject.Request{Scheme: apps.scheme, Method: "GET", Path: "/nothing"}
				if _, err := b.trust.Fetch(t.Context(), s.URL(nothing), nothing); err == nil || !strings.Contains(err.Error(), "404") {
					t.Errorf("got %v", err)
				}
			})
		}
	}
	if view, err := b.broker(t.Context()); err != nil || view.Running {
		t.Errorf("a broker that nobody has started: %+v, %v", view, err)
	}
}

// TestOneBroker has all apps be on one broker, which is gone with them.
func TestOneBroker(t *testing.T) {
	t.Parallel()
	b := prepared(t, "idle")
	s, err := b.start(t.Context(), onBroker, byHostAndPath())
	if err != nil {
		t.Fatal(err)
	}
	view, err := b.broker(t.Context())
	if err != nil {
		t.Error(err)
	}
	var prefixes []string
	for _, q := range view.Queues {
		for _, p := range q.Prefixes {
			prefixes = append(prefixes, strings.Replace(p.Prefix, s.Base[len("http://localhost"):], "", 1))
		}
	}
	slices.Sort(prefixes)
	if got, want := strings.Join(prefixes, " "), "http://admin.localhost/ http://localhost/ http://localhost/shop/"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if view, err := b.broker(t.Context()); err != nil || view.Running {
		t.Errorf("it is still there: %+v, %v", view, err)
	}
}

// TestCompare measures for real, as short as can be.
func TestCompare(t *testing.T) {
	t.Parallel()
	names := []string{"keep-alive", "connection", "mixed", "tls"}
	b := prepared(t, names...)
	chosen, err := choose(names)
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.measureAll(t.Context(), chosen)
	if err != nil || len(r.loads) != len(names) {
		t.Fatalf("got %+v, %v", r, err)
	}
	for _, got := range r.loads {
		if len(got.Pairs.Measured) != 1 || len(got.Pairs.Against) != 1 || got.Pairs.Measured[0].P99 == 0 || got.Pairs.Against[0].P50 == 0 {
			t.Errorf("got %+v", got)
		}
	}
}

// TestIdle reads the memory of the broker, of gorun and of the app.
func TestIdle(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("it reads /proc of Linux")
	}
	b := prepared(t, "idle")
	var r report
	if err := measureIdle(t.Context(), b, &r); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range r.memory {
		names = append(names, p.Name)
		if len(p.PIDs) != 1 || p.Connections != b.idle || p.Before.Resident < p.Before.Own || p.After.Own == 0 || (p.Aim == brokerAim) != (p.Name == "the broker") {
			t.Errorf("got %+v", p)
		}
	}
	if got, want := strings.Join(names, ", "), "the broker, gorun, its guard, the app"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var out strings.Builder
	if err := r.print(&out, 1); err != nil || !strings.Contains(out.String(), "under 20 MB") || strings.Contains(out.String(), "scenario") {
		t.Errorf("got %v\n%s", err, &out)
	}
}

// TestInterrupted has everything end with the context.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	b := prepared(t, "three")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := b.measureAll(ctx, scenarios())
	if len(r.loads)+len(r.memory) > 0 || err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("got %+v, %v", r, err)
	}
}
