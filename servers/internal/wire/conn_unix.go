//go:build darwin || linux

package wire

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Peer is the process at the other end. UID is its effective user, and PID 0 where the system does not tell.
type Peer struct{ PID, UID int }

// Conn is one end of a connection between broker and client. Several goroutines may send, one receives, and any may close.
//
// It has one goroutine of its own for as long as the peer's buffer is full and somebody waits for that to change, or a frame was
// sent in part; Close waits for it.
type Conn struct {
	peer    Peer
	socket  *net.UnixConn
	raw     syscall.RawConn
	closed  chan struct{}
	close   sync.Once
	waits   sync.WaitGroup
	timeout atomic.Int64 // nanoseconds

	in  receiver
	out sender
}

// defaultTimeout is how long Send waits unless SetWriteTimeout says more.
const defaultTimeout = 10 * time.Second

// Dial connects to the broker whose folder that is. The errors are *FolderError, *NoBrokerError and *PeerError, and ctx's.
func Dial(ctx context.Context, folder string) (*Conn, error) {
	path, err := socketPath(folder)
	if err != nil {
		return nil, err
	}
	err = checkFolder(folder)
	if err == nil {
		_, err = os.Lstat(path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &NoBrokerError{Folder: folder, Err: err}
	case err != nil:
		return nil, err
	}
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, &NoBrokerError{Folder: folder, Err: err}
	}
	return accepted(c.(*net.UnixConn))
}

// Pair gives both ends of a connection within this process, for tests and for a broker that is its own client.
func Pair() (a, b *Conn, err error) {
	fds, err := socketPair()
	if err != nil {
		return nil, nil, err
	}
	var ends [2]*Conn
	for i, fd := range fds {
		c, err := NetConn(fd)
		if err == nil {
			ends[i], err = accepted(c.(*net.UnixConn))
		}
		if err != nil {
			if i == 0 {
				_ = syscall.Close(fds[1])
			} else {
				_ = ends[0].Close()
			}
			return nil, nil, err
		}
	}
	return ends[0], ends[1], nil
}

// NetConn makes a net.Conn of a descriptor, which belongs to it, also when it fails: a *net.TCPConn, or a *net.UnixConn.
func NetConn(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "handed over")
	c, err := net.FileConn(f)
	_ = f.Close() // c has a copy
	return c, err
}

// accepted makes a Conn of a socket, if the same user is at its other end, and closes it otherwise.
func accepted(socket *net.UnixConn) (*Conn, error) {
	c, err := newConn(socket)
	if err == nil && c.peer.UID != os.Geteuid() {
		err = &PeerError{c.peer}
	}
	if err != nil {
		_ = socket.Close()
		return nil, err
	}
	return c, nil
}

func newConn(socket *net.UnixConn) (*Conn, error) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &Conn{socket: socket, raw: raw, closed: make(chan struct{})}
	c.timeout.Store(int64(defaultTimeout))
	c.out.init()
	c.in.init()
	var failed error
	err = raw.Control(func(fd uintptr) {
		c.peer, failed = peer(int(fd))
		tune(int(fd))
	})
	if err == nil {
		err = failed
	}
	return c, err
}

// Peer is who is at the other end, as the system says.
func (c *Conn) Peer() Peer { return c.peer }

// SetWriteTimeout says how long Send waits for room; it is 10 s otherwise. 0 and below is for ever.
func (c *Conn) SetWriteTimeout(d time.Duration) { c.timeout.Store(int64(d)) }

// Close closes it, and whoever sends or receives gets net.ErrClosed. It may be called twice.
func (c *Conn) Close() (err error) {
	c.close.Do(func() {
		c.out.mu.Lock() // or wait could start the goroutine afterwards
		close(c.closed)
		c.out.mu.Unlock()
		err = c.socket.Close()
		c.in.forget()
	})
	c.waits.Wait()
	return err
}

// hangUpWait is how long what was sent before HangUp may take to be received.
const hangUpWait = time.Second

// HangUp ends the connection so that what the peer has sent by now is still received here, and then io.EOF, or a timeout's error
// after a second at the latest. The peer receives what it was sent, and can send no more: it gets an error, and so knows of each frame
// whether it may have arrived. (macOS would throw away what was received; there a frame that the peer sends at the very end of that
// second may be lost.) HangUp does not wait; Close is still needed.
func (c *Conn) HangUp() {
	_ = c.socket.SetReadDeadline(time.Now().Add(hangUpWait))
	_ = c.raw.Control(func(fd uintptr) { _ = syscall.Shutdown(int(fd), hangUp) })
}

// Close closes the descriptor of a frame that was received and is not wanted.
func (f Frame) Close() {
	if f.FD > 0 {
		_ = syscall.Close(f.FD)
	}
}

const (
	headLen = 9    // length, kind, id
	minLen  = 5    // the smallest length: kind and id
	withFD  = 0x80 // in the kind's byte
)

// appendTo appends the frame as it is sent.
func (f *Frame) appendTo(b []byte) []byte {
	kind := byte(f.Kind)
	if f.FD > 0 {
		kind |= withFD
	}
	b = binary.BigEndian.AppendUint32(b, uint32(minLen+len(f.Payload)))
	b = append(b, kind)
	b = binary.BigEndian.AppendUint32(b, f.ID)
	return append(b, f.Payload...)
}
