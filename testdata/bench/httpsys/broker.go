package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/gorun-dev/gorun/testdata/bench/internal/load"
	"github.com/gorun-dev/gorun/testdata/bench/internal/site"
	"github.com/gorun-dev/gorun/testdata/bench/internal/subject"
)

// brokerView is what is read of `gorun httpsys show --json`.
type brokerView struct {
	Running bool
	PID     int
	Queues  []struct {
		Prefixes []struct{ Prefix string }
		Workers  []struct {
			PID         int
			Connections int // handed over
		}
	}
}

// broker asks the broker what it has.
func (b *bench) broker(ctx context.Context) (view brokerView, err error) {
	out, err := subject.Output(ctx, b.environ(), b.gorun, "httpsys", "show", "--json")
	if err != nil {
		return view, err
	}
	if err := json.Unmarshal([]byte(out), &view); err != nil {
		return view, fmt.Errorf("gorun httpsys show: %w:\n%s", err, out)
	}
	return view, nil
}

// stopBroker ends the broker if there still is one, also after an interruption.
func (b *bench) stopBroker() error {
	ctx, cancel := context.WithTimeout(context.Background(), site.StartLimit)
	defer cancel()
	_, err := subject.Output(ctx, b.environ(), b.gorun, "httpsys", "stop")
	return err
}

// brokerAim is how much the broker may have in all, as it is printed.
const brokerAim = "under 20 MB"

// measureIdle adds the memory of the broker and of what it serves after one request, and with many connections that it has
// handed over and that have had one each.
func measureIdle(ctx context.Context, b *bench, r *report) (err error) {
	n, err := load.IdleFor(b.idle)
	if err != nil {
		return err
	}
	apps := single("http")
	s, err := b.start(ctx, onBroker, apps)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	request := apps.requests()[0]
	if _, err := b.trust.Fetch(ctx, s.URL(request), request); err != nil {
		return err
	}
	before, err := b.broker(ctx)
	if err != nil {
		return err
	}
	groups, err := before.groups(s)
	if err != nil {
		return err
	}
	prints, err := site.Footprints(ctx, onBroker, s.URL(request), groups, n)
	if err != nil {
		return err
	}
	after, err := b.broker(ctx)
	if err != nil {
		return err
	}
	if got := after.handedOver() - before.handedOver(); after.PID != before.PID || got < n {
		return fmt.Errorf("broker %d has handed over %d of %d connections, and is %d now", before.PID, got, n, after.PID)
	}
	prints[0].Aim = brokerAim
	r.memory = append(r.memory, prints...)
	return nil
}

// groups are the processes of a site with one app: the broker, gorun, which has started it, and the app.
func (v brokerView) groups(s *site.Site) ([]site.Group, error) {
	if !v.Running || len(v.Queues) != 1 || len(v.Queues[0].Workers) != 1 {
		return nil, fmt.Errorf("the broker has not one app: %+v", v)
	}
	gorun := s.Front().PID()
	guards := slices.DeleteFunc(subject.Children(gorun), func(pid int) bool { return pid == v.PID })
	return []site.Group{
		{Name: "the broker", PIDs: []int{v.PID}},
		{Name: "gorun", PIDs: []int{gorun}},
		{Name: "its guard", PIDs: guards},
		{Name: "the app", PIDs: []int{v.Queues[0].Workers[0].PID}},
	}, nil
}

// handedOver is how many connections the apps have been given.
func (v brokerView) handedOver() (n int) {
	for _, q := range v.Queues {
		for _, w := range q.Workers {
			n += w.Connections
		}
	}
	return n
}
