//go:build amd64 || arm64

package httpsys

import (
	"context"
	"errors"
	"net"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

// An operation is one call that goes on in the background. Its memory and all that its call refers to belong to the system
// until it has ended; so it is on the heap, and whoever began it waits for its end, also after having cancelled it.
type operation struct {
	windows.Overlapped // the first field: its address is the operation's
	call               func(n *uint32, o *windows.Overlapped) error
	n                  uint32
	err                error
	ended              chan struct{} // holds one
}

// completions hands the ends of a queue's operations to those who wait for them. It has one goroutine, which reads the
// port and ends with close.
type completions struct {
	queue windows.Handle
	port  windows.Handle
	skips bool // calls that end at once do not come to the port
	done  sync.WaitGroup

	mu      sync.Mutex
	stopped bool
	going   int           // operations
	quiet   chan struct{} // closed when stopped and none is going
}

// Modes of SetFileCompletionNotificationModes.
const (
	skipPortOnSuccess = 1
	skipEvent         = 2
)

func newCompletions(queue windows.Handle) (*completions, error) {
	port, err := windows.CreateIoCompletionPort(queue, 0, 0, 1)
	if err != nil {
		return nil, err
	}
	c := &completions{queue: queue, port: port, quiet: make(chan struct{})}
	c.skips = windows.SetFileCompletionNotificationModes(queue, skipPortOnSuccess|skipEvent) == nil
	c.done.Go(c.read)
	return c, nil
}

// read ends with the first completion that belongs to no operation.
func (c *completions) read() {
	for {
		var n uint32
		var key uintptr
		var o *windows.Overlapped
		err := windows.GetQueuedCompletionStatus(c.port, &n, &key, &o, windows.INFINITE)
		if o == nil {
			return
		}
		op := (*operation)(unsafe.Pointer(o))
		op.n, op.err = n, err
		op.ended <- struct{}{}
	}
}

// begin reports whether an operation may begin.
func (c *completions) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stopped {
		c.going++
	}
	return !c.stopped
}

func (c *completions) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.going--; c.stopped && c.going == 0 {
		close(c.quiet)
	}
}

// stop lets no operation begin any more, and waits for the end of those that go on, which their contexts bring about.
func (c *completions) stop() {
	c.mu.Lock()
	if !c.stopped {
		c.stopped = true
		if c.going == 0 {
			close(c.quiet)
		}
	}
	c.mu.Unlock()
	<-c.quiet
}

// close is called when no operation goes on any more.
func (c *completions) close() {
	c.stop()
	if windows.PostQueuedCompletionStatus(c.port, 0, 0, nil) == nil {
		c.done.Wait()
	}
	windows.CloseHandle(c.port)
}

// do makes a call and waits for its end, which ctx brings about with ERROR_OPERATION_ABORTED. It gives the number of bytes
// and the status; after stop net.ErrClosed. The call is given where to put that number, and what names the operation.
func (c *completions) do(ctx context.Context, call func(n *uint32, o *windows.Overlapped) error) (uint32, error) {
	if !c.begin() {
		return 0, net.ErrClosed
	}
	defer c.end()
	op := &operation{call: call, ended: make(chan struct{}, 1)} // holding call keeps what it refers to off the stack
	switch err := op.call(&op.n, &op.Overlapped); {
	case err == nil && c.skips:
		return op.n, nil
	case err != nil && !errors.Is(err, windows.ERROR_IO_PENDING):
		return op.n, err
	}
	select {
	case <-op.ended:
	case <-ctx.Done():
		windows.CancelIoEx(c.queue, &op.Overlapped) // it may have ended just now
		<-op.ended
	}
	return op.n, op.err
}

// now makes a call that ends at once. After stop it is not made, and the answer is net.ErrClosed.
func (c *completions) now(call func() error) error {
	if !c.begin() {
		return net.ErrClosed
	}
	defer c.end()
	return call()
}
