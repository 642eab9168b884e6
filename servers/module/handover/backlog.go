package handover

import (
	"context"
	"errors"
	"math"
	"net"
	"sync"
	"sync/atomic"
)

// ErrInUse says that an app still has the sockets, so that the front may not accept on them.
var ErrInUse = errors.New("an app has the sockets")

// Backlog is for a front that has to answer itself, because its app does not start: it accepts the connections that wait, and
// none that come later; these are for Wait, and the next app. Its methods may be called from several goroutines. It has no
// goroutines.
type Backlog struct {
	listeners []*backlogListener
	left      atomic.Int64 // listeners that may accept more, and connections that are open
	answered  chan struct{}
}

// Backlog takes the sockets back for as long as it takes to answer what waits. It is ErrInUse when an app that has them has
// not ended. It is to be closed before an app is started again.
func (s *Sockets) Backlog() (*Backlog, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inUse(nil) {
		return nil, ErrInUse
	}
	s.setNonblock(true)
	b := &Backlog{answered: make(chan struct{})}
	b.left.Store(int64(len(s.list)))
	for _, l := range s.list {
		most := math.MaxInt // all until there are none
		if n, known := queueLength(l.file); known {
			most = n
		}
		b.listeners = append(b.listeners, &backlogListener{backlog: b, socket: l, most: most, closed: make(chan struct{})})
	}
	return b, nil
}

// Listeners opens a listener of the front's own on each socket, in the order of New, for a front that accepts for longer than
// a Backlog does. They are to be closed before an app is started again, and the sockets stay open behind them. An app that has
// the sockets still, because it finishes its requests, finds that they do not block any more. The error is the system's, or
// net.ErrClosed after Close.
func (s *Sockets) Listeners() ([]net.Listener, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, net.ErrClosed
	}
	s.setNonblock(true)
	s.front = true
	var list []net.Listener
	for _, socket := range s.list {
		l, err := net.FileListener(socket.file)
		if err != nil {
			for _, open := range list {
				err = errors.Join(err, open.Close())
			}
			return nil, err
		}
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false) // Sockets.Close removes the file
		}
		list = append(list, l)
	}
	return list, nil
}

// Listeners gives a listener for each socket, in the order of New and with its address. Accept gives the connections that wait,
// and when there are no more, it waits for Close and is net.ErrClosed. The sockets themselves stay open.
func (b *Backlog) Listeners() []net.Listener {
	list := make([]net.Listener, len(b.listeners))
	for i, l := range b.listeners {
		list[i] = l
	}
	return list
}

// Answered returns nil when every listener has accepted what waits or is closed, and all that was accepted is closed: so
// whoever answers closes each connection behind its answer (Connection: close). It is context.Cause(ctx) when ctx is done
// before.
func (b *Backlog) Answered(ctx context.Context) error {
	select {
	case <-b.answered:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close closes the listeners; connections stay open. It may be called twice, and never fails.
func (b *Backlog) Close() error {
	for _, l := range b.listeners {
		_ = l.Close()
	}
	return nil
}

// done counts one less that is left.
func (b *Backlog) done() {
	if b.left.Add(-1) == 0 {
		close(b.answered)
	}
}

// backlogListener is one socket of a Backlog.
type backlogListener struct {
	backlog *Backlog
	socket  *socket
	closed  chan struct{}

	mu    sync.Mutex
	most  int // connections to accept
	ended bool
	close sync.Once
}

// Accept gives the next connection that waits.
func (l *backlogListener) Accept() (net.Conn, error) {
	if conn := l.next(); conn != nil {
		return conn, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

// next gives nil when there are none, and then there never are.
func (l *backlogListener) next() net.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.most > 0 && !l.ended {
		l.most--
		conn, err := accept(l.socket.file)
		switch {
		case err == nil:
			l.backlog.left.Add(1)
			return &backlogConn{Conn: conn, done: sync.OnceFunc(l.backlog.done)}
		case !isAborted(err): // there are none, or something is wrong that the next app meets, too
			l.most = 0
		}
	}
	l.end()
	return nil
}

// end is called with mu held.
func (l *backlogListener) end() {
	if !l.ended {
		l.ended = true
		l.backlog.done()
	}
}

// Close has Accept return.
func (l *backlogListener) Close() error {
	l.close.Do(func() { close(l.closed) })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
	return nil
}

func (l *backlogListener) Addr() net.Addr { return l.socket.addr }

// backlogConn tells when it is closed.
type backlogConn struct {
	net.Conn
	done func()
}

func (c *backlogConn) Close() error {
	defer c.done()
	return c.Conn.Close()
}
