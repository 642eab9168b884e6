package main

import (
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
)

// TestPrint has the ratio be the median of the pairs' own, not that of the medians.
func TestPrint(t *testing.T) {
	t.Parallel()
	of := func(value float64, p50, p99 time.Duration, errors int) load.Sample {
		return load.Sample{Value: value, P50: p50 * time.Millisecond, P99: p99 * time.Millisecond, Errors: errors}
	}
	some, err := choose(scenarios(), []string{"json", "h2c", "idle"})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	b := &bench{seconds: 3}
	err = b.print(&out, []result{
		{scenario: some[0], Pairs: load.Pairs{Measured: []load.Sample{of(100, 1, 5, 0), of(300, 2, 6, 1), of(200, 3, 7, 0)},
			Against: []load.Sample{of(200, 1, 4, 0), of(100, 1, 4, 2), of(250, 1, 4, 0)}}},
		{scenario: some[1], skipped: "it is refused"},
		{scenario: some[2], Pairs: load.Pairs{Measured: []load.Sample{{Value: 8.5}}, Against: []load.Sample{{Value: 17}}}},
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
