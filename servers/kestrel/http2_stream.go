package kestrel

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/internal/serve"
	"github.com/gorun-dev/gorun/servers/limits"
)

// http2Stream is one request while its handler runs. It is also the request's context, which holds its features.
//
// The body may be read by another goroutine than the one that writes the response; the heartbeat looks on. mu guards what
// they share, and is never held while anybody waits.
type http2Stream struct {
	context.Context
	conn  *http2Conn
	to    http2Writer   // net/http's
	from  io.ReadCloser // net/http's
	index int           // in conn.running

	life sync.Mutex // held while somebody else than the handler uses to
	gone bool       // the handler has returned: to must not be used any more

	mu         sync.Mutex
	*http2Body // nil: there is none, and nobody has asked what it may be
	http2Response
}

// ServeHTTP is what net/http calls.
func (h *http2) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn := r.Context().Value(http2Key{}).(*http2Conn)
	s := &http2Stream{Context: r.Context(), conn: conn, to: w.(http2Writer), from: r.Body}
	s.http2Response.rate = h.limits.MinResponseDataRate
	if r.ContentLength != 0 {
		s.http2Body = h.newBody(r.ContentLength)
	}
	s.describe()
	switch {
	case h.tooManyFields(r.Header):
		w.WriteHeader(http.StatusRequestHeaderFieldsTooLarge)
		return
	case !isAcceptable(r):
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	setContext(r, s)
	r.Body = http.NoBody
	if s.http2Body != nil {
		r.Body = http2Reader{s}
	}
	serve.CleanPath(r.URL)
	conn.begin(s)
	defer s.end()
	h.handler.ServeHTTP(responseWriter{s}, r)
	s.finish()
}

// setContext gives r another context. It stays the request that net/http knows, so that the files of a form that the handler has
// parsed are removed. It is not inlined: the copy would lie on the stack of each request while its handler runs.
//
//go:noinline
func setContext(r *http.Request, ctx context.Context) { *r = *r.WithContext(ctx) }

// describe sets the fields that every response has.
func (s *http2Stream) describe() {
	header := s.to.Header()
	if s.conn.h.header != nil {
		header["Server"] = s.conn.h.header
	}
	if s.conn.altSvc != nil {
		header["Alt-Svc"] = s.conn.altSvc
	}
}

// end is deferred. net/http logs a panic for those who look for it, with a lot else; here it is told as in HTTP/1.x.
func (s *http2Stream) end() {
	s.life.Lock()
	s.gone = true
	s.life.Unlock()
	s.conn.end(s, s.leave())
	if p := recover(); p != nil {
		if p != http.ErrAbortHandler {
			s.conn.h.log.Error(fmt.Sprintf("http: panic serving %v: %v\n%s", s.conn.raw.RemoteAddr(), p, debug.Stack()))
		}
		panic(http.ErrAbortHandler)
	}
}

// reset cuts the stream off: its client gets RST_STREAM, and what waits in Read or Write fails.
func (s *http2Stream) reset() {
	s.life.Lock()
	defer s.life.Unlock()
	if !s.gone {
		s.to.SetWriteDeadline(past)
	}
}

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// Value gives the features of the request.
func (s *http2Stream) Value(key any) any {
	switch key.(type) {
	case feature.Key[feature.Body], feature.Key[feature.DataRates], feature.Key[feature.Upgrade], feature.Key[feature.Trailers]:
		return http2Features{s}
	}
	return s.Context.Value(key)
}

// http2Features are those that belong to a request.
type http2Features struct{ s *http2Stream }

// MaxSize is feature.Body's.
func (f http2Features) MaxSize() int64 {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if b := f.s.anyBody(); b.max < 1<<62 {
		return b.max
	}
	return -1
}

// SetMaxSize is feature.Body's.
func (f http2Features) SetMaxSize(n int64) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if f.s.anyBody().started {
		return feature.ErrBodyStarted
	}
	if n < 0 {
		n = 1<<63 - 1
	}
	f.s.http2Body.max = n
	return nil
}

// SetMinRequestBodyDataRate is feature.DataRates'.
func (f http2Features) SetMinRequestBodyDataRate(rate limits.DataRate) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.anyBody().rate = rate.Effective(f.s.conn.h.limits.MinRequestBodyDataRate)
}

// SetMinResponseDataRate is feature.DataRates'.
func (f http2Features) SetMinResponseDataRate(rate limits.DataRate) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.http2Response.rate = rate.Effective(f.s.conn.h.limits.MinResponseDataRate)
}

// IsUpgradable is feature.Upgrade's.
func (http2Features) IsUpgradable() bool { return false }

// IsSupported is feature.Trailers'.
func (http2Features) IsSupported() bool { return true }
