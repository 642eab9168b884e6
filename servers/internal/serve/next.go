package serve

import (
	"errors"
	"io"
	"time"
)

// errOverdue is what fill returns when the heartbeat ended a read.
var errOverdue = errors.New("took too long")

// errDismissed is what it returns when the server stops and the connection has no request.
var errDismissed = errors.New("the server stops")

// errIdle is what it returns when the connection has had nothing to do for a while.
var errIdle = errors.New("idle")

// nextRequest reads a head and makes the exchange for it. It reports false when the connection ends; where the client is to
// have an answer, it has had it.
func (c *conn) nextRequest() bool {
	end, ok := c.nextHead()
	for ok {
		if c.asks && c.isElsewhere(end) {
			c.away = true
			return false
		}
		done, err := c.offer(end)
		if err != nil {
			return false
		}
		if !done {
			break
		}
		end, ok = c.nextHead()
	}
	if !ok {
		return false
	}
	x := &exchange{}
	x.begin(c, c.in[:end])
	c.in = c.in[end:]
	c.handed = true
	c.beginRequest(x)
	return true
}

// nextHead reads until a whole head is in the buffer, and gives its end.
func (c *conn) nextHead() (end int, ok bool) {
	c.answer.reset(c.core.limits.MinResponseDataRate)
	c.head.reset()
	for waits := forRequest; ; {
		c.in = trimNewlines(c.in)
		end, f := c.head.parse(c.in, &c.core.limits, !c.handed)
		if f != nil {
			c.refuse(f)
			return 0, false
		}
		if end > 0 {
			return end, true
		}
		if len(c.in) > 0 && string(c.in) != "\r" {
			waits = forHead
		}
		err := c.more(waits)
		if err == errDismissed {
			err = c.lastChance()
		}
		if err != nil {
			c.ends(err, waits)
			return 0, false
		}
	}
}

// lastChance reads what the client has sent before the server began to stop: a request that is whole by now is answered, and
// no other.
func (c *conn) lastChance() error {
	c.answer.reset(c.core.limits.MinResponseDataRate) // a Passer may have answered since the last time
	before := len(c.in)
	switch {
	case before == 0 && c.isNew():
		c.readWithin(c.core.forFirst())
	case before == 0 && c.lazy != nil:
		c.setDeadline(noDeadline)
		c.take(c.lazy.poll())
	default:
		c.readWithin(lastWait)
	}
	if len(c.in) == before {
		return errDismissed
	}
	return nil
}

// isNew reports whether the client has connected just now: its first request is on its way, and it has no reason to expect that
// it will not be read.
func (c *conn) isNew() bool {
	return !c.handed && time.Duration(c.core.now()-c.since) < max(newFor, c.core.firstWait)
}

// forFirst is how long a server that stops waits for the first request of a new connection.
func (k *core) forFirst() time.Duration {
	if short := k.shortWait.Load(); short >= 0 {
		return time.Duration(short)
	}
	return k.firstWait
}

func (c *conn) readWithin(d time.Duration) {
	c.setDeadline(time.Now().Add(d))
	n, _ := c.Conn.Read(c.space())
	c.in = c.in[:len(c.in)+n]
}

func (c *conn) setDeadline(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set = t
	c.Conn.SetReadDeadline(t)
}

const (
	// lastWait is how long a connection looks for what has come, where it cannot look without waiting.
	lastWait = 10 * time.Millisecond

	// newFor is how long a connection is new, and firstWait how long a server that stops waits for the first request of one.
	newFor    = time.Second
	firstWait = 250 * time.Millisecond
)

// more reads behind what is there.
func (c *conn) more(waits wait) error {
	if len(c.in) == 0 && c.lazy != nil {
		if c.passing != nil && waits == forRequest {
			return c.passMany()
		}
		return c.moreLazily(waits)
	}
	n, err := c.fill(c.space(), waits)
	c.in = c.in[:len(c.in)+n]
	if err == errIdle {
		err = c.rest()
	}
	if n > 0 {
		return nil // an error comes again
	}
	return err
}

// moreLazily holds no buffer while it waits.
func (c *conn) moreLazily(waits wait) error {
	c.dropIn()
	if err := c.enter(waits); err != nil {
		return err
	}
	buffer, n, err := c.lazy.read()
	if err = c.leave(n, err); n == 0 {
		return err
	}
	c.take(buffer, n)
	return nil // an error comes again
}

// take makes what was read the connection's.
func (c *conn) take(buffer *[watched]byte, n int) {
	if n > 0 {
		c.buffer = buffer[:]
		c.in = c.buffer[:n]
	}
}

// rest waits for a request without a buffer.
func (c *conn) rest() error {
	if len(c.in) > 0 { // an empty line, or half of one
		return nil
	}
	c.dropBuffers()
	c.head.free()
	c.rests(true)
	defer c.rests(false)
	first := make([]byte, 1)
	n, err := c.fill(first, forRequest)
	for err == errIdle {
		n, err = c.fill(first, forRequest)
	}
	if n > 0 {
		c.in = append(c.space()[:0], first...)
		return nil
	}
	return err
}

func (c *conn) rests(yes bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resting = yes
}

// trimNewlines removes empty lines before a request (RFC 9112, 2.2).
func trimNewlines(b []byte) []byte {
	for {
		switch {
		case len(b) > 0 && b[0] == '\n':
			b = b[1:]
		case len(b) > 1 && b[0] == '\r' && b[1] == '\n':
			b = b[2:]
		default:
			return b
		}
	}
}

// ends says what the end of the connection, or of our patience, means where a request should come.
func (c *conn) ends(err error, waits wait) {
	switch {
	case err == errDismissed && len(c.in) == 0 && c.asks && c.core.server.HandBackIdle:
		c.away = true
	case waits != forHead || err == errDismissed: // no request, or none that we begin: nothing to say
	case err == errOverdue:
		c.refuse(faultHeadTimeout)
	case err == io.EOF:
		c.refuse(bad("the connection ended inside a head"))
	}
}

// beginRequest is for a request whose head is whole. It is answered even when the server has begun to stop.
func (c *conn) beginRequest(x *exchange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dismissed = false
	c.x = x
	c.busy = true
	c.waits = forNothing
	c.bodyLeft = false
	c.bodySeen, c.bodyWait = int64(len(c.in)), 0 // what came with the head counts
	c.rate = c.core.limits.MinRequestBodyDataRate
	c.watcher.begin(x.body != nil)
}

// endRequest is called when the response has been sent and the rest of the body read.
func (c *conn) endRequest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.x, c.busy = nil, false
	c.dismissed = c.core.stopping.Load() // dismiss left it alone if it came before
}
