package serve

import (
	"crypto/tls"
	"errors"
	"net/http"
)

// A Passer is a Handler that can answer plain requests as bytes, without an http.Request and an http.ResponseWriter: for
// handlers that only pass requests on. What it does has to look as if ServeHTTP had done it.
//
// A request is plain when it is one of HTTP/1.1 in origin form, does not ask for an upgrade or for 100 Continue, has no
// chunks, and a body only if all of it is there and may be as long as it is.
type Passer interface {
	http.Handler
	// Pass answers the request, or leaves it to ServeHTTP. It is called by the goroutine of the connection, which may hold
	// its reading side: it must not wait for long. Nobody sees meanwhile that the client goes away.
	Pass(r *Raw) Verdict
}

// Verdict is what Pass has done.
type Verdict byte

const (
	NotPassed Verdict = iota // nothing at all: ServeHTTP gets the request
	Passed                   // the response was sent, all of it
	Continued                // a part: the Handler that was given to Continue or ContinueBody goes on
	Aborted                  // the response cannot be ended: the client is cut off
)

// Raw is a plain request, and the way to answer it. The Passer must not keep it, nor what it gives, beyond Pass.
type Raw struct {
	Body []byte // all of it; empty: none
	// Note is the Passer's own. It is kept as long as the connection, and nil at its beginning.
	Note any

	conn   *conn
	head   []byte
	fd     uintptr // the socket, where direct is true
	direct bool
	closes bool
	next   http.Handler
	begun  begun
}

// begun is how far a response has come.
type begun struct {
	status       int // 0: nothing was sent
	length, sent int64
}

// Method is the request line's.
func (r *Raw) Method() []byte { return r.conn.head.method.of(r.head) }

// Target is the request line's, which begins with a slash.
func (r *Raw) Target() []byte { return r.conn.head.target.of(r.head) }

// Len is how many field lines there are.
func (r *Raw) Len() int { return len(r.conn.head.lines) }

// Field gives a field line: a name, which is a token, and a value without the spaces around it.
func (r *Raw) Field(i int) (name, value []byte) {
	l := &r.conn.head.lines[i]
	return l.name.of(r.head), l.value.of(r.head)
}

// ContentLength is -1 when the field is not there.
func (r *Raw) ContentLength() int64 { return r.conn.head.length }

// Remote is the client's address, as in http.Request.RemoteAddr.
func (r *Raw) Remote() string { return r.conn.remote }

// TLS is nil for a connection without it.
func (r *Raw) TLS() *tls.ConnectionState { return r.conn.tls }

// AppendOwn writes the fields that are the server's to say: Date, Connection when the connection ends with this response,
// and Alt-Svc, unless the response has one of its own. It is called once, before the head is sent.
func (r *Raw) AppendOwn(out []byte, hasAltSvc bool) []byte {
	c := r.conn
	out = append(out, *c.core.date.Load()...)
	r.closes = c.head.last() || c.core.stopping.Load()
	if r.closes {
		out = append(out, "Connection: close\r\n"...)
	}
	if c.altSvc != "" && !hasAltSvc {
		out = append(append(append(out, "Alt-Svc: "...), c.altSvc...), "\r\n"...)
	}
	return out
}

// Send sends the next bytes of the response. It waits for a client that does not take them, within its limits. After an error
// the response cannot be ended.
func (r *Raw) Send(p []byte) error {
	c := r.conn
	if c.forced.Load() || !c.answer.begin(c.core, int64(len(p))) {
		return errRefused
	}
	n := 0
	if r.direct {
		n = sendNow(r.fd, p)
	}
	if n < len(p) {
		_, err := c.Conn.Write(p[n:])
		return c.wrote(err)
	}
	c.answer.by.Store(0)
	return nil
}

// Continue has h answer the request in the usual way. Nothing of a response was sent.
func (r *Raw) Continue(h http.Handler) Verdict {
	r.next = h
	return Continued
}

// ContinueBody is Continue when the head was sent, and of a body of so many bytes those that were sent: h writes the rest of
// the body. What it says of status and header is not heard.
func (r *Raw) ContinueBody(h http.Handler, status int, length, sent int64) Verdict {
	r.begun = begun{status, length, sent}
	return r.Continue(h)
}

// errPassed is how a connection ends with a request that was passed on.
var errPassed = errors.New("the last request was passed on")

// passing is what a connection has for a Passer.
type passing struct {
	Raw
	steps
	offered bool // the request that comes next is not the Passer's
}

// newPassing gives nil for a server whose handler is no Passer.
func newPassing(c *conn) *passing {
	if c.core.passer == nil {
		return nil
	}
	p := &passing{}
	p.conn = c
	c.prepareSteps(&p.steps)
	return p
}

// offer gives the Passer a request whose head is whole and ends at end. It reports whether the request was answered; err
// is not nil when it was the connection's last.
func (c *conn) offer(end int) (done bool, err error) {
	p := c.passing
	if p == nil || p.offered || !c.isPlain(end) {
		return false, nil
	}
	last := end + int(max(c.head.length, 0))
	p.head, p.Body = c.in[:end], c.in[end:last]
	p.closes = false
	c.beginPass()
	verdict := c.core.passer.Pass(&p.Raw)
	p.head, p.Body = nil, nil // many connections wait for their next request, and hold no buffer meanwhile
	switch verdict {
	case NotPassed, Continued:
		p.offered = true
		return false, nil
	case Aborted:
		c.forced.Store(true) // nobody lingers for it
		return true, errPassed
	}
	c.in = c.in[last:]
	c.handed = true
	if p.closes {
		return true, errPassed
	}
	c.endRequest()
	return true, nil
}

// isPlain is what Passer says of it.
func (c *conn) isPlain(end int) bool {
	h := &c.head
	return h.minor == 1 && h.form == origin && !h.chunked && !h.upgrades && !h.continues &&
		h.length <= int64(len(c.in)-end) && h.length <= c.core.limits.MaxRequestBodySize
}

// beginPass is for a request that may be answered at once.
func (c *conn) beginPass() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dismissed = false
	c.busy = true
	c.waits = forNothing
}

// handler gives what answers the request, and readies its response when that has begun.
func (c *conn) handler(x *exchange) http.Handler {
	p := c.passing
	if p == nil {
		return c.core.handler
	}
	p.offered = false
	h, b := p.next, p.begun
	p.next, p.begun = nil, begun{}
	if h == nil {
		return c.core.handler
	}
	if w := &x.response; b.status != 0 {
		w.status, w.sent = b.status, true
		w.declared, w.written = b.length, b.sent
		w.closes = p.closes
	}
	return h
}
