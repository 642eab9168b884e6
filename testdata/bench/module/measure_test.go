package main

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
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
		if len(got.Measured) != 1 || len(got.Against) != 1 || got.Measured[0].P99 == 0 || got.Against[0].P50 == 0 {
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
		names = append(names, p.front+" "+p.name)
		if p.processes < 1 || p.connections != b.idle || p.before.Resident < p.before.Own || p.after.Own == 0 {
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
	if conn, err := dial(ctx, "127.0.0.1:1", time.Hour); err == nil {
		t.Error("somebody listens", conn.Close())
	}
}

// TestPrint has each table say what was measured, and the ratio be the median of the pairs' own.
func TestPrint(t *testing.T) {
	t.Parallel()
	of := func(value float64, p50, p99 time.Duration) load.Sample {
		return load.Sample{Value: value, P50: p50 * time.Millisecond, P99: p99 * time.Millisecond}
	}
	ms := time.Millisecond
	some := comparison{name: "post", measured: outOfProcess, against: nginx, aim: "1.0"}
	var out strings.Builder
	err := (&bench{seconds: 3}).print(&out, report{
		loads: []result{{some, load.Pairs{Measured: []load.Sample{of(100, 1, 5), of(300, 2, 6), of(200, 3, 7)},
			Against: []load.Sample{of(200, 1, 4), of(100, 1, 4), of(250, 1, 4)}}}},
		memory: []footprint{{nginx, "workers", 2, 1000, subject.Memory{Resident: 10240, Own: 1024}, subject.Memory{Resident: 20480, Own: 2048}}},
		cold:   []coldStart{{inProcess, []time.Duration{10 * ms, 30 * ms, 14 * ms}, []time.Duration{5 * ms, 6 * ms, 7 * ms}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	want := []string{
		load.Machine() + "; pairs of 3 s over loopback, 64 connections",
		"",
		"scenario (pairs) measured against req/s against ratio quartiles aim p50 ms against p99 ms against errors",
		"post (3) out-of-process nginx 200 200 0.800 0.650-1.900 1.0 2.00 1.00 6.00 4.00 0",
		"",
		"front, 1000 idle connections process resident MB its own without connections its own aim",
		"nginx workers (2) 20.0 2.0 10.0 1.0 printed",
		"",
		"cold start (rounds) first byte ms the app's own over ms quartiles aim",
		"in-process (3) 14.0 6.0 7.0 6.0-15.5 15 or less",
		"",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
