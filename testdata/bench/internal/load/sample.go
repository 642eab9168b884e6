package load

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Sample is what one run gives.
type Sample struct {
	Value    float64       // requests a second, or whatever else the run measures
	P50, P99 time.Duration // latency; 0 where there is none
	Errors   int           // answers other than 2xx, and connections that failed
}

// Check refuses what no measurement gives.
func (s Sample) Check() error {
	switch {
	case math.IsNaN(s.Value) || math.IsInf(s.Value, 0) || s.Value <= 0:
		return errors.New("nothing was answered")
	case s.P50 < 0 || s.P99 < s.P50 || s.Errors < 0:
		return errors.New("it makes no sense")
	}
	return nil
}

// SampleOf makes a sample of requests that took so long each, within d as a whole. It sorts latencies.
func SampleOf(latencies []time.Duration, d time.Duration, errors int) Sample {
	slices.Sort(latencies)
	return Sample{
		Value:  float64(len(latencies)) / d.Seconds(),
		P50:    Quantile(latencies, 0.5),
		P99:    Quantile(latencies, 0.99),
		Errors: errors,
	}
}

// Quantile is the value of which the share q of a sorted list is not above, between two values in proportion; 0 for an
// empty list.
func Quantile[T ~int64 | ~float64](sorted []T, q float64) T {
	if len(sorted) == 0 {
		return 0
	}
	at := q * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + T((at-float64(below))*float64(sorted[above]-sorted[below]))
}

// Quartiles are the first, the second, which is the median, and the third of what get gives of samples.
func Quartiles[T ~int64 | ~float64, S any](samples []S, get func(S) T) [3]T {
	var list []T
	for _, s := range samples {
		list = append(list, get(s))
	}
	slices.Sort(list)
	return [3]T{Quantile(list, 0.25), Quantile(list, 0.5), Quantile(list, 0.75)}
}

// Milliseconds is a latency for a table, "-" where there is none.
func Milliseconds(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(d.Nanoseconds())/1e6)
}
