// Package exchange wraps a handler, once for any number of listeners, and tells them about each exchange: what was asked,
// what was answered, how many bytes went each way and how long it took. What an access log writes and a meter counts comes
// from here.
//
// It writes and counts nothing itself. It sees what reaches the handler: a request that the server refused before is told to
// nobody. It costs nothing when nobody listens: the handler is then not wrapped.
//
// Listeners are called by the goroutine of the request, and so by several at once. The handler's view of a request stays
// as net/http has it: the same optional interfaces, the same panics, the same errors. A listener that panics is passed over;
// slog.Default is told of the first time.
package exchange

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// An Exchange is one request and its answer. What is asked is as the client sent it, whatever the handler has made of its
// request. Nothing in it has been cleaned: any of it may hold control characters, wrong UTF-8, or secrets.
//
// It is a listener's only while it is called: it is then used again for another request.
type Exchange struct {
	Start time.Time

	Method    string
	Scheme    string // http, or https for a connection with TLS
	Host      string // with the port, when the client names it
	Path      string // decoded; EscapedPath is as it was sent
	RawPath   string // as in url.URL
	Query     string // without the '?', as it was sent
	Target    string // the request line's; "*" for all of the server
	Proto     string // "HTTP/1.1"
	UserAgent string
	Referer   string
	Remote    string   // as in http.Request: mostly an IP address and a port
	Local     net.Addr // the address that the connection came in on; nil when the server does not tell

	// Request is what the handler was given. The handler may have changed it.
	Request *http.Request

	// What follows is known at the end, and zero before.

	Duration time.Duration
	Status   int    // see Wrap
	Received int64  // bytes of the body that were read, without the chunks around them
	Sent     int64  // bytes of the body that were written; 0 for HEAD
	Route    string // the Pattern of the http.ServeMux; "" when none matched, or an inner handler matched a copy of the request
	Upgraded bool   // the handler has taken the connection over
	Panicked bool   // the handler did not return: it panicked, http.ErrAbortHandler included
}

// EscapedPath gives the path in the form in which it was sent.
func (e *Exchange) EscapedPath() string {
	u := url.URL{Path: e.Path, RawPath: e.RawPath}
	return u.EscapedPath()
}

// A Listener is told about exchanges. Both functions may be nil.
type Listener struct {
	Begin func(*Exchange) // before the handler is called
	End   func(*Exchange) // when it has returned or panicked; called once for each Begin
}

// Wrap gives a handler that calls h and tells the listeners. It is h itself when there are none. A nil h is
// http.DefaultServeMux.
//
// The status that is told is the final one, which 101 Switching Protocols is and other 1xx are not. It is 200 when the handler
// returned without one. When the handler panicked it is what was sent until then, or 0. When the handler took the connection
// over without a word to the http.ResponseWriter, its answer is out of sight: the status is 101 when the request asked for
// an upgrade, else 0. Such an exchange ends when the handler returns, too.
//
// One thing is not as without Wrap: http.MaxBytesReader cannot tell net/http to close a connection whose request
// body is too large, because it looks for an unexported method. The error is the same, and net/http then closes when
// much of the body is left.
func Wrap(h http.Handler, listeners ...Listener) http.Handler {
	t := &teller{handler: h}
	for _, l := range listeners {
		if l.Begin != nil {
			t.begin = append(t.begin, l.Begin)
		}
		if l.End != nil {
			t.end = append(t.end, l.End)
		}
	}
	if len(t.begin) == 0 && len(t.end) == 0 {
		return h
	}
	if h == nil {
		t.handler = http.DefaultServeMux
	}
	return t
}

type teller struct {
	handler    http.Handler
	begin, end []func(*Exchange)
	told       atomic.Bool // of a listener that has panicked
}

// tell has a listener that panics harm nobody: neither the request nor the other listeners.
func (t *teller) tell(listen func(*Exchange), e *Exchange) {
	defer func() {
		if p := recover(); p != nil && !t.told.Swap(true) {
			slog.Default().Error(fmt.Sprintf("panic in an access log or a meter: %v; this is said once\n%s", p, debug.Stack()))
		}
	}()
	listen(e)
}

// Exchanges are large and used again. What a handler holds is not (see tap).
var exchanges = sync.Pool{New: func() any { return new(Exchange) }}

func (t *teller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := exchanges.Get().(*Exchange)
	e.ask(r)
	p := newTap(w, r)
	e.Request = p.inner
	for _, begin := range t.begin {
		t.tell(begin, e)
	}
	// Without recover: the panic goes on with the stack that it has.
	panicked := true
	defer func() {
		p.giveBack()
		e.answer(p, panicked)
		for _, end := range t.end {
			t.tell(end, e)
		}
		*e = Exchange{}
		exchanges.Put(e)
	}()
	t.handler.ServeHTTP(p.shape(), p.inner)
	panicked = false
}

// ask notes the request, before the handler can change it.
func (e *Exchange) ask(r *http.Request) {
	e.Start = time.Now()
	e.Method, e.Host, e.Target, e.Proto, e.Remote = r.Method, r.Host, r.RequestURI, r.Proto, r.RemoteAddr
	e.Scheme = "http"
	if r.TLS != nil {
		e.Scheme = "https"
	}
	if r.URL != nil {
		e.Path, e.RawPath, e.Query = r.URL.Path, r.URL.RawPath, r.URL.RawQuery
	}
	e.UserAgent, e.Referer = r.Header.Get("User-Agent"), r.Header.Get("Referer")
	e.Local, _ = r.Context().Value(http.LocalAddrContextKey).(net.Addr)
}

// answer notes what has become of the request.
func (e *Exchange) answer(p *tap, panicked bool) {
	e.Duration = time.Since(e.Start)
	e.Route = e.Request.Pattern
	e.Received, e.Sent, e.Status = p.received.Load(), p.sent, p.status
	e.Upgraded, e.Panicked = p.hijacked, panicked
	switch {
	case e.Status != 0:
	case e.Upgraded:
		if e.Request.Header.Get("Upgrade") != "" {
			e.Status = http.StatusSwitchingProtocols
		}
	case !panicked:
		e.Status = http.StatusOK
	}
}
