package relay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// exchange is one Forward. Its goroutine writes the head and reads the response; another one may send the body meanwhile
// (body.go). What it holds is used again for another exchange.
type exchange struct {
	relay  *Relay
	w      http.ResponseWriter
	req    *http.Request
	target Target

	protocol string // the upgrade that the client asks for and the app may agree to; empty: none
	chunked  bool   // the body goes in chunks
	expects  bool   // the body waits for the app's 100 Continue

	conn    *conn
	request []byte // the head and, of a small body, what has come with it
	small   int    // how much of the body that is
	retried bool
	sent    bool // the app may have seen the request
	heard   bool // something has come from the app

	in     []byte // of the response, read and not yet used
	buffer []byte // where in lies
	bulk   *[bulkBuffer]byte
	lines  []line
	keys   []string
	names  names // the fields that the client's Connection names

	pending bool // the client has not got all that was written to w
	patience
	sender

	fixed struct {
		in, request [smallBuffer]byte
	}
}

const (
	smallBuffer = 8 << 10  // for heads, and bodies that fit in beside them
	bulkBuffer  = 64 << 10 // for bodies that come in large pieces
	maxHead     = 64 << 10 // of a response (reference: servers.md, 1.6), and of its trailers
)

var (
	exchanges   = sync.Pool{New: func() any { return new(exchange) }}
	bulkBuffers = sync.Pool{New: func() any { return new([bulkBuffer]byte) }}
)

// newExchange makes what is to be sent, and reads a body that is small.
func newExchange(r *Relay, w http.ResponseWriter, req *http.Request, t Target) (*exchange, error) {
	if e := refuses(req); e != nil {
		return nil, e
	}
	x := exchanges.Get().(*exchange)
	x.relay, x.w, x.req, x.target = r, w, req, t
	x.buffer = x.fixed.in[:]
	x.protocol = r.upgradeOf(req)
	x.chunked = req.ContentLength < 0
	x.expects = req.ContentLength != 0 && req.ProtoAtLeast(1, 1) && equalFold(req.Header.Get("Expect"), "100-continue")
	x.request = x.appendHead(x.fixed.request[:0])
	if err := x.readSmallBody(); err != nil {
		x.end()
		return nil, &Error{Client: true, Err: err}
	}
	return x, nil
}

// readSmallBody puts a small body behind the head: they are sent at once, and can be sent again. Only its first piece is waited
// for, which most often is all of it: the app may answer before the rest comes, or have its own limit on how slow that may be.
func (x *exchange) readSmallBody() error {
	n := x.req.ContentLength
	end := len(x.request)
	if n <= 0 || x.expects || n > int64(cap(x.request)-end) {
		return nil
	}
	got, err := x.req.Body.Read(x.request[end : end+int(n)])
	x.small = got
	x.request = x.request[:end+got]
	switch {
	case int64(got) == n:
		return nil
	case err == io.EOF:
		return errBodyLength
	}
	return err
}

// hasBody reports whether there is a body, or more of it, that is sent on its own.
func (x *exchange) hasBody() bool { return x.req.ContentLength != int64(x.small) }

// attempt sends the request on a connection and passes the response on. The error is one before anything of a final response
// has gone to the client.
func (x *exchange) attempt() error {
	if err := x.connect(); err != nil {
		return err
	}
	if err := x.send(); err != nil {
		return err
	}
	h, err := x.finalHead()
	switch {
	case err != nil:
		return err
	case h.status == http.StatusSwitchingProtocols:
		return x.upgrade(h)
	}
	x.pass(h)
	return nil
}

// connect takes a kept connection, or makes one: always for a second attempt, since the kept ones are as old as the first.
func (x *exchange) connect() error {
	p := x.relay.pool(x.target)
	if !x.retried {
		if x.conn = p.take(); x.conn != nil {
			return nil
		}
	}
	c, err := x.relay.dial(x.req.Context(), x.target, p)
	if err != nil {
		return err
	}
	x.conn = c
	return nil
}

// send sends the head, with a small body, and has a larger one follow.
func (x *exchange) send() error {
	x.conn.SetWriteDeadline(x.limit())
	n, err := x.conn.Write(x.request)
	x.sent = x.sent || n > 0
	if err != nil {
		return err
	}
	if x.hasBody() && !x.expects {
		x.startBody()
	}
	return nil
}

// limit is when the app must have moved; zero: it need not.
func (x *exchange) limit() time.Time {
	if x.relay.options.Timeout <= 0 {
		return time.Time{}
	}
	return time.Now().Add(x.relay.options.Timeout)
}

// mayRepeat reports whether another connection is to be tried: the one used had been kept, the app has closed it, and nothing
// is lost or done twice.
func (x *exchange) mayRepeat(err error) bool {
	if x.conn == nil || !x.conn.kept || x.heard || x.retried || x.began || isTimeout(err) || x.req.Context().Err() != nil {
		return false
	}
	if x.sent && !isIdempotent(x.req.Method) {
		return false
	}
	x.drop()
	x.retried = true
	return true
}

// fail makes the *Error of a failure.
func (x *exchange) fail(err error) *Error {
	x.drop()
	e := &Error{Sent: x.sent, Err: err}
	switch ctx := x.req.Context(); {
	case ctx.Err() != nil:
		e.Client, e.Err = true, context.Cause(ctx)
	case x.bodyErr != nil:
		e.Client, e.Err = true, x.bodyErr
	case x.late.Load() || isTimeout(err):
		e.Timeout = true
	case errors.Is(err, io.EOF):
		e.Err = errNoResponse
	}
	if _, refused := errors.AsType[*RefusalError](err); refused {
		e.Client = true
	}
	e.Retriable = !e.Client && !x.began && (!e.Sent || isIdempotent(x.req.Method))
	if x.small > 0 {
		x.restore()
	}
	return e
}

var errNoResponse = errors.New("the app has closed the connection without a response")

// restore gives what was read of a small body back to the request.
func (x *exchange) restore() {
	body := bytes.Clone(x.request[len(x.request)-x.small:])
	x.req.Body = &again{io.MultiReader(bytes.NewReader(body), x.req.Body), x.req.Body}
}

// again is a body of which something was read, and can be read anew.
type again struct {
	io.Reader
	io.Closer
}

// abort cuts the client off behind what there is of a response: that may tell a developer why.
func (x *exchange) abort() {
	x.flush()
	panic(http.ErrAbortHandler)
}

// drop closes the connection and waits for what uses it.
func (x *exchange) drop() {
	if x.conn == nil {
		return
	}
	x.unwatch()
	x.conn.Close()
	x.stopBody()
	x.conn = nil
}

// keep gives the connection back for other requests.
func (x *exchange) keep() {
	c := x.conn
	if !x.unwatch() {
		return // it has been closed meanwhile; end drops it
	}
	x.conn = nil
	c.pool.put(c)
}

// end is called at the end of Forward, also by a panic.
func (x *exchange) end() {
	x.drop()
	if x.bulk != nil {
		bulkBuffers.Put(x.bulk)
	}
	clear(x.lines[:cap(x.lines)])
	clear(x.keys[:cap(x.keys)])
	x.reset()
	exchanges.Put(x)
}

// reset forgets all but the memory that can be used again.
func (x *exchange) reset() {
	x.relay, x.w, x.req, x.target = nil, nil, nil, Target{}
	x.protocol, x.chunked, x.expects = "", false, false
	x.conn, x.request, x.small = nil, nil, 0
	x.retried, x.sent, x.heard, x.pending = false, false, false, false
	x.in, x.buffer, x.bulk = nil, nil, nil
	x.lines, x.keys, x.names = x.lines[:0], x.keys[:0], nil
	x.patience.reset()
	x.sender.reset()
}
