package relay

import (
	"net/http"
	"sync/atomic"

	"github.com/gorun-dev/gorun/servers/internal/serve"
)

// Fast is a handler whose plain requests are passed on as bytes, by a connection that is kept, without an http.Request and an
// http.ResponseWriter. What it does not understand whole goes the complete way, before anything was sent by the embedded
// Handler and later by what Forward does: to the app and to the client it makes no difference, but for the order of fields.
//
// Package serve finds it as a serve.Passer. Its fields are not changed while it serves. It has no goroutines.
type Fast struct {
	http.Handler // the complete way; it also gets the requests for which Next has no route
	// Next says where a request goes. It must not wait. A nil Route is for the Handler; otherwise the Lease is released when
	// the request is over.
	Next func(*serve.Raw) (*Route, Lease)
	// Cold answers a request that has a route, but no connection to go on: by Forward to the same process, which has had its turn.
	// The Lease is released when it returns.
	Cold func(w http.ResponseWriter, req *http.Request, l Lease)
	// Failed answers a request that has gone to the app, as the *Error of Forward would be answered: nothing of a response has
	// been sent, and where the error says so the request may be passed on again. The Lease is released when it returns.
	Failed func(w http.ResponseWriter, req *http.Request, l Lease, e *Error)
	// Around is called for a request that has begun here and goes on the complete way, and what it returns at the end. It may be
	// nil.
	Around func(w http.ResponseWriter, req *http.Request) (end func())
}

// Lease is what a request has of the process that it goes to.
type Lease interface{ Release() }

// Route is a Target of a Relay, with what can be made ready for its requests. It may be used by several goroutines at once.
type Route struct {
	relay  *Relay
	target Target
	token  []byte // the field of the token, with its end
	kept   atomic.Pointer[pool]
}

// Route makes one. It costs nothing to forget it.
func (r *Relay) Route(t Target) *Route {
	route := &Route{relay: r, target: t}
	if t.Token != "" {
		route.token = appendField(nil, tokenField, t.Token)
	}
	return route
}

// Target is what Forward takes.
func (r *Route) Target() Target { return r.target }

// pool gives the kept connections; after a Forget it is another one.
func (r *Route) pool() *pool {
	p := r.kept.Load()
	if p == nil || p.closed.Load() {
		p = r.relay.pool(r.target)
		r.kept.Store(p)
	}
	return p
}

// Pass is serve.Passer's.
func (h *Fast) Pass(raw *serve.Raw) serve.Verdict {
	f := flights.Get().(*flight)
	f.fast, f.raw = h, raw
	verdict := f.pass()
	if verdict != serve.Continued {
		f.end()
	}
	return verdict
}
