//go:build linux || darwin

package broker

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// barrier holds the reply to an Add back until all others at the same ports go by the new table.
type barrier struct {
	member  *member
	id      uint32
	added   wire.Added
	version uint64
	others  []*member
	timer   *time.Timer
}

// announce makes new prefixes count: first its own worker knows, so that it is sent nothing that it does not know of, then
// everybody who accepts, then the other workers.
func (b *Broker) announce(m *member, id uint32, added []urlprefix.Prefix) {
	ports := map[uint16]bool{}
	bar := &barrier{member: m, id: id}
	for _, p := range added {
		ports[p.Port] = true
		bar.added.Prefixes = append(bar.added.Prefixes, p.String())
	}
	b.log.Info("HTTP.sys: registered", "prefixes", bar.added.Prefixes, "pid", m.conn.Peer().PID, "program", m.hello.Program)
	bar.version = b.version.Load() + 1
	b.tell(m, bar.version)
	bar.others = b.publish(ports)
	b.barriers = append(b.barriers, bar)
	bar.timer = time.AfterFunc(b.options.Barrier, func() { b.overdue(bar) })
	b.checkBarriers()
	b.tellWatchers()
}

// overdue lets an Add be answered without those that have not said anything.
func (b *Broker) overdue(bar *barrier) {
	_ = b.do(func() {
		for _, m := range bar.missing(b) {
			b.log.Warn("HTTP.sys: a program does not say whether it knows of new prefixes", "pid", m.conn.Peer().PID, "program", m.hello.Program)
		}
		bar.others = nil
		b.checkBarriers()
	})
}

// missing are the others that are there and have not answered.
func (bar *barrier) missing(b *Broker) (left []*member) {
	for _, m := range bar.others {
		if _, there := b.members[m]; there && m.worker != nil && m.known.Load() < bar.version {
			left = append(left, m)
		}
	}
	return left
}

// checkBarriers answers every Add that all know of.
func (b *Broker) checkBarriers() {
	b.barriers = slices.DeleteFunc(b.barriers, func(bar *barrier) bool {
		if len(bar.missing(b)) > 0 {
			return false
		}
		bar.timer.Stop()
		bar.member.reply(bar.id, bar.added, nil)
		return true
	})
}

// publish makes what is registered count for those who accept, and sends a table to every worker that has one of the ports.
func (b *Broker) publish(ports map[uint16]bool) (told []*member) {
	version := b.version.Add(1)
	sharing := map[*queue]bool{}
	for q := range b.all {
		if b.shares(q, ports) {
			sharing[q] = true
			q.version.Store(version) // before the routes: see member.back
		}
	}
	b.routes.Store(newRoutes(b.registered, maps.Clone(b.queues)))
	for m := range b.members {
		if m.worker != nil && m.told < version && sharing[m.worker.queue] {
			b.tell(m, version)
			told = append(told, m)
		}
	}
	return told
}

// shares reports whether a queue has a prefix at one of the ports.
func (b *Broker) shares(q *queue, ports map[uint16]bool) bool {
	for _, by := range b.registered {
		if by.queue == q && ports[by.prefix.Port] {
			return true
		}
	}
	return false
}

// hasPrefix reports whether a queue has any.
func (b *Broker) hasPrefix(q *queue) bool {
	for _, by := range b.registered {
		if by.queue == q {
			return true
		}
	}
	return false
}

// tell sends a worker the table of its ports.
func (b *Broker) tell(m *member, version uint64) {
	q := m.worker.queue
	ports, secure := map[uint16]bool{}, []urlprefix.Prefix(nil)
	for _, by := range b.registered {
		if by.queue == q {
			ports[by.prefix.Port] = true
			if by.prefix.Scheme == "https" {
				secure = append(secure, by.prefix)
			}
		}
	}
	table := wire.Table{Version: version}
	for _, by := range b.registered {
		if ports[by.prefix.Port] {
			table.Entries = append(table.Entries, wire.Entry{Prefix: by.prefix.String(), Mine: by.queue == q})
		}
	}
	slices.SortFunc(table.Entries, func(a, b wire.Entry) int { return strings.Compare(a.Prefix, b.Prefix) })
	if len(secure) > 0 {
		table.Certificates = b.options.Store.certificates(secure)
	}
	m.told = version
	m.send(wire.KindTable, 0, table)
}
