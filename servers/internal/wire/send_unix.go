//go:build darwin || linux

package wire

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// sender is the side of a Conn that sends. mu is held for no longer than a sendmsg that does not wait.
type sender struct {
	mu      sync.Mutex
	buffer  []byte        // of one frame
	rest    []byte        // the part of buffer that is not sent; the frame counts as sent
	rights  []byte        // the control message for one descriptor
	fd      int           // the descriptor that goes along, or 0
	room    chan struct{} // closed when there may be room; nil when nobody waits
	scarce  bool          // the system's limit was met, which poll knows nothing of
	failed  error         // of a flush that nobody waited for, or of attempt
	sent    int
	attempt func(fd uintptr) // made once, for it would be an allocation in each send
}

const kept = 64 << 10 // a larger buffer is dropped after use

func (s *sender) init() {
	s.rights = syscall.UnixRights(0)
	s.attempt = s.write
}

// Send sends a frame whole. It waits for room as long as SetWriteTimeout says and is ErrFull then. Other errors are of the
// connection (net.ErrClosed after Close), and a *ProtocolError for a frame that is too big.
func (c *Conn) Send(f Frame) error {
	var timeout <-chan time.Time // for ever
	for {
		sent, err := c.TrySend(f)
		if sent || err != nil {
			return err
		}
		if d := time.Duration(c.timeout.Load()); timeout == nil && d > 0 {
			timer := time.NewTimer(d)
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-c.Room():
		case <-c.closed:
			return net.ErrClosed
		case <-timeout:
			return ErrFull
		}
	}
}

// TrySend sends a frame if the peer's buffer has room for it, and never waits. When it has room for a part of the frame, that
// is sent, and the rest follows by itself. sent is false when there was none; Room says when to try again. Errors are as of Send.
func (c *Conn) TrySend(f Frame) (sent bool, err error) {
	if len(f.Payload) > MaxPayload {
		return false, &ProtocolError{Reason: "a frame of ours is larger than the protocol allows: " + f.Kind.String()}
	}
	s := &c.out
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rest) > 0 || s.failed != nil {
		return false, s.failed
	}
	s.rest, s.fd = f.appendTo(s.buffer[:0]), f.FD
	s.buffer = s.rest
	n, err := c.write()
	if n == 0 {
		s.rest = nil
		return false, err
	}
	if len(s.rest) > 0 {
		c.wait()
	}
	return true, nil // a later failure is the next one's
}

// Room gives a channel that is closed when a frame may fit that did not: not before the peer has read, if it has to. The
// connection's end closes it, too.
func (c *Conn) Room() <-chan struct{} {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	return c.wait()
}

// wait is Room, with mu held.
func (c *Conn) wait() <-chan struct{} {
	s := &c.out
	if s.room != nil {
		return s.room
	}
	room := make(chan struct{})
	select {
	case <-c.closed: // and Close waits for the goroutine already
		close(room)
	default:
		s.room = room
		c.waits.Go(c.flush)
	}
	return room
}

// flush is the goroutine of a Conn: it sends the rest of a frame, until there is none and the peer has room for more.
func (c *Conn) flush() {
	s := &c.out
	for {
		c.writable()
		s.mu.Lock()
		if len(s.rest) > 0 && s.failed == nil {
			_, _ = c.write() // its error is kept
		}
		if len(s.rest) == 0 || s.failed != nil {
			close(s.room)
			s.room = nil
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
	}
}

// writable returns when the socket takes more, or is closed.
func (c *Conn) writable() {
	c.out.mu.Lock()
	scarce := c.out.scarce
	c.out.mu.Unlock()
	if scarce {
		timer := time.NewTimer(10 * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.closed:
		}
		return
	}
	// The poller tells of changes alone, and one may be over: so the state is asked for first.
	_ = c.raw.Write(func(fd uintptr) bool { return hasRoom(int(fd)) })
}

// write sends what it can of rest, and sets failed when the connection is of no use any more. It is called with mu held.
func (c *Conn) write() (n int, err error) {
	s := &c.out
	s.sent = 0
	if err := c.raw.Control(s.attempt); err != nil {
		s.failed = net.ErrClosed
	}
	s.rest = s.rest[s.sent:]
	if len(s.rest) == 0 && cap(s.buffer) > kept {
		s.buffer = nil
	}
	return s.sent, s.failed
}

// write is sendmsg. Once a byte is sent, so is the descriptor.
func (s *sender) write(fd uintptr) {
	var rights []byte
	if s.fd > 0 {
		rights = s.rights
		binary.NativeEndian.PutUint32(rights[syscall.CmsgLen(0):], uint32(s.fd))
	}
	s.scarce = false
	for {
		n, err := syscall.SendmsgN(int(fd), s.rest, rights, nil, 0)
		switch {
		case err == nil:
			s.sent, s.fd = n, 0
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
		case err == syscall.ETOOMANYREFS, err == syscall.ENOBUFS: // too many descriptors are under way, of this user; or no memory
			s.scarce = true
		default:
			s.failed = os.NewSyscallError("sendmsg", err)
		}
		return
	}
}
