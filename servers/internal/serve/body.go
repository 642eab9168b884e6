package serve

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
)

// body is the Request.Body of a request that has one. Reads are one at a time; a read after the handler has returned gets
// http.ErrBodyReadAfterClose.
type body struct {
	x         *exchange
	c         *conn
	request   *http.Request // gets the trailers; nil until the handler is called
	continues atomic.Bool   // the client waits for 100 Continue

	mu      sync.Mutex
	left    int64 // of the body, or of the chunk
	chunks  *chunks
	err     error       // what further reads return
	closed  bool        // by the handler, or because it has returned
	drains  bool        // nobody wants what is left
	started atomic.Bool // a read was asked for
	done    atomic.Bool // read to its end
	torn    atomic.Bool // its end will never be found
}

func newBody(x *exchange, h *head) *body {
	b := &body{x: x, c: x.conn, left: h.length}
	if h.chunked {
		b.left, b.chunks = 0, &chunks{fields: h.fields}
	}
	b.continues.Store(h.continues && h.minor == 1)
	return b
}

// Read reads the body. Errors other than io.EOF end the connection: *RequestError when the request was refused, io.ErrUnexpectedEOF
// when the client went away.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.read(p)
}

// Close makes further reads fail, and one that waits in another goroutine. What is left of the body is read when the response
// has been sent.
func (b *body) Close() error {
	if !b.mu.TryLock() {
		b.c.leaveBody(b.x)
		b.mu.Lock()
	}
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

func (b *body) read(p []byte) (int, error) {
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	if !b.started.Swap(true) || b.drains {
		if b.left > b.x.bodyLimit() {
			return 0, b.fail(faultBodyTooLarge)
		}
	}
	n, err := b.step(p)
	switch {
	case err == nil:
		return n, nil
	case err == io.EOF:
		b.finish()
		return n, io.EOF
	case err == errOverdue:
		return n, b.fail(faultBodyTooSlow)
	}
	if f, ok := err.(*fault); ok {
		return n, b.fail(f)
	}
	return n, b.lost(err)
}

// step reads some of the body, and returns io.EOF at its end, with the last bytes or after them.
func (b *body) step(p []byte) (int, error) {
	if b.chunks != nil && b.left == 0 {
		if err := b.nextChunk(); err != nil {
			return 0, err
		}
	}
	n, err := b.data(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if b.chunks == nil && b.left == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// data takes bytes of the body that are there, or waits for some.
func (b *body) data(p []byte) (int, error) {
	c := b.c
	if len(c.in) > 0 {
		n := copy(p, c.in)
		c.in = c.in[n:]
		return n, nil
	}
	if len(p) < 512 { // small reads: take more than was asked for
		if err := b.more(); err != nil {
			return 0, err
		}
		return b.data(p)
	}
	return b.fill(p)
}

// more reads into the connection's buffer, behind what is there.
func (b *body) more() error {
	c := b.c
	n, err := b.fill(c.space())
	c.in = c.in[:len(c.in)+n]
	return err
}

// fill reads the connection. Its end is never the body's.
func (b *body) fill(p []byte) (int, error) {
	waits := forDrain
	if !b.drains {
		b.sayContinue()
		waits = forBody
	}
	n, err := b.c.fill(p, waits)
	switch {
	case n > 0:
		return n, nil // an error comes again
	case err == io.EOF:
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// finish says that the body has been read to its end: now the client can be watched.
func (b *body) finish() {
	b.err = io.EOF
	b.done.Store(true)
	b.c.bodyEnded()
}

// fail refuses the request.
func (b *body) fail(f *fault) error {
	e := &RequestError{Status: f.status, Reason: f.reason}
	if f == faultBodyTooLarge {
		e.err = &http.MaxBytesError{Limit: b.x.bodyLimit()}
	}
	b.err = e
	b.c.refuse(f)
	b.x.context.lost()
	return e
}

// lost is for a client that has gone in the middle of the body. As with Kestrel nothing more is said to it.
func (b *body) lost(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) { // the handler's own; it may set another and go on
		if b.isTorn() {
			b.err = err
			b.torn.Store(true)
		}
		return err
	}
	b.err = err
	b.c.answer.cut()
	b.x.context.lost()
	return err
}

// sayContinue sends 100 Continue when the client waits for it and the handler wants the body. Nothing is sent when bytes of
// the body are there.
func (b *body) sayContinue() {
	if b.continues.CompareAndSwap(true, false) && len(b.c.in) == 0 {
		b.c.interim([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
	}
}

// drain reads what the handler has left, within drainTimeout. The client has its response by now.
func (b *body) drain() error {
	b.mu.Lock()
	b.closed, b.drains = true, true
	b.mu.Unlock() // nobody else goes further than to see that it is closed, and who wants to read need not wait for that
	if b.done.Load() {
		return nil
	}
	scratch := buffers.Get().(*[watched]byte) // a small one: it is held while the client takes its time
	defer buffers.Put(scratch)
	for {
		if _, err := b.read(scratch[:]); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}
