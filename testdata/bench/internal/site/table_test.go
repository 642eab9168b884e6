package site

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// TestPrint has each table say what was measured, and the ratio be the median of the pairs' own.
func TestPrint(t *testing.T) {
	t.Parallel()
	of := func(value float64, p50, p99 time.Duration) load.Sample {
		return load.Sample{Value: value, P50: p50 * time.Millisecond, P99: p99 * time.Millisecond}
	}
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	PrintResults(w, 3, nil)
	PrintFootprints(w, nil)
	PrintResults(w, 3, []Result{{
		Comparison{Name: "post", Measured: "ours", Against: "nginx", Aim: "1.0"},
		load.Pairs{Measured: []load.Sample{of(100, 1, 5), of(300, 2, 6), of(200, 3, 7)},
			Against: []load.Sample{of(200, 1, 4), of(100, 1, 4), of(250, 1, 4)}},
	}})
	PrintFootprints(w, []Footprint{{"nginx", Group{"workers", []int{1, 2}}, 1000, subject.Memory{Resident: 10240, Own: 1024},
		subject.Memory{Resident: 20480, Own: 2560}, "printed"}})
	if err := w.Flush(); err != nil {
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
		"post (3) ours nginx 200 200 0.800 0.650-1.900 1.0 2.00 1.00 6.00 4.00 0",
		"",
		"front, 1000 idle connections process resident MB its own without connections its own growth aim",
		"nginx workers (2) 20.0 2.5 10.0 1.0 1.5 printed",
		"",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestFootprints(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("it reads /proc of Linux")
	}
	s, err := start(t.Context(), "way")
	if err != nil {
		t.Fatal(err)
	}
	groups := []Group{{"server", []int{s.Front().PID()}}, {"both", []int{s.Front().PID(), os.Getpid()}}}
	prints, err := Footprints(t.Context(), "way", s.URL(get), groups, 20)
	if err != nil || len(prints) != 2 {
		t.Fatalf("got %+v, %v", prints, err)
	}
	for _, p := range prints {
		if p.Connections != 20 || p.Before.Resident < p.Before.Own || p.After.Own == 0 || p.Aim != "printed" {
			t.Errorf("got %+v", p)
		}
	}
	if prints[1].After.Own <= prints[0].After.Own {
		t.Errorf("got %+v", prints)
	}
	url := s.URL(get)
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if prints, err := Footprints(t.Context(), "way", url, groups, 20); err == nil {
		t.Errorf("got %+v of what has ended", prints)
	}
}
