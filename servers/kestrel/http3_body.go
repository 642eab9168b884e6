package kestrel

import (
	"errors"
	"io"
	"math"
	"net/http"
	"os"
	"sync"
	"sync/atomic"

	"github.com/gorun-dev/gorun/servers/feature"
)

// http3Body is the Request.Body of a request. Reads are one at a time; a read after the handler has returned gets
// http.ErrBodyReadAfterClose, and one that waits then is ended by quic-go.
type http3Body struct {
	q       *http3Request
	inner   io.Reader
	closed  atomic.Bool // by the handler, or because it has returned
	started atomic.Bool
	max     atomic.Int64

	mu    sync.Mutex
	first []byte // read by the server, to see whether there is a body
	read  int64
	err   error // what further reads return
}

func (b *http3Body) begin(q *http3Request, r *http.Request) {
	b.q, b.inner = q, r.Body
	b.max.Store(q.conn.socket.limits.MaxRequestBodySize)
}

// Read reads the body. Errors: *http3Refusal when the request is refused, quic-go's when the client has gone.
func (b *http3Body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed.Load():
		return 0, http.ErrBodyReadAfterClose
	case b.err != nil || len(p) == 0:
		return 0, b.err
	}
	limit := b.max.Load()
	if !b.started.Swap(true) {
		if b.q.request.ContentLength > limit {
			return 0, b.tooLarge(limit)
		}
		b.q.answer.sayContinue()
	}
	if room := limit - b.read; int64(len(p))-1 > room {
		p = p[:room+1] // one more byte tells the end from too much
	}
	n, err := b.step(p)
	if b.read += int64(n); b.read > limit {
		return n - int(b.read-limit), b.tooLarge(limit)
	}
	return n, b.keep(err)
}

// Close makes further reads fail. What is left of the body is not waited for: the client is told not to send it.
func (b *http3Body) Close() error {
	b.closed.Store(true)
	return nil
}

// step waits for bytes, as long as the client may take.
func (b *http3Body) step(p []byte) (int, error) {
	if len(b.first) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	b.q.enter()
	n, err := b.inner.Read(p)
	if b.q.leave(n) {
		return 0, b.fail(&http3Refusal{status: http.StatusRequestTimeout, reason: "the body came too slowly"})
	}
	return n, err
}

// keep remembers an error that ends the body. A handler's own deadline does not.
func (b *http3Body) keep(err error) error {
	switch {
	case err == nil || b.err != nil || errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case err == io.EOF:
		return b.finish()
	}
	b.err = err
	return err
}

// finish takes over the trailers, which quic-go has put into the request that it knows.
func (b *http3Body) finish() error {
	b.err = io.EOF
	b.q.request.Trailer = b.q.asked.Trailer
	if f := checkFields(b.q.asked.Trailer, &b.q.conn.socket.limits); f != nil {
		return b.fail(f)
	}
	return io.EOF
}

func (b *http3Body) tooLarge(limit int64) error {
	return b.fail(&http3Refusal{http.StatusRequestEntityTooLarge, "body too large", &http.MaxBytesError{Limit: limit}})
}

func (b *http3Body) fail(f *http3Refusal) error {
	b.err = f
	b.q.refuse(f)
	return f
}

// isEmpty waits for the first byte or the end.
func (b *http3Body) isEmpty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := make([]byte, 1)
	for range 4 { // quic-go's Read gives nothing, and no error, where the trailers stand
		n, err := b.step(first)
		b.first = first[:n]
		if n > 0 || b.keep(err) != nil {
			break
		}
	}
	return b.err == io.EOF && len(b.first) == 0
}

// maxSize and setMaxSize are feature.Body's.
func (b *http3Body) maxSize() int64 {
	if n := b.max.Load(); n < math.MaxInt64 {
		return n
	}
	return -1
}

func (b *http3Body) setMaxSize(n int64) error {
	if b.started.Load() {
		return feature.ErrBodyStarted
	}
	if n < 0 {
		n = math.MaxInt64
	}
	b.max.Store(n)
	return nil
}
