package load

import (
	"math"
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
		if got := Quantile(test.sorted, test.q); got != test.want {
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
	want := Sample{50.5, 50 * time.Millisecond, 99 * time.Millisecond, 3}
	if got := SampleOf(latencies, 2*time.Second, 3); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestSampleCheck(t *testing.T) {
	t.Parallel()
	for _, s := range []Sample{{}, {Value: -1}, {Value: math.NaN()}, {Value: math.Inf(1)}, {Value: 1, P50: -1},
		{Value: 1, P50: 2, P99: 1}, {Value: 1, Errors: -1}} {
		if s.Check() == nil {
			t.Errorf("%+v is accepted", s)
		}
	}
	if err := (Sample{1, 2, 3, 4}).Check(); err != nil {
		t.Error(err)
	}
}
