package handover

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
)

// Sockets are the listening sockets of a front. They stay open until Close, whatever becomes of the apps that have them, too.
// Its methods may be called from several goroutines; Close not while somebody is in Wait, or has a Backlog. It has no goroutines.
type Sockets struct {
	list []*socket

	mu       sync.Mutex
	lent     map[*InProcess]bool // who was given the sockets, and has not been closed
	front    bool                // the front itself has accepted since the last one was
	starting int                 // how many are between Prepare and the end of Ready
	closed   bool
	settled  chan struct{} // closed when none is starting; nil: Close does not wait for that
}

type socket struct {
	name     string
	addr     net.Addr
	file     *os.File     // not in the runtime's poller: a new connection is to wake nobody here while an app runs
	original net.Listener // nil: closed, because nothing more hangs on it
}

// New takes listening sockets over, at least one: from then on they are not to be used in any other way, nor closed. The error
// is an *UnsupportedError where one cannot be handed over, and leaves all of them as they were.
//
// A *net.TCPListener is closed at once, since the runtime polls it: each new connection would wake this process while the app
// accepts it. Others are closed by Close, because more may hang on it, such as the file of a unix socket.
func New(list []Socket) (*Sockets, error) {
	if len(list) == 0 {
		return nil, errors.New("there is no socket to hand over")
	}
	s := &Sockets{lent: map[*InProcess]bool{}}
	for _, l := range list {
		file, err := duplicate(l.Listener)
		if err != nil {
			s.setNonblock(true)
			return nil, errors.Join(&UnsupportedError{l.Addr(), err}, s.closeFiles())
		}
		s.list = append(s.list, &socket{l.Name, l.Addr(), file, l.Listener})
	}
	for _, l := range s.list {
		if tcp, ok := l.original.(*net.TCPListener); ok { // a unix one removes its file when it is closed
			_ = tcp.Close()
			l.original = nil
		}
	}
	return s, nil
}

// Close closes the sockets: when no app has them, clients are refused from then on. An app that has them goes on with them; one
// that is about to start is waited for until that has failed or is done. A second Close does nothing.
func (s *Sockets) Close() error {
	if !s.settle() {
		return nil
	}
	err := s.closeFiles()
	for _, l := range s.list {
		if l.original != nil {
			err = errors.Join(err, l.original.Close())
		}
	}
	return err
}

// settle lets nobody have the sockets any more, and waits for those who are about to. It is false when that was so before.
func (s *Sockets) settle() bool {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return false
	}
	s.closed, s.settled = true, make(chan struct{})
	s.checkSettled()
	s.mu.Unlock()
	<-s.settled
	return true
}

// checkSettled is called with mu held.
func (s *Sockets) checkSettled() {
	if s.starting == 0 && s.settled != nil {
		close(s.settled)
	}
}

// started is called when h's process needs no more of the sockets than it has.
func (s *Sockets) started(h *InProcess) {
	if !h.starting {
		return
	}
	h.starting = false
	s.mu.Lock()
	defer s.mu.Unlock()
	s.starting--
	s.checkSettled()
}

func (s *Sockets) closeFiles() error {
	var errs []error
	for _, l := range s.list {
		errs = append(errs, l.file.Close())
	}
	return errors.Join(errs...)
}

// Wait returns nil as soon as a connection waits on any of the sockets, and accepts nothing. It is context.Cause(ctx) when
// ctx is done, and a *LostError when a socket listens no more and cannot be made to; TCP's can, and then is. It is not to
// be called while an app runs, because it would wake up for the app's connections.
//
// A thread of the system waits for it.
func (s *Sockets) Wait(ctx context.Context) error {
	for {
		ready, dead, err := poll(ctx, s.files())
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil || ready:
			return err
		}
		for _, i := range dead {
			if err := s.list[i].revive(); err != nil {
				return err
			}
		}
	}
}

// revive has a socket listen again on which nobody can wait any more: an app that has shut its listeners down has done so for
// everybody.
func (l *socket) revive() error {
	again, err := listenAgain(l.file)
	if !again {
		return &LostError{l.addr, cmp.Or(err, errHungUp)}
	}
	return nil
}

// errHungUp is the reason when the system gives none.
var errHungUp = errors.New("it is shut down")

func (s *Sockets) files() []*os.File {
	files := make([]*os.File, len(s.list))
	for i, l := range s.list {
		files[i] = l.file
	}
	return files
}

func (s *Sockets) names() string {
	names := make([]string, len(s.list))
	for i, l := range s.list {
		names[i] = l.name
	}
	return strings.Join(names, ":")
}

// queues gives for each socket how many connections wait, or 1 for some where the system does not tell.
func (s *Sockets) queues() []int {
	lengths := make([]int, len(s.list))
	for i, l := range s.list {
		lengths[i] = queue(l.file)
	}
	return lengths
}

// lend notes that h's process is to have the sockets. They block then, unless another has them still. The error is a
// *LostError, or net.ErrClosed after Close.
func (s *Sockets) lend(h *InProcess) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	if !s.inUse(h) {
		s.setNonblock(false)
	}
	for _, l := range s.list {
		if isDead(l.file) {
			if err := l.revive(); err != nil {
				return err
			}
		}
	}
	s.lent[h], s.front = true, false
	h.starting = true
	s.starting++
	return nil
}

func (s *Sockets) giveBack(h *InProcess) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lent, h)
}

// shared reports whether another process than that of h may have the sockets.
func (s *Sockets) shared(h *InProcess) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inUse(h)
}

// frontAccepts reports whether the front itself accepts although an app was given the sockets, because that takes too long to
// begin.
func (s *Sockets) frontAccepts() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.front
}

// inUse is shared with mu held.
func (s *Sockets) inUse(h *InProcess) bool {
	for other := range s.lent {
		if other != h && !other.ended() {
			return true
		}
	}
	return false
}

func (s *Sockets) setNonblock(nonblocking bool) {
	for _, l := range s.list {
		setNonblock(l.file, nonblocking)
	}
}

// hasConnection reports whether one of the processes has a connection of TCP that came by one of the sockets. known is false where
// the system does not show it.
func (s *Sockets) hasConnection(pids []int) (found, known bool) {
	var ports []int
	for _, l := range s.list {
		if tcp, ok := l.addr.(*net.TCPAddr); ok {
			ports = append(ports, tcp.Port)
		}
	}
	if len(ports) == 0 {
		return false, false
	}
	return hasConnection(pids, ports)
}

// dial connects to one of the sockets, and tells to which: one without TLS where there is one, since TLS servers complain of
// clients that say nothing.
func (s *Sockets) dial() (conn net.Conn, index int, err error) {
	index = max(slices.IndexFunc(s.list, func(l *socket) bool { return l.name != "https" }), 0)
	addr := s.list[index].addr
	conn, err = net.DialTimeout(addr.Network(), addr.String(), lastPause)
	return conn, index, err
}
