//go:build linux || darwin

package broker

import (
	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// back takes a connection from a worker whose next request is another's.
func (m *member) back(f wire.Frame, r *reader) error {
	if f.IsLost() {
		return m.lost()
	}
	h, err := wire.ParseHandback(f.Payload)
	switch {
	case err != nil:
		f.Close()
		return err
	case f.Lost:
		m.broker.heads.relieve() // for the next one
		m.reply(f.ID, nil, &wire.Error{Code: wire.CodeLimit, Message: "the broker has no descriptors left"})
		return nil
	case f.FD == 0:
		return &wire.ProtocolError{Reason: "a connection is handed back without its socket"}
	}
	v := &visit{fd: f.FD, first: h.Read, meta: h.Meta}
	if v.meta != nil {
		v.describe()
		if len(v.frame().Payload) > wire.MaxPayload { // or whoever is to get it would have to be cut off
			v.end()
			return &wire.ProtocolError{Reason: "the description of a connection is too long"}
		}
	}
	if h.Queue != "" {
		return m.delegate(f.ID, h.Queue, v)
	}
	m.reply(f.ID, nil, nil)
	if len(v.first) == 0 {
		v.first = nil
		m.broker.arrived(v, r)
		return nil
	}
	d := m.broker.decide(v, r, false)
	if w := m.worker; d.what == give && w != nil && d.queue == w.queue && m.known.Load() >= d.queue.version.Load() {
		// It knows what we have decided by and does not want what is its own: it would come back for ever.
		m.broker.unavailable(d.queue, v, noWorker)
		return nil
	}
	m.broker.act(v, d)
	return nil
}

// lost has somebody else, or this worker later, take the connection for which it has had no room.
func (m *member) lost() error {
	w := m.worker
	if w == nil {
		return nil // Drain has taken all back
	}
	ok, wait := w.queue.lost(w)
	if wait {
		m.broker.hasLine()
	}
	if !ok {
		return &wire.ProtocolError{Reason: "a connection is lost that was not sent"}
	}
	return nil
}

// delegate gives a connection to the queue of that name, whoever's its request is.
func (m *member) delegate(id uint32, name string, v *visit) error {
	q := m.broker.routes.Load().queues[name]
	if q == nil {
		v.end()
		m.reply(id, nil, &wire.Error{Code: wire.CodeQueueMissing, Message: "there is no request queue " + name,
			Advice: "start the program that has it first, with RequestQueueName=" + name})
		return nil
	}
	m.reply(id, nil, nil)
	m.broker.give(q, v)
	return nil
}
