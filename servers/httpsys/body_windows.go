//go:build amd64 || arm64

package httpsys

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/windows"

	"github.com/gorun-dev/gorun/servers/httpsys/httpapi"
)

// maxRead is how much of a body is asked for at once, in bytes (reference: servers.md, 4.3).
const maxRead = 128 << 10

// body is the Request.Body of a request that has one. The system reads nothing of it before it is asked, and says 100 Continue
// then. What nobody has read is the system's to drain.
type body struct {
	x       *exchange
	length  int64 // as the client says, -1 when it does not
	ctx     context.Context
	stop    context.CancelFunc
	started atomic.Bool
	closed  atomic.Bool

	mu   sync.Mutex // one read at a time
	have int64      // how much was read
	err  error      // what further reads return
}

func newBody(x *exchange, length int64) *body {
	b := &body{x: x, length: length}
	b.ctx, b.stop = context.WithCancel(x.context.inner)
	return b
}

// Read reads some of the body. Errors other than io.EOF are *http.MaxBytesError, for which the client gets 413,
// io.ErrUnexpectedEOF when the client went away, and http.ErrBodyReadAfterClose.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	b.started.Store(true)
	limit := b.x.maxBody
	if b.length > limit {
		return 0, b.tooLarge(limit)
	}
	n, err := b.read(p)
	b.have += int64(n)
	if b.have > limit {
		return 0, b.tooLarge(limit)
	}
	b.err = err
	return n, err
}

func (b *body) read(p []byte) (int, error) {
	if len(p) > maxRead {
		p = p[:maxRead]
	}
	x := b.x
	for {
		n, err := x.host.do(b.ctx, func(n *uint32, o *windows.Overlapped) error {
			return httpapi.ReceiveRequestEntityBody(x.host.queue, x.id, 0, &p[0], uint32(len(p)), n, o)
		})
		switch {
		case err == nil && n == 0:
			continue
		case err == nil:
			return int(n), nil
		case errors.Is(err, windows.ERROR_HANDLE_EOF):
			return int(n), io.EOF
		case b.closed.Load():
			return 0, http.ErrBodyReadAfterClose
		case isGone(err):
			x.cancel(io.ErrUnexpectedEOF)
			return 0, io.ErrUnexpectedEOF
		}
		return 0, &SystemError{Call: "HttpReceiveRequestEntityBody", Err: err}
	}
}

// tooLarge has the server answer.
func (b *body) tooLarge(limit int64) error {
	b.err = &http.MaxBytesError{Limit: limit}
	b.x.refusal.CompareAndSwap(0, http.StatusRequestEntityTooLarge)
	b.x.response.refuse()
	return b.err
}

// Close makes further reads fail, and one that waits in another goroutine.
func (b *body) Close() error {
	b.closed.Store(true)
	b.stop()
	return nil
}
