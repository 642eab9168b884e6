package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
)

const warmUp = time.Second

// result is what one scenario gives: as many samples of both servers, in the order of the pairs.
type result struct {
	scenario   scenario
	load.Pairs        // ours, against bare
	skipped    string // why there are no samples
}

// measure runs one scenario. A result may have samples even with an error.
func (b *bench) measure(ctx context.Context, s scenario) (r result, err error) {
	r.scenario = s
	both, stop, err := b.startBoth(ctx, s)
	defer func() { err = errors.Join(err, stop()) }()
	if err != nil {
		return r, err
	}
	if s.request.Scheme == "h2c" {
		if r.skipped, err = refusesH2C(ctx, both[ours], s.request); r.skipped != "" || err != nil {
			return r, err
		}
	}
	if err := b.verify(ctx, both, s.request); err != nil {
		return r, err
	}
	if err := b.runPairs(ctx, both, &r); err != nil {
		return r, err
	}
	if n := r.Errors(); n > 0 {
		return r, fmt.Errorf("%d requests failed", n)
	}
	return r, nil
}

// startBoth starts both servers; stop, which is never nil, ends those that have started.
func (b *bench) startBoth(ctx context.Context, s scenario) (both map[string]*server, stop func() error, err error) {
	started := map[string]*server{}
	stop = func() error {
		var errs []error
		for _, s := range started {
			errs = append(errs, s.stop())
		}
		return errors.Join(errs...)
	}
	for _, role := range []string{ours, bare} {
		profile := ""
		if b.profiles != "" && s.name == plaintext {
			profile = filepath.Join(b.profiles, role+".cpu.pprof")
		}
		if started[role], err = b.start(ctx, role, profile); err != nil {
			delete(started, role)
			return nil, stop, err
		}
	}
	return started, stop, nil
}

// runPairs fills a result with samples, after a run of each server that does not count.
func (b *bench) runPairs(ctx context.Context, both map[string]*server, r *result) error {
	s := r.scenario
	if !s.fresh {
		for _, role := range []string{ours, bare} {
			if _, err := s.load.measure(ctx, b, both[role], s.request, warmUp); err != nil {
				return fmt.Errorf("%s: %w", role, err)
			}
		}
	}
	pairs := b.pairsOf(s)
	one := func(against bool) (load.Sample, error) {
		role := ours
		if against {
			role = bare
		}
		sample, err := b.runOne(ctx, both[role], s)
		if err != nil {
			err = fmt.Errorf("%s: %w", role, err)
		}
		return sample, err
	}
	return r.Run(pairs, one, func(pair int, ratio float64) {
		fmt.Fprintf(os.Stderr, "%s: pair %d of %d: %.3f\n", s.name, pair, pairs, ratio)
	})
}

func (b *bench) pairsOf(s scenario) int {
	if s.pairs > 0 {
		return min(b.pairs, s.pairs)
	}
	return b.pairs
}

func (b *bench) runOne(ctx context.Context, on *server, s scenario) (_ load.Sample, err error) {
	if s.fresh {
		if on, err = b.start(ctx, on.role, ""); err != nil {
			return load.Sample{}, err
		}
		defer func() { err = errors.Join(err, on.stop()) }()
	}
	return s.load.measure(ctx, b, on, s.request, time.Duration(b.seconds)*time.Second)
}
