//go:build darwin || linux

package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
)

// receiver is the side of a Conn that receives. mu is held while Receive waits.
type receiver struct {
	mu     sync.Mutex
	buffer []byte
	r, w   int    // what is read and not used: buffer[r:w]
	fds    []int  // descriptors for frames that are not whole yet, in order; 0 for one that was lost
	rights []byte // room for control messages
	n      int    // of the last recvmsg
	err    error
	try    func(fd uintptr) bool // made once, for it would be an allocation in each read
}

// usual is the size of the buffer; it grows for a frame that is larger, and shrinks afterwards.
const usual = 16 << 10

// most is how many descriptors may be there for frames that are not whole: one of a frame that had begun, and that of a read.
const most = 2

func (c *receiver) init() {
	c.buffer = make([]byte, usual)
	c.rights = make([]byte, syscall.CmsgSpace(4*4)) // more than one, so that a peer that sends more is noticed
	c.try = c.recvmsg
}

// Receive waits for the next frame. The error is io.EOF when the peer has closed the connection between two frames,
// io.ErrUnexpectedEOF within one, net.ErrClosed after Close, and a *ProtocolError for what is no frame: then the connection is to
// be closed. Descriptors that no frame has announced are closed.
func (c *Conn) Receive() (Frame, error) {
	in := &c.in
	in.mu.Lock()
	defer in.mu.Unlock()
	for {
		f, whole, err := in.next()
		if err == nil && !whole {
			err = in.fill(c.raw)
		}
		if err != nil {
			in.drop()
			return Frame{}, err
		}
		if whole {
			return f, nil
		}
	}
}

// next takes a frame off the buffer, if it is whole.
func (c *receiver) next() (f Frame, whole bool, err error) {
	b := c.buffer[c.r:c.w]
	if len(b) == 0 && len(c.fds) > 0 {
		return f, false, malformed("a descriptor that no frame has announced")
	}
	if len(b) < headLen {
		return f, false, nil
	}
	length := binary.BigEndian.Uint32(b)
	if length < minLen || length > minLen+MaxPayload {
		return f, false, malformed("a frame of %d bytes", length)
	}
	size := 4 + int(length)
	if len(b) < size {
		return f, false, nil
	}
	f = Frame{Kind: Kind(b[4] &^ withFD), ID: binary.BigEndian.Uint32(b[5:]), Payload: clone(b[headLen:size])}
	if b[4]&withFD != 0 {
		f.Lost = true
		if len(c.fds) > 0 {
			f.FD, c.fds = c.fds[0], c.fds[:copy(c.fds, c.fds[1:])]
			f.Lost = f.FD == 0
		}
	}
	c.use(size)
	return f, true, nil
}

// clone gives nil for nothing.
func clone(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return bytes.Clone(b)
}

// use takes n bytes off the buffer, which is as large as usual when it is empty.
func (c *receiver) use(n int) {
	c.r += n
	if c.r == c.w {
		c.r, c.w = 0, 0
		if len(c.buffer) > usual {
			c.buffer = make([]byte, usual)
		}
	}
}

// fill waits for more, once there is room for the rest of the frame that has begun.
func (c *receiver) fill(raw syscall.RawConn) error {
	c.w, c.r = copy(c.buffer, c.buffer[c.r:c.w]), 0
	if c.w >= headLen {
		if size := 4 + int(binary.BigEndian.Uint32(c.buffer)); size > len(c.buffer) {
			c.buffer = append(make([]byte, 0, size), c.buffer[:c.w]...)[:size]
		}
	}
	if err := raw.Read(c.try); err != nil {
		return closedOr(err)
	}
	if c.err == nil && c.n == 0 {
		if c.w > 0 {
			return io.ErrUnexpectedEOF
		}
		return io.EOF
	}
	c.w += c.n
	return c.err
}

// recvmsg reports false when there is nothing.
func (c *receiver) recvmsg(fd uintptr) bool {
	n, rights, lost, err := receive(int(fd), c.buffer[c.w:], c.rights)
	c.n, c.err = max(n, 0), nil
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return false
	case err == nil:
	case isScarce(err): // macOS says so before it gives the bytes
		lost = true
	default:
		c.err = os.NewSyscallError("recvmsg", err)
		return true
	}
	if rights > 0 || lost {
		c.keep(c.rights[:max(rights, 0)], lost)
	}
	return err == nil || c.err != nil
}

// keep keeps the descriptor that has come.
func (c *receiver) keep(control []byte, lost bool) {
	before := len(c.fds)
	c.fds = appendRights(c.fds, control)
	for i, fd := range c.fds[before:] {
		c.fds[before+i] = aboveStandard(fd)
	}
	got := len(c.fds) - before
	if got == 0 && lost {
		c.fds = append(c.fds, 0)
	}
	if got > 1 || len(c.fds) > most {
		c.err = malformed("%d descriptors at once", got)
	}
}

// drop closes the descriptors that wait for their frames.
func (c *receiver) drop() {
	for _, fd := range c.fds {
		Frame{FD: fd}.Close()
	}
	c.fds = nil
}

// forget is drop for whoever closes the connection.
func (c *receiver) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop()
}
