package kestrel

import (
	"errors"
	"io"
	"net/http"
	"os"

	"github.com/gorun-dev/gorun/servers/internal/serve"
	"github.com/gorun-dev/gorun/servers/limits"
)

// http2Body is how far the body of a request has come. Times are the heartbeat's.
type http2Body struct {
	length  int64 // as announced; -1 when it was not
	max     int64
	started bool  // a read was asked for
	err     error // what further reads return
	seen    int64 // bytes
	waited  int64 // nanoseconds that reads took
	reading bool
	since   int64 // when reading began
	rate    limits.DataRate
	late    bool // too slow, and cut off
}

func (h *http2) newBody(length int64) *http2Body {
	return &http2Body{length: length, max: h.limits.MaxRequestBodySize, rate: h.limits.MinRequestBodyDataRate}
}

// anyBody is the body, also when there is none: then it is what would be allowed to one. mu is held.
func (s *http2Stream) anyBody() *http2Body {
	if s.http2Body == nil {
		s.http2Body = s.conn.h.newBody(0)
	}
	return s.http2Body
}

// http2Reader is the Request.Body of a handler.
type http2Reader struct{ s *http2Stream }

// Read reads the body. An error of type *http.MaxBytesError or *serve.RequestError means that the request was refused: the
// client gets 413 or 408 whatever the handler writes from then on, or a reset when its answer has begun.
func (b http2Reader) Read(p []byte) (int, error) {
	s := b.s
	p, err := s.beforeRead(p)
	n := 0
	if err == nil && len(p) > 0 {
		n, err = s.from.Read(p)
		n, err = s.afterRead(n, err)
	}
	if statusOf(err) != 0 {
		s.refuse(err)
	}
	return n, err
}

func (b http2Reader) Close() error { return b.s.from.Close() }

// beforeRead gives the part of p that may be read into: one byte more than is allowed shows that there is too much.
func (s *http2Stream) beforeRead(p []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started && s.length > s.max {
		s.err = &http.MaxBytesError{Limit: s.max}
	}
	s.started = true
	if s.err != nil {
		return nil, s.err
	}
	if left := s.max - s.seen; int64(len(p)) > left+1 && left+1 > 0 {
		p = p[:left+1]
	}
	s.reading = len(p) > 0
	s.since = s.conn.h.now()
	return p, nil
}

func (s *http2Stream) afterRead(n int, err error) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading = false
	s.waited += max(s.conn.h.clock.Load()-s.since, 0)
	s.seen += int64(n)
	switch {
	case s.seen > s.max:
		n -= int(s.seen - s.max)
		s.err = &http.MaxBytesError{Limit: s.max}
	case err == io.EOF:
		s.err = err
	case err != nil && s.late && errors.Is(err, os.ErrDeadlineExceeded):
		s.err = errBodyTooSlow
	default:
		return n, err
	}
	return n, s.err
}

var errBodyTooSlow = &serve.RequestError{Status: http.StatusRequestTimeout, Reason: "the body came too slowly"}

// statusOf is the answer to a request that was refused with err; 0 for other errors.
func statusOf(err error) int {
	switch err.(type) {
	case *http.MaxBytesError:
		return http.StatusRequestEntityTooLarge
	case *serve.RequestError:
		return http.StatusRequestTimeout
	}
	return 0
}

// isTooSlow holds the minimum data rate, as HTTP/1.x does: on average over the time that reads took.
func (b *http2Body) isTooSlow(now int64) bool {
	if !b.reading || b.rate.BytesPerSecond <= 0 {
		return false
	}
	waited := b.waited + now - b.since
	return waited > int64(b.rate.GracePeriod) && float64(b.seen) < b.rate.BytesPerSecond*float64(waited)/1e9
}

// held is how many bytes of the connection's window the body may occupy, with nobody reading them.
func (b *http2Body) held(window int64) int64 {
	switch {
	case b.reading || b.err != nil:
		return 0
	case b.length >= 0:
		return min(b.length-b.seen, window)
	}
	return window
}
