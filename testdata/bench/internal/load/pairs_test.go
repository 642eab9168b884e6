package load

import (
	"errors"
	"slices"
	"testing"
)

// TestPairs has both take turns, and each come first in every other pair.
func TestPairs(t *testing.T) {
	t.Parallel()
	var turns []bool
	var told []float64
	var p Pairs
	measure := func(against bool) (Sample, error) {
		turns = append(turns, against)
		if against {
			return Sample{Value: 2, P50: 1, P99: 3, Errors: 1}, nil
		}
		return Sample{Value: float64(len(turns)), P50: 2, P99: 4}, nil
	}
	if err := p.Run(3, measure, func(_ int, ratio float64) { told = append(told, ratio) }); err != nil {
		t.Fatal(err)
	}
	if want := []bool{false, true, true, false, false, true}; !slices.Equal(turns, want) {
		t.Errorf("got %v, want %v", turns, want)
	}
	if want := []float64{0.5, 2, 2.5}; !slices.Equal(told, want) || p.Errors() != 3 || p.Ratios() != [3]float64{1.25, 2, 2.25} {
		t.Errorf("got %v, %d, %v", told, p.Errors(), p.Ratios())
	}
}

// TestPairsEnd has what makes no sense end a run, and leave whole pairs.
func TestPairsEnd(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, last := range []error{nil, broken} {
		var p Pairs
		calls := 0
		err := p.Run(5, func(bool) (Sample, error) {
			if calls++; calls == 4 {
				return Sample{}, last
			}
			return Sample{Value: 1}, nil
		}, func(int, float64) {})
		if err == nil || last != nil && !errors.Is(err, last) || len(p.Measured) != 1 || len(p.Against) != 1 {
			t.Errorf("got %+v, %v", p, err)
		}
	}
}
