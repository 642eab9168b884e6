package relay

import (
	"context"
	"errors"
	"net/http"
	"os"
	"sync"
	"time"
)

// glance is how long the app may be silent before the client is watched: that costs a goroutine of the server, and most
// answers come sooner.
const glance = 20 * time.Millisecond

// patience is how long an exchange waits for the app. While the client sends its body the app may be silent as long as
// that takes. mu guards what the goroutine that sends the body needs of it.
type patience struct {
	watching func() bool // stops watching the client; nil: nobody does

	mu      sync.Mutex
	given   bool // the app has all of its time, from the end of the body on
	sending bool // the body is on its way
}

func (p *patience) reset() { p.watching, p.given, p.sending = nil, false, false }

// read reads from the app what there is. What was written for the client is sent before it waits.
func (x *exchange) read(b []byte) (int, error) {
	if err := x.flush(); err != nil {
		return 0, err
	}
	if err := x.beginWait(); err != nil {
		return 0, err
	}
	for {
		n, err := x.conn.Read(b)
		if n > 0 {
			x.heard = true
			return n, nil // an error comes again
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, err
		}
		if err := x.waitOn(err); err != nil {
			return 0, err
		}
	}
}

// flush sends the client what was written for it.
func (x *exchange) flush() error {
	if !x.pending {
		return nil
	}
	x.pending = false
	err := http.NewResponseController(x.w).Flush()
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

func (x *exchange) beginWait() error {
	if x.watching != nil {
		return x.waitWhole()
	}
	// A deadline that is still ahead does: setting one costs as much as the rest of a read.
	now := time.Now()
	if left := x.conn.reads.Sub(now); left > 0 && left <= glance && left > glance/2 {
		return nil
	}
	return x.setDeadline(now.Add(x.atMost(glance)))
}

// atMost is d, or the app's time where that is shorter.
func (x *exchange) atMost(d time.Duration) time.Duration {
	if limit := x.relay.options.Timeout; limit > 0 {
		return min(d, limit)
	}
	return d
}

// waitOn is called when a wait was in vain so far.
func (x *exchange) waitOn(err error) error {
	switch {
	case x.watching == nil:
		c := x.conn
		x.watching = context.AfterFunc(x.req.Context(), func() { c.Close() })
		if x.expects {
			return x.setDeadline(time.Now().Add(x.atMost(x.relay.options.ContinueTimeout)))
		}
	case x.expects:
		x.continueBody()
	case !x.isSending():
		return err
	}
	return x.waitWhole()
}

// waitWhole begins the app's time, if the body has been sent.
func (x *exchange) waitWhole() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.given = true
	if x.sending {
		return x.setDeadline(time.Time{})
	}
	limit := x.limit()
	if limit.IsZero() && x.conn.reads.IsZero() {
		return nil
	}
	// Set anew only when it has moved: what a limit of minutes is about does not need it for each of many reads.
	if moved := limit.Sub(x.conn.reads); !limit.IsZero() && moved >= 0 && moved < x.relay.options.Timeout/64 {
		return nil
	}
	return x.setDeadline(limit)
}

func (x *exchange) setDeadline(t time.Time) error {
	x.conn.reads = t
	return x.conn.SetReadDeadline(t)
}

func (x *exchange) isSending() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.sending
}

// bodySent begins the app's time, if somebody waits for it by now.
func (x *exchange) bodySent() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.sending = false
	if x.given {
		x.setDeadline(x.limit())
	}
}

// unwatch stops watching the client. It reports false when the client has gone, and the connection was closed for that.
func (x *exchange) unwatch() bool {
	stop := x.watching
	x.watching = nil
	return stop == nil || stop()
}
