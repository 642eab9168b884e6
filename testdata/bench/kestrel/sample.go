package main

import (
	"errors"
	"math"
	"slices"
	"time"
)

// sample is what one run gives.
type sample struct {
	value    float64       // requests a second, or kB for each idle connection
	p50, p99 time.Duration // latency; 0 where there is none
	errors   int           // answers other than 2xx, and connections that failed
}

// check refuses what no measurement gives.
func (s sample) check() error {
	switch {
	case math.IsNaN(s.value) || math.IsInf(s.value, 0) || s.value <= 0:
		return errors.New("nothing was answered")
	case s.p50 < 0 || s.p99 < s.p50 || s.errors < 0:
		return errors.New("it makes no sense")
	}
	return nil
}

// sampleOf makes a sample of requests that took so long each, within d as a whole. It sorts latencies.
func sampleOf(latencies []time.Duration, d time.Duration, errors int) sample {
	slices.Sort(latencies)
	return sample{
		value:  float64(len(latencies)) / d.Seconds(),
		p50:    quantile(latencies, 0.5),
		p99:    quantile(latencies, 0.99),
		errors: errors,
	}
}

// quantile is the value of which the share q of a sorted list is not above, between two values in proportion; 0 for an
// empty list.
func quantile[T ~int64 | ~float64](sorted []T, q float64) T {
	if len(sorted) == 0 {
		return 0
	}
	at := q * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + T((at-float64(below))*float64(sorted[above]-sorted[below]))
}

// quartiles are the first, the second, which is the median, and the third of what get gives of samples.
func quartiles[T ~int64 | ~float64, S any](samples []S, get func(S) T) [3]T {
	var list []T
	for _, s := range samples {
		list = append(list, get(s))
	}
	slices.Sort(list)
	return [3]T{quantile(list, 0.25), quantile(list, 0.5), quantile(list, 0.75)}
}
