package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/site"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

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
func (b *bench) idleBefore(ctx context.Context, role string, n int) (prints []site.Footprint, err error) {
	s, err := b.start(ctx, role, "http")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	get := subject.Request{Scheme: "http", Method: http.MethodGet, Path: "/"}
	if _, err := b.trust.Fetch(ctx, s.URL(get), get); err != nil {
		return nil, err
	}
	groups, err := processes(s)
	if err != nil {
		return nil, err
	}
	return site.Footprints(ctx, role, s.URL(get), groups, n)
}

// processes are those of a front, and the app.
func processes(s *site.Site) ([]site.Group, error) {
	front := s.Front().PID()
	children := subject.Children(front)
	if len(children) == 0 {
		return nil, fmt.Errorf("%s, process %d, has no children", s.Way, front)
	}
	if s.Way == nginx {
		return []site.Group{
			{Name: "master", PIDs: []int{front}}, {Name: "workers", PIDs: children}, {Name: "the app", PIDs: []int{s.Parts[0].PID()}},
		}, nil
	}
	var apps []int
	for _, guard := range children {
		apps = append(apps, subject.Children(guard)...)
	}
	if len(apps) != 1 {
		return nil, fmt.Errorf("%s has %d apps and not one", s.Way, len(apps))
	}
	return []site.Group{{Name: "gorun", PIDs: []int{front}}, {Name: "its guard", PIDs: children}, {Name: "the app", PIDs: apps}}, nil
}
