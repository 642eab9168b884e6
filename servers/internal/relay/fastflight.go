package relay

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/serve"
)

// patient is how long the fast way waits for the app: nobody sees meanwhile that the client goes away.
const patient = 100 * time.Millisecond

// flight is one request on the fast way, and the handler that goes on with it on the complete way. It is used again.
type flight struct {
	fast  *Fast
	raw   *serve.Raw
	route *Route
	lease Lease
	conn  *conn
	step  func(fd uintptr) bool // made once, for it would be an allocation in each request

	forwarded
	state flightState
	out   []byte // what is to be sent to the app
	sent  int    // of it
	in    []byte // of the response
	moved bool   // something has come since the app was given its time
	err   error  // why the app cannot be reached

	status       int
	length, left int64 // of the body
	keeps        bool  // the connection goes on after this response

	fixed struct {
		in  [smallBuffer]byte
		out [smallBuffer + 1<<10]byte
	}
}

type flightState byte

const (
	nowAsking    flightState = iota // the request is to be sent
	nowCold                         // there is no connection to send it on
	nowListening                    // the head of the response is awaited
	nowAnswered                     // it is there
	nowStreaming                    // the rest of the body is passed on
	nowStale                        // the connection is no good, and nothing was sent
	nowStuck                        // the request could not be sent whole at once
	nowFailed                       // see err, which is not the end of the stream
)

var flights = sync.Pool{New: func() any {
	f := new(flight)
	f.step = f.move
	return f
}}

// end is called when nothing uses the flight any more.
func (f *flight) end() {
	if f.conn != nil {
		f.conn.Close()
	}
	if f.lease != nil {
		f.lease.Release()
	}
	f.fast, f.raw, f.route, f.lease, f.conn = nil, nil, nil, nil, nil
	f.forwarded = forwarded{}
	f.out, f.in, f.err, f.left = nil, nil, nil, 0
	flights.Put(f)
}

func (f *flight) pass() serve.Verdict {
	out, ok := f.appendPlain(f.fixed.out[:0])
	if !ok || len(out) > smallBuffer { // where much is to be copied the fast way is no faster
		return serve.NotPassed
	}
	if f.route, f.lease = f.fast.Next(f.raw); f.route == nil || f.route.relay.options.Plain {
		return serve.NotPassed
	}
	f.out = f.appendEnd(out)
	if !f.ask() {
		f.state = nowCold
	}
	if f.state != nowAnswered {
		return f.raw.Continue(f)
	}
	return f.reply()
}

// ask sends the request, and reads until the head of a response is there. It reports false when no connection is kept.
func (f *flight) ask() bool {
	p := f.route.pool()
	for {
		if f.conn = p.any(clientOf(f.raw).stack); f.conn == nil {
			return false
		}
		f.state, f.in, f.sent = nowAsking, f.fixed.in[:0], 0
		f.refresh()
		f.run()
		if f.state != nowStale {
			return true
		}
		f.conn.Close()
	}
}

// any is take without a look at the connection. The search begins at the client's own stack: so it mostly gets the connection
// that it had before.
func (p *pool) any(own int) *conn {
	for i := range p.stacks {
		if c := p.stacks[(own+i)%len(p.stacks)].pop(); c != nil {
			return c
		}
	}
	return nil
}

// back is put, to the client's own stack.
func (p *pool) back(c *conn, own int) {
	c.rest()
	if len(p.stacks) == 0 || !p.push(&p.stacks[own%len(p.stacks)], c) {
		c.Close()
		return
	}
	p.relay.sweepLater()
}

// took reports whether what has come, the last n bytes of it just now, is enough.
func (f *flight) took(n int) bool {
	if f.state == nowStreaming {
		return true
	}
	if bytes.Contains(f.in[max(len(f.in)-n-len(headEnds), 0):], headEnds) {
		f.state = nowAnswered
		return true
	}
	return len(f.in) == cap(f.in)
}

// ended is called at the end of the stream. The complete way reads it again and says what it means for a head; for a body it
// is a failure.
func (f *flight) ended() bool {
	if f.state == nowStreaming {
		f.fails("read", io.ErrUnexpectedEOF)
	}
	return true
}

// refresh gives the app its time, unless enough is left of what was given before: setting a deadline costs as much as a read.
func (f *flight) refresh() {
	limit := patient
	if t := f.route.relay.options.Timeout; t > 0 {
		limit = min(limit, t)
	}
	now := time.Now()
	if left := f.conn.reads.Sub(now); left < limit/2 || left > limit {
		f.conn.reads = now.Add(limit)
		f.conn.SetReadDeadline(f.conn.reads)
	}
	f.moved = false
}

// broke notes why the app cannot be reached.
func (f *flight) broke(err error) {
	f.state, f.err = nowFailed, err
}

// fails is broke in the words of package net.
func (f *flight) fails(op string, err error) {
	f.broke(&net.OpError{Op: op, Net: f.conn.LocalAddr().Network(), Source: f.conn.LocalAddr(), Addr: f.conn.RemoteAddr(), Err: err})
}

// reply sends the client the head and what there is of the body.
func (f *flight) reply() serve.Verdict {
	out, head, ok := appendReply(f.fixed.out[:0], f.in, string(f.raw.Method()) == http.MethodHead)
	if !ok || head.connection && f.route.relay.options.ForwardConnection {
		return f.raw.Continue(f)
	}
	out = append(f.raw.AppendOwn(out, head.altSvc), "\r\n"...)
	there := f.in[head.end:]
	body := there[:min(int64(len(there)), head.body)]
	out = append(out, body...)
	f.status, f.length, f.left = head.status, head.body, head.body-int64(len(body))
	f.keeps = !head.close && len(body) == len(there)
	if f.left == 0 {
		f.settle() // somebody else may have it while the client is written to
	}
	switch {
	case f.raw.Send(out) != nil:
		return serve.Aborted
	case f.left > 0:
		return f.stream()
	}
	return serve.Passed
}

// settle lets go of the connection after a whole response.
func (f *flight) settle() {
	if f.keeps {
		f.conn.pool.back(f.conn, clientOf(f.raw).stack)
	} else {
		f.conn.Close()
	}
	f.conn = nil
}

// stream passes on the rest of a body as it comes.
func (f *flight) stream() serve.Verdict {
	bulk := bulkBuffers.Get().(*[bulkBuffer]byte)
	defer bulkBuffers.Put(bulk)
	f.state = nowStreaming
	for f.left > 0 {
		f.in = bulk[:0:min(int64(len(bulk)), f.left)]
		f.run()
		n := len(f.in)
		switch {
		case n > 0:
			f.left -= int64(n)
			if f.raw.Send(f.in) != nil {
				return serve.Aborted
			}
		case f.state != nowStreaming:
			return serve.Aborted
		case f.moved:
			f.refresh()
		default:
			return f.raw.ContinueBody(f, f.status, f.length, f.length-f.left)
		}
	}
	f.settle()
	return serve.Passed
}
