//go:build linux || darwin

package broker

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// tellWatchers sends State to everybody who watches.
func (b *Broker) tellWatchers() {
	var state *wire.State
	for m := range b.members {
		if !m.watching {
			continue
		}
		if state == nil {
			state = b.describe()
		}
		m.send(wire.KindState, 0, state)
	}
}

// describe gives what is shown of the broker.
func (b *Broker) describe() *wire.State {
	s := &wire.State{Version: b.options.Version, PID: b.pid, Since: b.since, Persistent: b.options.Persistent, Refused: wire.Refused{
		NoPath: b.counts.noPath.Load(), NoHost: b.counts.noHost.Load(), Malformed: b.counts.malformed.Load(),
		Queue: b.counts.queue.Load(), Slow: b.counts.slow.Load(), Shed: b.heads.gone()}}
	for a := range b.listeners {
		s.Listeners = append(s.Listeners, a.String())
	}
	slices.Sort(s.Listeners)
	for q := range b.all {
		shown := q.describe()
		for _, by := range b.registered {
			for _, m := range by.members {
				if by.queue == q {
					shown.Prefixes = append(shown.Prefixes, wire.Registered{Prefix: by.prefix.String(), PID: m.conn.Peer().PID})
				}
			}
		}
		slices.SortFunc(shown.Prefixes, func(a, b wire.Registered) int {
			return cmp.Or(strings.Compare(a.Prefix, b.Prefix), a.PID-b.PID)
		})
		s.Queues = append(s.Queues, shown)
	}
	slices.SortFunc(s.Queues, func(a, b wire.Queue) int { return cmp.Or(strings.Compare(a.Name, b.Name), first(a)-first(b)) })
	b.options.Store.describe(s)
	return s
}

// first is the process that a queue without a name is known by.
func first(q wire.Queue) int {
	if len(q.Workers) == 0 {
		return 0
	}
	return q.Workers[0].PID
}
