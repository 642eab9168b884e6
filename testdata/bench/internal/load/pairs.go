package load

import (
	"fmt"
	"time"
)

// Pairs are as many samples of two servers, which took turns, in the order of the pairs.
type Pairs struct {
	Measured []Sample // of the one that is to be known
	Against  []Sample // of the one that it is compared with
}

// Run adds n pairs. measure takes one sample, of the server that is compared with when against is set; its error, or a sample
// that makes no sense, ends it. told hears the ratio of each pair, which counts from 1.
func (p *Pairs) Run(n int, measure func(against bool) (Sample, error), told func(pair int, ratio float64)) error {
	for pair := range n {
		samples := map[bool]Sample{}
		for _, against := range order(pair) {
			sample, err := measure(against)
			if err == nil {
				err = sample.Check()
			}
			if err != nil {
				return err
			}
			samples[against] = sample
		}
		p.Measured = append(p.Measured, samples[false])
		p.Against = append(p.Against, samples[true])
		told(pair+1, samples[false].Value/samples[true].Value)
	}
	return nil
}

// order has each server come first in every other pair: what changes steadily during a run is then nobody's gain.
func order(pair int) [2]bool {
	if pair%2 == 0 {
		return [2]bool{false, true}
	}
	return [2]bool{true, false}
}

// Errors counts the answers that were none.
func (p Pairs) Errors() (n int) {
	for i := range p.Measured {
		n += p.Measured[i].Errors + p.Against[i].Errors
	}
	return n
}

// Ratios are the quartiles of the pairs' ratios.
func (p Pairs) Ratios() [3]float64 {
	pairs := make([]int, len(p.Measured))
	for i := range pairs {
		pairs[i] = i
	}
	return Quartiles(pairs, func(i int) float64 { return p.Measured[i].Value / p.Against[i].Value })
}

// Values are four cells of a table: the medians of both, and the ratio with its first and third quartile. The medians have so
// many digits after the point.
func (p Pairs) Values(digits int) string {
	value := func(s Sample) float64 { return s.Value }
	ratio := p.Ratios()
	return fmt.Sprintf("%.*f\t%.*f\t%.3f\t%.3f-%.3f", digits, Quartiles(p.Measured, value)[1], digits, Quartiles(p.Against, value)[1],
		ratio[1], ratio[0], ratio[2])
}

// Latencies are four cells of a table: the medians of p50 and p99 in milliseconds, of both each.
func (p Pairs) Latencies() string {
	p50 := func(s Sample) time.Duration { return s.P50 }
	p99 := func(s Sample) time.Duration { return s.P99 }
	return fmt.Sprintf("%s\t%s\t%s\t%s", Milliseconds(Quartiles(p.Measured, p50)[1]), Milliseconds(Quartiles(p.Against, p50)[1]),
		Milliseconds(Quartiles(p.Measured, p99)[1]), Milliseconds(Quartiles(p.Against, p99)[1]))
}
