//go:build unix

package httpsys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// session is one connection to a broker. Its goroutines are receive and take, which end when the connection does; close ends it and
// waits for them.
type session struct {
	client *client
	conn   *wire.Conn
	work   sync.WaitGroup
	coming chan wire.Frame // connections that the broker has sent
	lost   chan struct{}   // closed when nothing comes any more

	mu    sync.Mutex
	last  uint32                     // id
	asked map[uint32]chan wire.Frame // nil when nothing comes any more

	order    sync.Mutex // what is taken is told before Drain
	draining bool       // what still comes is not taken: the broker has it, and gives it to others
}

// untaken is how many connections a broker sends ahead of their being taken; more would only wait longer in another place.
const untaken = 64

var errLost = errors.New("the connection to the broker is lost")

// talk makes a session, once the broker has agreed to talk.
func talk(ctx context.Context, c *client) (*session, error) {
	conn, err := wire.Dial(ctx, c.folder)
	if err != nil {
		return nil, err
	}
	if err := greet(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	s := &session{client: c, conn: conn, coming: make(chan wire.Frame, untaken), lost: make(chan struct{}), asked: map[uint32]chan wire.Frame{}}
	s.work.Go(s.receive)
	s.work.Go(s.take)
	return s, nil
}

// greet says Hello and waits for the answer.
func greet(ctx context.Context, conn *wire.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	hello, err := wire.Message(wire.KindHello, 1, wire.Hello{
		Protocol: wire.Version, Version: moduleVersion(), Program: programName(), Role: wire.Worker,
	})
	if err != nil {
		return err
	}
	if err := conn.Send(hello); err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	f, err := conn.Receive()
	if err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	if f.Kind != wire.KindWelcome {
		err := f.Reply(nil)
		if refusal, ok := errors.AsType[*wire.Error](err); ok && refusal.Code == wire.CodeProtocol {
			return &wire.VersionError{Ours: wire.Version, Message: refusal.Message}
		}
		return err
	}
	var welcome wire.Welcome
	if err := f.Decode(&welcome); err != nil {
		return err
	}
	if welcome.Protocol != wire.Version {
		return &wire.VersionError{Ours: wire.Version, Theirs: welcome.Protocol}
	}
	return nil
}

// close ends the session. Connections that were taken go on.
func (s *session) close() error {
	err := s.conn.Close()
	s.work.Wait()
	return err
}

// receive is a goroutine.
func (s *session) receive() {
	defer s.end()
	for {
		f, err := s.conn.Receive()
		if err != nil {
			return
		}
		switch f.Kind {
		case wire.KindConn:
			s.coming <- f
		case wire.KindTable:
			s.know(f)
		default:
			s.answered(f)
		}
	}
}

// end tells everybody that nothing comes any more.
func (s *session) end() {
	s.mu.Lock()
	for _, c := range s.asked {
		close(c)
	}
	s.asked = nil
	s.mu.Unlock()
	close(s.coming)
	close(s.lost)
	_ = s.conn.Close() // so that nobody waits to send
}

// know goes by a new table from now on, and says so.
func (s *session) know(f wire.Frame) {
	var t wire.Table
	if err := f.Decode(&t); err != nil {
		s.client.log.Error("the broker has sent a table that cannot be read", slog.Any("error", err))
		return
	}
	s.client.learn(t)
	if known, err := wire.Message(wire.KindKnown, f.ID, wire.Known{Version: t.Version}); err == nil {
		_ = s.conn.Send(known) // whether the connection is lost is seen by who receives
	}
}

// answered hands a Reply to who waits for it.
func (s *session) answered(f wire.Frame) {
	f.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.asked[f.ID]; ok {
		delete(s.asked, f.ID)
		c <- f
	}
}

// ask sends a request and waits for its Reply, whose data it reads into data, unless that is nil.
func (s *session) ask(ctx context.Context, kind wire.Kind, v, data any) error {
	f, err := wire.Message(kind, 0, v)
	if err != nil {
		return err
	}
	return s.askFrame(ctx, f, data)
}

// askFrame is ask for a frame, which gets its id here.
func (s *session) askFrame(ctx context.Context, f wire.Frame, data any) error {
	reply := make(chan wire.Frame, 1)
	s.mu.Lock()
	if s.asked == nil {
		s.mu.Unlock()
		return errLost
	}
	s.last++
	f.ID = s.last
	s.asked[f.ID] = reply
	s.mu.Unlock()
	if err := s.conn.Send(f); err != nil {
		s.forget(f.ID)
		return fmt.Errorf("%w: %w", errLost, err)
	}
	select {
	case answer, ok := <-reply:
		if !ok {
			return errLost
		}
		return answer.Reply(data)
	case <-ctx.Done():
		s.forget(f.ID)
		return context.Cause(ctx)
	}
}

func (s *session) forget(id uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.asked, id)
}

// drain takes the prefixes back and returns when no connection comes any more. What the broker has sent and we have not taken it
// gives to others: from the moment at which it is asked none is taken here.
func (s *session) drain(ctx context.Context) error {
	s.order.Lock()
	s.draining = true
	s.order.Unlock()
	return s.ask(ctx, wire.KindDrain, nil, nil)
}

// take is a goroutine: it serves the connections that come. As many as have come are taken by one message.
func (s *session) take() {
	batch := make([]arrival, 0, untaken)
	for first := range s.coming {
		batch = append(batch[:0], s.client.open(first))
	more:
		for len(batch) < untaken {
			select {
			case f, ok := <-s.coming:
				if !ok {
					break more
				}
				batch = append(batch, s.client.open(f))
			default:
				break more
			}
		}
		s.serve(batch)
	}
}

// serve serves what is taken. The rest is closed here: the broker has it, and gives it to others.
func (s *session) serve(batch []arrival) {
	taken := s.tell(batch)
	for i, a := range batch {
		switch {
		case a.conn == nil:
		case i < taken:
			s.client.admit(a)
		default:
			_ = a.conn.Close()
		}
	}
	clear(batch)
}

// tell says for each connection in its turn whether it is taken, and gives of how many it could. Those that are not usable here go
// back. When the broker cannot be told it counts otherwise than we do, if it lives: so the session ends.
func (s *session) tell(batch []arrival) (told int) {
	s.order.Lock()
	defer s.order.Unlock()
	if s.draining {
		return 0
	}
	for told < len(batch) {
		n := 0
		for told+n < len(batch) && batch[told+n].conn != nil {
			n++
		}
		f := wire.TakenFrame(uint32(n))
		if n == 0 {
			n, f = 1, wire.LostFrame()
		}
		if s.conn.Send(f) != nil {
			_ = s.conn.Close()
			return told
		}
		told += n
	}
	return told
}
