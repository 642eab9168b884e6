//go:build linux || darwin

package broker

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// maxOut is how many frames may wait for a process that does not read. It is cut off with more.
const maxOut = 1024

// helloTimeout is how long a process may take to say who it is.
const helloTimeout = 10 * time.Second

// member is a process that is connected to the broker: an app, gorun, or a tool.
//
// It has one goroutine, serve, which reads, and another while the process does not read what is sent to it, write. The first
// waits for the second.
type member struct {
	broker *Broker
	conn   *wire.Conn
	hello  wire.Hello // set before others know of the member

	// Of the goroutine that owns the state.
	worker   *worker // nil before Open
	prefixes []urlprefix.Prefix
	watching bool
	told     uint64 // the version of the last table it was sent

	known atomic.Uint64 // the version of the table that it goes by

	mu      sync.Mutex
	out     []wire.Frame // for which there is no room in the process's buffer
	writing bool         // write runs
	failed  bool         // nothing can be sent any more
	writer  sync.WaitGroup
}

// post sends a frame, or keeps it until there is room: it never waits. Frames arrive in the order of post. It is false when the
// process cannot be reached any more.
func (m *member) post(f wire.Frame) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failed {
		return false
	}
	if !m.writing {
		sent, err := m.conn.TrySend(f)
		if err != nil {
			m.fail(err)
			return false
		}
		if sent {
			return true
		}
	}
	if f.Kind == wire.KindTable || f.Kind == wire.KindState { // the newest is enough
		m.out = slices.DeleteFunc(m.out, func(old wire.Frame) bool { return old.Kind == f.Kind })
	}
	m.out = append(m.out, f)
	if len(m.out) > maxOut {
		m.fail(wire.ErrFull)
		return false
	}
	if !m.writing {
		m.writing = true
		m.writer.Go(m.write)
	}
	return true
}

// write sends what is kept, as the process makes room.
func (m *member) write() {
	for {
		m.mu.Lock()
		if len(m.out) == 0 || m.failed {
			m.writing = false
			m.mu.Unlock()
			return
		}
		f := m.out[0]
		m.out = m.out[1:]
		m.mu.Unlock()
		if err := m.conn.Send(f); err != nil {
			m.mu.Lock()
			m.writing = false
			m.fail(err)
			m.mu.Unlock()
			return
		}
	}
}

// fail cuts the process off, because it could not be sent something. It is called with mu held.
func (m *member) fail(err error) {
	m.failed = true
	if _, large := errors.AsType[*wire.ProtocolError](err); large || errors.Is(err, wire.ErrFull) {
		m.broker.log.Warn("HTTP.sys: a program is cut off", "pid", m.conn.Peer().PID, "program", m.hello.Program, "error", err)
	}
	m.broker.cut(m)
}

// end closes the connection. Nothing is written to it any more when it returns, and so its descriptors may go to others.
func (m *member) end() {
	_ = m.conn.Close()
	m.mu.Lock()
	m.failed = true // nobody starts write any more
	m.mu.Unlock()
	m.writer.Wait()
}

// send posts a message that is JSON.
func (m *member) send(kind wire.Kind, id uint32, v any) {
	if f, err := wire.Message(kind, id, v); err == nil {
		m.post(f)
	}
}

// reply answers a request. With id 0 nobody wants to know.
func (m *member) reply(id uint32, data any, err error) {
	if id == 0 {
		return
	}
	if f, err := wire.Answer(id, data, err); err == nil {
		m.post(f)
	}
}

// serve is the goroutine of a member. It returns when the process has gone, and nothing of it is left.
func (m *member) serve() {
	defer context.AfterFunc(m.broker.ctx, func() { m.broker.cut(m) })()
	err := m.greet()
	if err == nil {
		if err = m.read(); errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
			err = nil
		}
	}
	if err != nil && m.broker.ctx.Err() == nil {
		m.broker.log.Debug("HTTP.sys: a program is disconnected", "pid", m.conn.Peer().PID, "program", m.hello.Program, "error", err)
	}
	m.end()
	m.broker.leave(m)
}

// read handles what comes. Connections are dealt with here, everything else by who owns the state.
func (m *member) read() error {
	r := newReader()
	for {
		f, err := m.conn.Receive()
		if err != nil {
			return err
		}
		switch f.Kind {
		case wire.KindTaken:
			err = m.took(f)
		case wire.KindKnown:
			err = m.knows(f)
		case wire.KindBack:
			err = m.back(f, r)
		default:
			f.Close()
			err = m.broker.request(m, f)
		}
		if err != nil {
			return err
		}
	}
}

func (m *member) took(f wire.Frame) error {
	f.Close()
	if len(f.Payload) != 4 || m.worker == nil {
		return &wire.ProtocolError{Reason: "a Taken that cannot be"}
	}
	if n := binary.BigEndian.Uint32(f.Payload); n > window || !m.worker.queue.took(m.worker, int(n)) {
		return &wire.ProtocolError{Reason: "more connections are taken than were sent"}
	}
	return nil
}

func (m *member) knows(f wire.Frame) error {
	f.Close()
	var known wire.Known
	if err := f.Decode(&known); err != nil {
		return err
	}
	m.known.Store(known.Version)
	return m.broker.do(func() { m.broker.checkBarriers() })
}
