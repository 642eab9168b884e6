package relay

import (
	"errors"
	"net/http"
)

// ServeHTTP goes on, on the complete way, with a request that has begun on the fast way.
func (f *flight) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	defer f.end()
	if f.fast.Around != nil {
		defer f.fast.Around(w, req)()
	}
	switch {
	case f.state == nowCold:
		f.fast.Cold(w, req, f.lease)
		return
	case f.left > 0:
		f.resumeBody(w, req)
		return
	}
	if e, ok := errors.AsType[*Error](f.resume(w, req)); ok {
		f.fast.Failed(w, req, f.lease, e)
	}
}

// resume is Forward from where the fast way has come to.
func (f *flight) resume(w http.ResponseWriter, req *http.Request) error {
	x, err := newExchange(f.route.relay, w, req, f.route.target)
	if err != nil {
		return err
	}
	defer x.end()
	for failure := f.goOn(x); failure != nil; failure = x.attempt() {
		if !x.mayRepeat(failure) {
			return x.fail(failure)
		}
	}
	return nil
}

// handOver makes the connection the exchange's.
func (f *flight) handOver(x *exchange) {
	x.conn, f.conn = f.conn, nil
	x.sent = f.sent > 0
	x.heard = len(f.in) > 0
	x.in = append(x.buffer[:0], f.in...)
}

// goOn is an attempt that has begun. An end of the stream is read again.
func (f *flight) goOn(x *exchange) error {
	f.handOver(x)
	switch f.state {
	case nowFailed:
		return f.err
	case nowAsking, nowStuck:
		x.conn.SetWriteDeadline(x.limit())
		n, err := x.conn.Write(f.out[f.sent:])
		x.sent = x.sent || n > 0
		if err != nil {
			return err
		}
	}
	h, err := x.finalHead()
	if err != nil {
		return err
	}
	x.pass(h)
	return nil
}

// resumeBody writes the rest of a body. An error ends the client's connection, as anywhere after the head.
func (f *flight) resumeBody(w http.ResponseWriter, req *http.Request) {
	f.in = nil // the client has it
	x, err := newExchange(f.route.relay, w, req, f.route.target)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer x.end()
	f.handOver(x)
	x.heard = true
	if x.copyLength(f.left) != nil {
		x.abort()
	}
	if f.keeps && len(x.in) == 0 {
		x.keep()
	}
}
