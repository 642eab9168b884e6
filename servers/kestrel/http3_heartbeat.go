package kestrel

import (
	"log/slog"
	"math"
	"net/http"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/gorun-dev/gorun/servers/limits"
	"github.com/gorun-dev/gorun/servers/metrics"
)

// http3Tick is how often the limits on time are looked at: every second, as Kestrel does, or more often for shorter limits.
func http3Tick(l *Limits) time.Duration {
	shortest := min(l.KeepAliveTimeout, l.MinRequestBodyDataRate.GracePeriod, l.MinResponseDataRate.GracePeriod)
	return max(min(time.Second, shortest/4), 5*time.Millisecond)
}

// heartbeat looks at every connection once a tick, so that a request costs no timer. A limit on time is kept to within two
// ticks, and nobody gets less time than is due.
func (s *http3Socket) heartbeat() {
	ticker := time.NewTicker(s.tick)
	defer ticker.Stop()
	for {
		select {
		case <-s.ended:
			return
		case <-ticker.C:
			s.beat(int64(time.Since(s.start)))
		}
	}
}

func (s *http3Socket) beat(now int64) {
	s.clock.Store(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.beat(now) {
			s.connections.Go(c.close)
		}
	}
}

// now is the socket's clock, up to a tick ahead.
func (s *http3Socket) now() int64 { return s.clock.Load() + int64(s.tick) }

// beat reports whether the connection has had no request for too long. A request whose head is not complete is none, so
// that a client which sends heads slowly does not keep the connection; QUIC's own idle time starts anew with each packet.
func (c *http3Conn) beat(now int64) (idle bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for q := range c.requests {
		q.beat(now)
	}
	return len(c.requests) == 0 && now-c.since > int64(c.socket.limits.KeepAliveTimeout)
}

func (q *http3Request) beat(now int64) {
	if by := q.answer.by.Load(); by != 0 && now > by {
		q.log("response taken too slowly", http.StatusRequestTimeout)
		q.answer.cutOff()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.reading && !q.overdue && q.isOverdue(now) {
		q.overdue = true
		q.answer.inner.SetReadDeadline(http3Past)
	}
}

func (q *http3Request) isOverdue(now int64) bool {
	waited := now - q.since + q.waited
	return q.rate.BytesPerSecond > 0 && waited > int64(q.rate.GracePeriod) &&
		float64(q.seen) < q.rate.BytesPerSecond*time.Duration(waited).Seconds()
}

// enter begins a wait for bytes of the body; leave ends it and reports whether it took too long.
func (q *http3Request) enter() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reading, q.since = true, q.conn.socket.now()
}

func (q *http3Request) leave(n int) (overdue bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reading = false
	q.seen += int64(n)
	q.waited += max(q.conn.socket.now()-q.since, 0)
	return q.overdue
}

// http3Past is a deadline that makes a call return at once, http3Never none at all.
var (
	http3Past  = time.Unix(1, 0)
	http3Never = time.Time{}
)

// http3Deadline is when a write of n bytes must have ended, by a clock of the system: for writes that quic-go does when the
// handler has returned.
func http3Deadline(r limits.DataRate, n int64) time.Time {
	if r.BytesPerSecond <= 0 {
		return http3Never
	}
	return time.Now().Add(min(max(r.GracePeriod, r.Allowance(n)), math.MaxInt64/4))
}

// http3Meter tells Kestrel's numbers about connections. Without a Meter it does nothing.
type http3Meter struct{ metrics.Meter }

// opened counts a connection in; the function that it gives counts it out.
func (m http3Meter) opened(c *quic.Conn) (closed func()) {
	if m.Meter == nil {
		return func() {}
	}
	at, start := metrics.Address(c.LocalAddr()), time.Now()
	m.Add(metrics.ActiveConnections, 1, at...)
	return func() {
		m.Add(metrics.ActiveConnections, -1, at...)
		m.Record(metrics.ConnectionDuration, time.Since(start).Seconds(), append(at,
			slog.String(metrics.KeyProtocolName, "http"), slog.String(metrics.KeyProtocolVersion, "3"),
			slog.String(metrics.KeyTLSVersion, "1.3"))...)
	}
}

func (m http3Meter) rejected(c *quic.Conn) {
	if m.Meter != nil {
		m.Add(metrics.RejectedConnections, 1, metrics.Address(c.LocalAddr())...)
	}
}
