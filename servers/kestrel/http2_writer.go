package kestrel

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"time"

	"github.com/gorun-dev/gorun/servers/limits"
)

// http2Writer is what net/http's ResponseWriter for HTTP/2 can do.
type http2Writer interface {
	http.ResponseWriter
	http.Pusher
	io.StringWriter
	FlushError() error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
	EnableFullDuplex() error
	CloseNotify() <-chan bool
}

// http2Response is what has become of the answer to a request. Times are the heartbeat's.
type http2Response struct {
	begun   bool // the handler has written, or the server in its place
	refused bool // nothing that the handler writes is sent
	answer  int  // the status to refuse with, when the handler writes or returns
	rate    limits.DataRate
	writing bool
	until   int64 // when the client must have taken all that was written
	cut     bool  // it had not
}

// errHTTP2Refused is what a handler gets when it answers a request that was refused.
var errHTTP2Refused = fmt.Errorf("request refused: %w", net.ErrClosed)

// refuse answers in the handler's place. The answer is sent by the goroutine that writes, which may be another one: it is a
// reset when the handler's answer has begun.
func (s *http2Stream) refuse(err error) {
	s.mu.Lock()
	first, begun := s.answer == 0, s.begun
	s.answer = statusOf(err)
	s.refused = s.refused || begun
	s.mu.Unlock()
	if !first {
		return
	}
	s.conn.h.log.Debug("request refused", slog.Int("status", statusOf(err)), slog.Any("reason", err),
		slog.String("remote", s.conn.raw.RemoteAddr().String()))
	if begun {
		s.reset()
	}
}

// start reports whether the handler may write n bytes, and begins the time that they may take: the grace period, or longer
// for many bytes. As with Kestrel a client that took earlier bytes slowly has no less time for these, and one that was fast no
// more than is due.
func (s *http2Stream) start(n int) bool {
	s.mu.Lock()
	if s.answer != 0 && !s.begun {
		s.begun, s.refused = true, true
		status := s.answer
		s.mu.Unlock()
		clear(s.to.Header())
		s.describe()
		s.to.WriteHeader(status)
		return false
	}
	defer s.mu.Unlock()
	if s.refused {
		return false
	}
	s.begun = true
	s.startWriting(n)
	return true
}

// startInterim is start for an answer that is followed by another one (1xx).
func (s *http2Stream) startInterim(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answer == 0 {
		s.startWriting(n)
	}
	return s.answer == 0
}

func (s *http2Stream) startWriting(n int) {
	s.writing = true
	if s.http2Response.rate.BytesPerSecond > 0 {
		s.extend(s.http2Response.rate.Allowance(int64(n)))
	}
}

func (s *http2Stream) extend(allowance time.Duration) {
	grace := s.http2Response.rate.GracePeriod
	s.until = max(s.conn.h.now()+int64(max(grace, allowance)), s.until+int64(allowance))
}

func (s *http2Stream) stopWriting() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing = false
}

// finish is called when the handler has returned: a request that was refused, and not answered, is now.
func (s *http2Stream) finish() {
	s.mu.Lock()
	waiting := s.answer != 0 && !s.begun
	s.mu.Unlock()
	if waiting {
		s.start(0)
	}
}

// leave gives the time when the client must have taken what net/http still has to send.
func (s *http2Stream) leave() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http2Response.rate.BytesPerSecond <= 0 {
		return math.MaxInt64
	}
	s.extend(0)
	return s.until
}

// isSlowReader holds the minimum data rate of the response.
func (r *http2Response) isSlowReader(now int64) bool {
	return r.writing && !r.cut && r.rate.BytesPerSecond > 0 && now > r.until
}

// isBlocked reports whether a stream that was cut off still waits: not even a reset can be sent, because the client's system takes
// nothing any more.
func (r *http2Response) isBlocked(now int64) bool {
	return r.writing && r.cut && now > r.until+int64(r.rate.GracePeriod)
}

// responseWriter is the handler's. It does what net/http's does, ReadFrom and Hijack excepted, which that does not have
// either.
type responseWriter struct{ s *http2Stream }

func (w responseWriter) Header() http.Header { return w.s.to.Header() }

// HasStarted reports whether the answer has begun, as in HTTP/1.x.
func (w responseWriter) HasStarted() bool {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	return w.s.begun
}

func (w responseWriter) WriteHeader(status int) {
	start := w.s.start
	if status >= 100 && status <= 199 {
		start = w.s.startInterim
	}
	if start(0) {
		w.s.to.WriteHeader(status)
		w.s.stopWriting()
	}
}

func (w responseWriter) Write(p []byte) (int, error) {
	if !w.s.start(len(p)) {
		return 0, errHTTP2Refused
	}
	n, err := w.s.to.Write(p)
	w.s.stopWriting()
	return n, err
}

func (w responseWriter) WriteString(p string) (int, error) {
	if !w.s.start(len(p)) {
		return 0, errHTTP2Refused
	}
	n, err := w.s.to.WriteString(p)
	w.s.stopWriting()
	return n, err
}

func (w responseWriter) Flush() { w.FlushError() }

func (w responseWriter) FlushError() error {
	if !w.s.start(0) {
		return errHTTP2Refused
	}
	err := w.s.to.FlushError()
	w.s.stopWriting()
	return err
}

func (w responseWriter) Push(target string, options *http.PushOptions) error {
	return w.s.to.Push(target, options)
}

func (w responseWriter) SetReadDeadline(t time.Time) error  { return w.s.to.SetReadDeadline(t) }
func (w responseWriter) SetWriteDeadline(t time.Time) error { return w.s.to.SetWriteDeadline(t) }
func (w responseWriter) EnableFullDuplex() error            { return w.s.to.EnableFullDuplex() }
func (w responseWriter) CloseNotify() <-chan bool           { return w.s.to.CloseNotify() }
