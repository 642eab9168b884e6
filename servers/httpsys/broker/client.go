package broker

import (
	"context"
	"errors"
	"io"
	"sync"
	"syscall"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// Client is gorun's own connection to a broker: it keeps the broker alive as long as it is open, and sees what is registered.
// Its methods may be called by several goroutines. It has one goroutine, which reads; Close waits for it.
type Client struct {
	conn    *wire.Conn
	welcome wire.Welcome
	reader  sync.WaitGroup
	done    chan struct{} // closed when nothing more comes

	mu      sync.Mutex
	last    uint32
	waiting map[uint32]chan wire.Frame
	state   *wire.State
	watched bool
	changed chan struct{} // closed and made anew when state changes
	err     error         // why nothing more comes
}

// Connect connects to the broker whose folder that is, and says who we are; h.Protocol is filled in. The errors are those of
// wire.Dial (*wire.NoBrokerError when there is no broker), a *wire.VersionError for a broker with which one can do no more than
// StopOther, another *wire.Error when it refuses, and the cause of ctx: a broker that is stopped says nothing.
func Connect(ctx context.Context, folder string, h wire.Hello) (*Client, error) {
	conn, err := wire.Dial(ctx, folder)
	if err != nil {
		return nil, err
	}
	c := &Client{conn: conn, done: make(chan struct{}), waiting: map[uint32]chan wire.Frame{}, changed: make(chan struct{})}
	if c.welcome, err = conn.Greet(ctx, h); err != nil {
		_ = conn.Close()
		return nil, ended(folder, err)
	}
	c.reader.Go(c.read)
	return c, nil
}

// ended says of a broker that goes away while it is greeted, as one that is killed does, that there is none.
func ended(folder string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return &wire.NoBrokerError{Folder: folder, Err: err}
	}
	return err
}

// StopOther ends a broker of another version of the protocol, with which Connect fails with a *wire.VersionError, and returns when it has
// closed the connection. Errors are as of Connect.
func StopOther(ctx context.Context, folder string, h wire.Hello) error {
	conn, err := wire.Dial(ctx, folder)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_, err = conn.Greet(ctx, h)
	if _, other := errors.AsType[*wire.VersionError](err); err != nil && !other {
		return ended(folder, err)
	}
	f, err := wire.Message(wire.KindStop, 2, nil)
	if err == nil {
		err = conn.Send(f)
	}
	if err == nil {
		f, err = conn.Receive()
	}
	if err == nil {
		err = f.Reply(nil)
	}
	for err == nil {
		_, err = conn.Receive()
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, io.EOF):
		return nil
	}
	return err
}

// Broker says which broker it is.
func (c *Client) Broker() wire.Welcome { return c.welcome }

// read is the goroutine.
func (c *Client) read() {
	defer close(c.done)
	for {
		f, err := c.conn.Receive()
		if err != nil {
			c.mu.Lock()
			c.err = err
			c.mu.Unlock()
			return
		}
		f.Close()
		switch f.Kind {
		case wire.KindState:
			c.tell(f)
		case wire.KindReply:
			c.mu.Lock()
			answer := c.waiting[f.ID]
			delete(c.waiting, f.ID)
			c.mu.Unlock()
			if answer != nil {
				answer <- f
			}
		}
	}
}

func (c *Client) tell(f wire.Frame) {
	var s wire.State
	if f.Decode(&s) != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = &s
	close(c.changed)
	c.changed = make(chan struct{})
}

// errLost is when the broker has ended.
var errLost = errors.New("the broker has ended")

// ask sends a request and waits for its Reply.
func (c *Client) ask(ctx context.Context, kind wire.Kind, payload any) error {
	answer := make(chan wire.Frame, 1)
	c.mu.Lock()
	c.last++
	id := c.last
	c.waiting[id] = answer
	c.mu.Unlock()
	f, err := wire.Message(kind, id, payload)
	if err == nil {
		err = c.conn.Send(f)
	}
	if err != nil {
		return err
	}
	defer func() {
		c.mu.Lock()
		delete(c.waiting, id)
		c.mu.Unlock()
	}()
	select {
	case f := <-answer:
		return f.Reply(nil)
	case <-c.done:
		select {
		case f := <-answer: // came before the end
			return f.Reply(nil)
		default:
			return errLost
		}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Watch waits for a State that is not the one given, and returns it: nil gives the present one. Of several changes in between
// only the last is seen. The error is ctx's, or that the broker has ended.
func (c *Client) Watch(ctx context.Context, last *wire.State) (*wire.State, error) {
	c.mu.Lock()
	if !c.watched {
		c.watched = true
		f, err := wire.Message(wire.KindWatch, 0, nil)
		if err == nil {
			err = c.conn.Send(f)
		}
		if err != nil {
			c.mu.Unlock()
			return nil, err
		}
	}
	for {
		state, changed := c.state, c.changed
		c.mu.Unlock()
		if state != nil && state != last {
			return state, nil
		}
		select {
		case <-changed:
		case <-c.done:
			return nil, errLost
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		c.mu.Lock()
	}
}

// Stop has the broker end, and returns when it has closed the connection: all its sockets are closed then, or about to be.
func (c *Client) Stop(ctx context.Context) error {
	if err := c.ask(ctx, wire.KindStop, nil); err != nil {
		return err
	}
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Reload has the broker read its stored settings again. The error says what is wrong with them; then the old ones stay.
func (c *Client) Reload(ctx context.Context) error { return c.ask(ctx, wire.KindReload, nil) }

// Done is closed when the broker has ended, or Close was called.
func (c *Client) Done() <-chan struct{} { return c.done }

// Close ends the connection. It may be called twice.
func (c *Client) Close() error {
	err := c.conn.Close()
	c.reader.Wait()
	return err
}
