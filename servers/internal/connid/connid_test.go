package connid

import (
	"math"
	"sync"
	"testing"
	"time"
)

func TestText(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0000000000000", 31: "000000000000V", 32: "0000000000010", math.MaxInt64: "7VVVVVVVVVVVV",
		ticks(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)): "0HNI8P2QFG000",
	} {
		if got := text(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

// Names are ordered and differ, also when several goroutines ask at once from the start.
func TestNew(t *testing.T) {
	t.Parallel()
	const goroutines, each = 8, 1000
	names := make([][]string, goroutines)
	var work sync.WaitGroup
	for i := range names {
		work.Go(func() {
			for range each {
				names[i] = append(names[i], New())
			}
		})
	}
	work.Wait()
	seen := map[string]bool{}
	for _, of := range names {
		for i, name := range of {
			if seen[name] || len(name) != Length || i > 0 && name <= of[i-1] {
				t.Fatalf("%s after %v", name, of[:i])
			}
			seen[name] = true
		}
	}
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		New()
	}
}
