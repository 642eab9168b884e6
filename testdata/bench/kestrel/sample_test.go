package main

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		sorted  []float64
		q, want float64
	}{
		{nil, 0.5, 0},
		{[]float64{7}, 0.99, 7},
		{[]float64{1, 2}, 0.5, 1.5},
		{[]float64{1, 2, 9}, 0.5, 2},
		{[]float64{0, 10, 20, 30, 40}, 0.25, 10},
		{[]float64{0, 10, 20, 30}, 0.75, 22.5},
		{[]float64{0, 10, 20, 30}, 1, 30},
	} {
		if got := quantile(test.sorted, test.q); got != test.want {
			t.Errorf("quantile(%v, %v) is %v, want %v", test.sorted, test.q, got, test.want)
		}
	}
}

func TestSampleOf(t *testing.T) {
	t.Parallel()
	var latencies []time.Duration
	for i := range 101 {
		latencies = append(latencies, time.Duration(100-i)*time.Millisecond)
	}
	want := sample{50.5, 50 * time.Millisecond, 99 * time.Millisecond, 3}
	if got := sampleOf(latencies, 2*time.Second, 3); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestSampleCheck(t *testing.T) {
	t.Parallel()
	for _, s := range []sample{{}, {value: -1}, {value: math.NaN()}, {value: math.Inf(1)}, {value: 1, p50: -1},
		{value: 1, p50: 2, p99: 1}, {value: 1, errors: -1}} {
		if s.check() == nil {
			t.Errorf("%+v is accepted", s)
		}
	}
	if err := (sample{1, 2, 3, 4}).check(); err != nil {
		t.Error(err)
	}
}

// TestPrint has the ratio be the median of the pairs' own, not that of the medians.
func TestPrint(t *testing.T) {
	t.Parallel()
	ms := time.Millisecond
	some, err := choose(scenarios(), []string{"json", "h2c", "idle"})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	b := &bench{seconds: 3}
	err = b.print(&out, []result{
		{scenario: some[0], ours: []sample{{100, ms, 5 * ms, 0}, {300, 2 * ms, 6 * ms, 1}, {200, 3 * ms, 7 * ms, 0}},
			bare: []sample{{200, ms, 4 * ms, 0}, {100, ms, 4 * ms, 2}, {250, ms, 4 * ms, 0}}},
		{scenario: some[1], skipped: "it is refused"},
		{scenario: some[2], ours: []sample{{value: 8.5}}, bare: []sample{{value: 17}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	want := []string{
		machine() + "; pairs of 3 s over loopback, 64 connections",
		"",
		"scenario (pairs) unit ours net/http ratio quartiles ours p50 ms net/http ours p99 ms net/http errors",
		"json (3) req/s 200 200 0.800 0.650-1.900 2.00 1.00 6.00 4.00 3",
		"idle (1) kB/conn 8.50 17.00 0.500 0.500-0.500 - - - - 0",
		"",
		"h2c is skipped: it is refused",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
