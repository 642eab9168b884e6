package main

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestCompare measures for real, as short as can be.
func TestCompare(t *testing.T) {
	t.Parallel()
	names := []string{"in-process", "out-of-process", "reverseproxy", "post"}
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

// TestIdle reads the memory of every process of every front.
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
		names = append(names, p.Way+" "+p.Name)
		if len(p.PIDs) < 1 || p.Connections != b.idle || p.Before.Resident < p.Before.Own || p.After.Own == 0 {
			t.Errorf("got %+v", p)
		}
	}
	want := "out-of-process gorun,out-of-process its guard,out-of-process the app,in-process gorun,in-process its guard,in-process the app," +
		"nginx master,nginx workers,nginx the app"
	if got := strings.Join(names, ","); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestCold measures one round.
func TestCold(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("it finds the app by /proc of Linux")
	}
	b := prepared(t, "cold")
	var r report
	if err := measureCold(t.Context(), b, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.cold) != 4 {
		t.Fatalf("got %+v", r.cold)
	}
	for _, c := range r.cold {
		if len(c.took) != 1 || len(c.own) != 1 || c.took[0] <= 0 || c.own[0] <= 0 {
			t.Errorf("got %+v", c)
		}
	}
}

// TestInterrupted has everything end with the context.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	b := prepared(t, "nginx")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := b.measureAll(ctx, scenarios())
	if len(r.loads)+len(r.memory)+len(r.cold) > 0 || err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("got %+v, %v", r, err)
	}
}

// TestPrint has the table say what was measured. Those of package site are tested there.
func TestPrint(t *testing.T) {
	t.Parallel()
	ms := time.Millisecond
	var out strings.Builder
	err := (&bench{seconds: 3}).print(&out, report{
		cold: []coldStart{{inProcess, []time.Duration{10 * ms, 30 * ms, 14 * ms}, []time.Duration{5 * ms, 6 * ms, 7 * ms}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	want := []string{
		"cold start (rounds) first byte ms the app's own over ms quartiles aim",
		"in-process (3) 14.0 6.0 7.0 6.0-15.5 15 or less",
		"",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
