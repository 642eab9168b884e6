package main

import (
	"context"
	"net/url"
	"time"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// idle is how much memory the server's process has for each connection that is open and has nothing to do after a
// request. Memory is what is resident, without any collection but those that the server's runtime makes by itself.
type idle struct{}

const quiet = time.Second // before memory is read

func (idle) tool() load.Tool { return load.Tool{} }

func (idle) measure(ctx context.Context, b *bench, s *server, r subject.Request, _ time.Duration) (load.Sample, error) {
	n, err := load.IdleFor(b.idle)
	if err != nil {
		return load.Sample{}, err
	}
	address, err := url.Parse(s.url(r))
	if err != nil {
		return load.Sample{}, err
	}
	// What the first request takes is not the connections'.
	if _, err := b.trust.Fetch(ctx, s.url(r), r); err != nil {
		return load.Sample{}, err
	}
	before, err := subject.MemoryOf(s.pid())
	if err != nil {
		return load.Sample{}, err
	}
	conns, err := load.OpenIdle(ctx, address, n)
	if err != nil {
		return load.Sample{}, err
	}
	defer conns.Close()
	select {
	case <-time.After(quiet):
	case <-ctx.Done():
		return load.Sample{}, ctx.Err()
	}
	after, err := subject.MemoryOf(s.pid())
	if err != nil {
		return load.Sample{}, err
	}
	lost := conns.Lost(ctx) // all of them must still be there
	return load.Sample{Value: float64(after.Resident-before.Resident) / float64(n), Errors: lost}, nil
}
