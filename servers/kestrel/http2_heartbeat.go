package kestrel

import (
	"log/slog"
	"time"
)

// http2Tick is how often the limits on time are looked at: every second, as Kestrel does, or more often for shorter limits.
func http2Tick(l *Limits) time.Duration {
	shortest := min(l.MinRequestBodyDataRate.GracePeriod, l.MinResponseDataRate.GracePeriod)
	return max(min(time.Second, shortest/4), 5*time.Millisecond)
}

// heartbeat looks at every stream once a tick, as Kestrel does. A request costs no timer, and a limit on time is kept to
// within two ticks.
func (h *http2) heartbeat() {
	ticker := time.NewTicker(h.tick)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-h.done:
			return
		case t := <-ticker.C:
			h.beat(h.clock.Add(h.counts(t.Sub(last))))
			last = t
		}
	}
}

// counts is how much of the time since the last beat counts: at most two ticks. A process that was stopped for a while, by a
// debugger or because the computer slept, does not hold that against its clients.
func (h *http2) counts(passed time.Duration) int64 { return int64(min(max(passed, 0), 2*h.tick)) }

// now is the clock, up to a tick ahead: nobody is given less time than is due.
func (h *http2) now() int64 { return h.clock.Load() + int64(h.tick) }

func (h *http2) beat(now int64) {
	for _, conn := range h.conns.Range {
		conn.(*http2Conn).beat(now)
	}
}

func (c *http2Conn) beat(now int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// A body that nobody reads may fill the window of the whole connection, and then others come slowly through no fault of the
	// client's.
	var held int64
	for _, s := range c.running {
		held += s.held(int64(c.h.limits.HTTP2.InitialStreamWindowSize))
	}
	excused := held >= int64(c.h.limits.HTTP2.InitialConnectionWindowSize)
	for _, s := range c.running {
		s.beat(now, excused)
	}
	c.watchRest(now)
}

// watchRest closes the connection when its client does not take what handlers have left behind. net/http sends the last
// 4 KB of a response when the handler has returned, where no deadline can be set any more; but it says when no stream is open.
// A handler that begins is seen a little later than its stream, hence the second look.
func (c *http2Conn) watchRest(now int64) {
	was := c.stuck
	c.stuck = !c.idle && len(c.running) == 0 && c.until != 0 && now > c.until
	if was && c.stuck {
		c.h.log.Debug("response taken too slowly", slog.String("remote", c.raw.RemoteAddr().String()))
		c.h.work.Go(c.force)
	}
}

func (s *http2Stream) held(window int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http2Body == nil {
		return 0
	}
	return s.http2Body.held(window)
}

// beat cuts the stream off when its client is too slow, on a goroutine of its own: net/http may be busy.
func (s *http2Stream) beat(now int64, excused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.http2Body; b != nil {
		if excused {
			b.since = max(b.since, now)
		}
		if !b.late && b.isTooSlow(now) {
			b.late = true
			s.conn.h.work.Go(s.stopReading)
		}
	}
	if s.isBlocked(now) {
		s.conn.h.work.Go(s.conn.force)
	}
	if s.isSlowReader(now) {
		s.cut = true
		s.conn.h.log.Debug("response taken too slowly", slog.String("remote", s.conn.raw.RemoteAddr().String()))
		s.conn.h.work.Go(s.reset)
	}
}

// stopReading makes the Read that waits for the body return.
func (s *http2Stream) stopReading() {
	s.life.Lock()
	defer s.life.Unlock()
	if !s.gone {
		s.to.SetReadDeadline(past)
	}
}
