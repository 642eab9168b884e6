//go:build linux || darwin

package broker

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"

	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// registration is a prefix that is taken. Workers of one queue may register the same one: it stays as long as one of them does.
type registration struct {
	prefix  urlprefix.Prefix
	queue   *queue
	members []*member
}

// join counts a member. The error is errEnding.
func (b *Broker) join(m *member) error {
	return b.do(func() { b.members[m] = struct{}{} })
}

// leave forgets a member whose connection is closed, with all it had.
func (b *Broker) leave(m *member) {
	_ = b.do(func() { b.retire(m, true) }) // a broker that ends forgets all
}

// retire takes a member's prefixes and its place at the queue. What it has not taken goes to others.
func (b *Broker) retire(m *member, left bool) {
	if left {
		delete(b.members, m)
	}
	ports := b.unregister(m, m.prefixes)
	if w := m.worker; w != nil {
		m.worker = nil
		back, gone := w.queue.leave(w)
		if gone {
			delete(b.all, w.queue)
			delete(b.queues, w.queue.name)
		}
		b.publish(ports)
		b.relisten()
		b.again(w.queue, back, gone)
	}
	b.checkBarriers()
	b.tellWatchers()
}

// request handles what a member asks for. The error is one after which its connection is closed.
func (b *Broker) request(m *member, f wire.Frame) (failed error) {
	err := b.do(func() {
		var data any
		var err error
		switch f.Kind {
		case wire.KindOpen:
			err = asked(f, func(o wire.Open) error { return b.openQueue(m, o) })
		case wire.KindAdd:
			err = asked(f, func(a wire.Add) error { return b.add(m, f.ID, a.Prefixes) })
			if err == nil {
				return // answered behind the barrier
			}
		case wire.KindRemove:
			err = asked(f, func(r wire.Remove) error { return b.remove(m, r.Prefixes) })
		case wire.KindDrain:
			b.retire(m, false)
		case wire.KindWatch:
			m.watching = true
			m.send(wire.KindState, f.ID, b.describe())
			return
		case wire.KindReload:
			err = b.reload()
		case wire.KindStop:
			defer b.stop()
		default:
			failed = &wire.ProtocolError{Reason: "nobody sends a broker " + f.Kind.String()}
			return
		}
		m.reply(f.ID, data, err)
	})
	if err != nil {
		return err
	}
	return failed
}

// asked reads a request and has it handled.
func asked[T any](f wire.Frame, handle func(T) error) error {
	var request T
	if err := f.Decode(&request); err != nil {
		return err
	}
	return handle(request)
}

// openQueue gives a member its queue (reference: servers.md, 4.1, RequestQueueMode).
func (b *Broker) openQueue(m *member, o wire.Open) error {
	if m.worker != nil {
		return &wire.Error{Code: wire.CodeQueueExists, Message: "this connection has a request queue already"}
	}
	q := b.queues[o.Queue]
	switch {
	case o.Mode == wire.Attach && q == nil:
		return &wire.Error{Code: wire.CodeQueueMissing, Message: fmt.Sprintf("there is no request queue %q to attach to", o.Queue),
			Advice: "start the program that creates it first, or set RequestQueueMode to CreateOrAttach"}
	case o.Mode == wire.Create && q != nil:
		return &wire.Error{Code: wire.CodeQueueExists, Message: fmt.Sprintf("the request queue %q is there already%s", o.Queue, q.whose()),
			Advice: "set RequestQueueMode to CreateOrAttach to share it, or choose another RequestQueueName"}
	case o.Mode != wire.Create && o.Mode != wire.Attach && o.Mode != wire.CreateOrAttach:
		return &wire.ProtocolError{Reason: "a queue is opened in no mode"}
	}
	if q == nil {
		q = newQueue(o)
		b.all[q] = struct{}{}
		if o.Queue != "" {
			b.queues[o.Queue] = q
		}
	}
	m.worker = &worker{member: m, queue: q}
	if b.hasPrefix(q) { // it is told before it is sent connections: it may register nothing itself
		b.tell(m, b.version.Load())
	}
	q.join(m.worker)
	b.hasLine()
	b.publish(nil)
	b.tellWatchers()
	return nil
}

// add registers prefixes, all or none, and has the reply sent when every other worker at their ports knows.
func (b *Broker) add(m *member, id uint32, texts []string) error {
	if m.worker == nil {
		return &wire.Error{Code: wire.CodeNoQueue, Message: "prefixes are registered for a request queue, and none is open"}
	}
	var added []urlprefix.Prefix
	var opened []netip.AddrPort
	for _, text := range texts {
		p, listening, err := b.addOne(m, text)
		if err != nil {
			b.unregister(m, added)
			b.unlisten(opened)
			return err
		}
		added, opened = append(added, p), append(opened, listening...)
	}
	b.announce(m, id, added)
	return nil
}

// addOne registers one prefix, and listens for it. Nobody sees it before publish.
func (b *Broker) addOne(m *member, text string) (urlprefix.Prefix, []netip.AddrPort, error) {
	p, err := urlprefix.Parse(text)
	if err != nil {
		return p, nil, prefixError(err)
	}
	if err := b.options.Store.allows(p, m.conn.Peer().UID); err != nil {
		return p, nil, &wire.Error{Code: wire.CodeReserved, Message: err.Error(), Advice: hint(err)}
	}
	if b.weight+weight(p) > maxWeight {
		return p, nil, &wire.Error{Code: wire.CodeLimit, Message: "too many prefixes are registered", Advice: "register fewer with longer paths below them"}
	}
	q := m.worker.queue
	if by := b.registered[p.Key()]; by != nil {
		if by.queue != q || slices.Contains(by.members, m) {
			return p, nil, by.taken(m)
		}
		b.hold(m, by)
		return p, nil, nil
	}
	var opened []netip.AddrPort
	if p.Port == 0 {
		p, opened, err = b.choosePort(p)
	} else {
		opened, err = b.listen(p)
	}
	if err != nil {
		return p, nil, err
	}
	by := &registration{prefix: p, queue: q}
	b.registered[p.Key()] = by
	b.hold(m, by)
	return p, opened, nil
}

// maxWeight is how much all prefixes may weigh together, so that a Table and a State, which have all of them, are one frame. It is
// some thousand prefixes.
const maxWeight = wire.MaxPayload / 2

// weight is what a prefix takes of a State or a Table, more or less: some of its letters are six there.
func weight(p urlprefix.Prefix) int {
	text, _ := json.Marshal(p.String()) // a string can always be said
	return len(text) + 48
}

// hold makes a registration a member's, too.
func (b *Broker) hold(m *member, by *registration) {
	by.members = append(by.members, m)
	m.prefixes = append(m.prefixes, by.prefix)
	b.weight += weight(by.prefix)
}

// taken is HTTP.sys' ERROR_ALREADY_EXISTS, for the member that comes later.
func (r *registration) taken(m *member) error {
	peer, program := r.members[0].conn.Peer(), r.members[0].hello.Program
	who := fmt.Sprintf("process %d", peer.PID)
	if program != "" {
		who += " (" + program + ")"
	}
	if slices.Contains(r.members, m) {
		return &wire.Error{Code: wire.CodeExists, Message: fmt.Sprintf("%s is registered twice by this program", r.prefix), Advice: "leave one of the two out"}
	}
	return &wire.Error{Code: wire.CodeExists, Message: fmt.Sprintf("%s is already registered by %s", r.prefix, who),
		Advice: fmt.Sprintf("stop process %d, or choose another prefix; programs that share a request queue may share its prefixes", peer.PID)}
}

// remove takes prefixes back, all or none.
func (b *Broker) remove(m *member, texts []string) error {
	var all []urlprefix.Prefix
	for _, text := range texts {
		p, err := urlprefix.Parse(text)
		if err != nil {
			return prefixError(err)
		}
		if by := b.registered[p.Key()]; by == nil || !slices.Contains(by.members, m) {
			return &wire.Error{Code: wire.CodePrefix, Message: p.String() + " is not registered by this program"}
		}
		all = append(all, p)
	}
	b.publish(b.unregister(m, all))
	for other := range b.members { // that what was its queue's own is no more
		if other.worker != nil && m.worker != nil && other.worker.queue == m.worker.queue && other.told < b.version.Load() {
			b.tell(other, b.version.Load())
		}
	}
	b.relisten()
	b.tellWatchers()
	return nil
}

// unregister takes a member off registrations, and gives the ports of those that have gone.
func (b *Broker) unregister(m *member, all []urlprefix.Prefix) map[uint16]bool {
	ports := map[uint16]bool{}
	for _, p := range slices.Clone(all) {
		key := p.Key()
		m.prefixes = slices.DeleteFunc(m.prefixes, func(other urlprefix.Prefix) bool { return other.Key() == key })
		by := b.registered[key]
		if by == nil {
			continue
		}
		if i := slices.Index(by.members, m); i >= 0 {
			by.members = slices.Delete(by.members, i, i+1)
			b.weight -= weight(by.prefix)
		}
		if len(by.members) == 0 {
			delete(b.registered, key)
		}
		ports[p.Port] = true
	}
	return ports
}

// reload reads the stored settings again, and tells workers of certificates.
func (b *Broker) reload() error {
	if err := b.options.Store.reload(); err != nil {
		return err
	}
	ports := map[uint16]bool{}
	for _, by := range b.registered {
		ports[by.prefix.Port] = true
	}
	b.publish(ports)
	b.tellWatchers()
	return nil
}

func prefixError(err error) error {
	return &wire.Error{Code: wire.CodePrefix, Message: err.Error(), Advice: hint(err)}
}

func hint(err error) string {
	if e, ok := err.(interface{ Hint() string }); ok {
		return e.Hint()
	}
	return ""
}
