package kestrel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"

	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/internal/serve"
	"github.com/gorun-dev/gorun/servers/limits"
)

// http3Request is one request: its context, its features, and the time that its client takes. Its handler's goroutine owns
// it; mu guards what the heartbeat sees.
type http3Request struct {
	context.Context // what quic-go gives; it ends with the stream
	cancel          context.CancelCauseFunc
	conn            *http3Conn
	asked           *http.Request // quic-go's, which gets the trailers
	request         *http.Request // the handler's
	answer          http3Writer
	body            http3Body

	mu      sync.Mutex
	rate    limits.DataRate // of the body
	reading bool            // waiting for bytes of the body
	overdue bool
	since   int64 // when that began, on the socket's clock
	waited  int64 // nanoseconds of waits before
	seen    int64 // bytes that came
}

func newHTTP3Request(c *http3Conn, w http.ResponseWriter, r *http.Request) *http3Request {
	q := &http3Request{conn: c, asked: r, rate: c.socket.limits.MinRequestBodyDataRate}
	q.Context, q.cancel = context.WithCancelCause(r.Context())
	q.answer.begin(q, w)
	q.body.begin(q, r)
	q.request = r.WithContext(q)
	q.request.Body = &q.body
	return q
}

// serve has the handler answer, unless the request is refused before.
func (q *http3Request) serve() {
	defer q.finish()
	if f := q.check(); f != nil {
		q.refuse(f)
	} else if q.settle() {
		serve.CleanPath(q.request.URL)
		q.conn.socket.handler.ServeHTTP(&q.answer, q.request)
	}
	if !q.answer.end() {
		panic(http.ErrAbortHandler) // the client must not take what it got for the whole
	}
}

// finish is deferred. A panic is told as in HTTP/1.x, and has quic-go reset the stream.
func (q *http3Request) finish() {
	q.body.closed.Store(true)
	if form := q.request.MultipartForm; form != nil {
		form.RemoveAll()
	}
	q.cancel(nil)
	if p := recover(); p != nil {
		if p != http.ErrAbortHandler {
			q.conn.socket.log.Error(fmt.Sprintf("http: panic serving %v: %v\n%s", q.conn.feature.Remote, p, debug.Stack()))
		}
		panic(http.ErrAbortHandler)
	}
}

// check keeps the limits of the head that quic-go does not know. Kestrel resets the stream where this answers.
func (q *http3Request) check() *http3Refusal {
	l, r := &q.conn.socket.limits, q.request
	line := len(r.Method) + len("https") + len(r.Host) + len(r.RequestURI) // as Kestrel's Http3Stream adds it up
	if line > l.MaxRequestLineSize {
		return &http3Refusal{status: http.StatusRequestURITooLong, reason: "request line too long"}
	}
	if r.Host != "" && !serve.IsHost(r.Host) {
		return &http3Refusal{status: http.StatusBadRequest, reason: "invalid host"}
	}
	return checkFields(r.Header, l)
}

// checkFields is for heads and for trailers. Cookies count as one field: quic-go has joined them.
func checkFields(fields http.Header, l *Limits) *http3Refusal {
	count := 0
	for name, values := range fields {
		count += len(values)
		for _, value := range values {
			if len(name)+len(value) > l.HTTP3.MaxRequestHeaderFieldSize {
				return &http3Refusal{status: http.StatusRequestHeaderFieldsTooLarge, reason: "header too long"}
			}
		}
	}
	if count > l.MaxRequestHeaderCount {
		return &http3Refusal{status: http.StatusRequestHeaderFieldsTooLarge, reason: "too many headers"}
	}
	return nil
}

// settle finds out whether there is a body. HTTP/3 says so only by what follows the head, and quic-go not at all; but
// handlers look at ContentLength, and a reverse proxy would send a body on. A GET without Content-Length has none as a
// rule, and its end comes in the same packet as its head: that is waited for.
func (q *http3Request) settle() bool {
	r := q.request
	switch {
	case r.ContentLength == 0:
		r.Body = http.NoBody
	case r.ContentLength < 0 && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		if q.body.isEmpty() {
			r.Body, r.ContentLength = http.NoBody, 0
		}
	}
	return !q.answer.isRefused()
}

// refuse answers in the handler's place, or resets the stream when the handler's answer has begun. What the handler does from
// then on reaches nobody, and its context ends.
func (q *http3Request) refuse(f *http3Refusal) {
	q.log(f.reason, f.status)
	q.answer.refuse(f.status)
	q.cancel(f)
}

func (q *http3Request) log(reason string, status int) {
	q.conn.socket.log.Debug("request refused", slog.Int("status", status), slog.String("reason", reason),
		slog.String("remote", q.conn.feature.Remote.String()))
}

// http3Refusal is why a request is refused, and what a handler gets that reads its body. For 413 it wraps an
// *http.MaxBytesError, as handlers written for net/http expect.
type http3Refusal struct {
	status int
	reason string
	err    error
}

func (f *http3Refusal) Error() string {
	return fmt.Sprintf("request refused with %d: %s", f.status, f.reason)
}

func (f *http3Refusal) Unwrap() error { return f.err }

// Value gives the features, and what net/http's handlers find.
func (q *http3Request) Value(key any) any {
	switch key.(type) {
	case feature.Key[feature.Connection]:
		return q.conn.feature
	case feature.Key[feature.TLS]:
		return feature.TLS{State: *q.asked.TLS}
	case feature.Key[feature.Body], feature.Key[feature.DataRates], feature.Key[feature.Upgrade], feature.Key[feature.Trailers]:
		return http3Features{q}
	}
	if key == http.ServerContextKey {
		return q.conn.socket.known
	}
	return q.Context.Value(key)
}

// http3Features is what a handler may ask and change (package feature).
type http3Features struct{ q *http3Request }

// IsUpgradable is false: a stream of HTTP/3 is not a connection that a handler could take.
func (http3Features) IsUpgradable() bool { return false }

// IsSupported is true.
func (http3Features) IsSupported() bool { return true }

func (f http3Features) MaxSize() int64 { return f.q.body.maxSize() }

func (f http3Features) SetMaxSize(n int64) error { return f.q.body.setMaxSize(n) }

func (f http3Features) SetMinRequestBodyDataRate(rate limits.DataRate) {
	q := f.q
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rate = rate.Effective(q.conn.socket.limits.MinRequestBodyDataRate)
}

func (f http3Features) SetMinResponseDataRate(rate limits.DataRate) {
	f.q.answer.rate = rate.Effective(f.q.conn.socket.limits.MinResponseDataRate)
}

var errHTTP3Refused = errors.New("request refused: nothing reaches the client any more")
