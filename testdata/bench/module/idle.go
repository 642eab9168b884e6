package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

const quiet = time.Second // before memory is read

// footprint is the memory of a front's processes of one kind.
type footprint struct {
	front, name   string
	processes     int
	connections   int // that were idle at the end
	before, after subject.Memory
}

// measureIdle adds the memory of each front after one request, and with many connections that have had one each.
func measureIdle(ctx context.Context, b *bench, r *report) error {
	n, err := load.IdleFor(b.idle)
	if err != nil {
		return err
	}
	var errs []error
	for _, role := range []string{outOfProcess, inProcess, nginx} {
		prints, err := b.idleBefore(ctx, role, n)
		if err != nil {
			err = fmt.Errorf("%s: %w", role, err)
		}
		r.memory = append(r.memory, prints...)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// idleBefore is the memory of one way with n connections.
func (b *bench) idleBefore(ctx context.Context, role string, n int) (prints []footprint, err error) {
	s, err := b.start(ctx, role, "http")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	get := subject.Request{Scheme: "http", Method: http.MethodGet, Path: "/"}
	if _, err := b.trust.Fetch(ctx, s.url(get), get); err != nil {
		return nil, err
	}
	groups, err := s.processes()
	if err != nil {
		return nil, err
	}
	before, err := memoryOf(groups)
	if err != nil {
		return nil, err
	}
	after, err := withConnections(ctx, s.url(get), n, func() ([]subject.Memory, error) { return memoryOf(groups) })
	if err != nil {
		return nil, err
	}
	for i, g := range groups {
		prints = append(prints, footprint{role, g.name, len(g.pids), n, before[i], after[i]})
	}
	return prints, nil
}

// withConnections calls read while n connections are idle.
func withConnections(ctx context.Context, address string, n int, read func() ([]subject.Memory, error)) ([]subject.Memory, error) {
	to, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	conns, err := load.OpenIdle(ctx, to, n)
	if err != nil {
		return nil, err
	}
	defer conns.Close()
	select {
	case <-time.After(quiet):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	memory, err := read()
	if lost := conns.Lost(ctx); err == nil && lost > 0 { // all of them must still be there
		err = fmt.Errorf("%d connections were lost", lost)
	}
	return memory, err
}

// group are the processes of one kind.
type group struct {
	name string
	pids []int
}

// processes are those of a front, and the app.
func (s *site) processes() ([]group, error) {
	front := s.front().tree.PID()
	children := subject.Children(front)
	if len(children) == 0 {
		return nil, fmt.Errorf("%s, process %d, has no children", s.role, front)
	}
	if s.role == nginx {
		return []group{{"master", []int{front}}, {"workers", children}, {"the app", []int{s.parts[0].tree.PID()}}}, nil
	}
	var apps []int
	for _, guard := range children {
		apps = append(apps, subject.Children(guard)...)
	}
	if len(apps) != 1 {
		return nil, fmt.Errorf("%s has %d apps and not one", s.role, len(apps))
	}
	return []group{{"gorun", []int{front}}, {"its guard", children}, {"the app", apps}}, nil
}

// memoryOf is the memory of each group.
func memoryOf(groups []group) ([]subject.Memory, error) {
	sums := make([]subject.Memory, len(groups))
	for i, g := range groups {
		for _, pid := range g.pids {
			m, err := subject.MemoryOf(pid)
			if err != nil {
				return nil, err
			}
			sums[i] = sums[i].Add(m)
		}
	}
	return sums, nil
}
