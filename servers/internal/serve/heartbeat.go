package serve

import (
	"log/slog"
	"time"
)

// heartbeat looks at every connection once a tick, as Kestrel does. A connection costs no timer, and a limit on time is
// kept to within two ticks.
func (k *core) heartbeat() {
	ticker := time.NewTicker(k.tick)
	defer ticker.Stop()
	for last := time.Now(); ; {
		select {
		case <-k.done:
			return
		case at := <-ticker.C:
			k.beat(k.clock.Add(k.counts(at.Sub(last))))
			last = at
		}
	}
}

// counts is how much of the time since the last beat counts: at most two ticks. A process that was stopped for a while, by a
// debugger or with its machine, cuts nobody off when it goes on.
func (k *core) counts(passed time.Duration) int64 { return int64(min(max(passed, 0), 2*k.tick)) }

func (k *core) beat(now int64) {
	k.date.Store(dateLine(time.Now()))
	k.mu.Lock()
	defer k.mu.Unlock()
	for c := range k.conns {
		c.beat(now)
	}
}

// now is the core's clock, up to a tick ahead: nobody is given less time than is due.
func (k *core) now() int64 { return k.clock.Load() + int64(k.tick) }

func (c *conn) beat(now int64) {
	if by := c.answer.by.Load(); by != 0 && now > by {
		c.core.log.Debug("response taken too slowly", slog.String("remote", c.remote))
		c.abort()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.reading || c.overdue != forNothing:
	case c.isOverdue(now):
		c.overdue = c.waits
		c.interrupt()
	case c.lazy == nil && c.waits == forRequest && !c.idle && !c.resting && now-c.since > 0:
		c.idle = true
		c.interrupt()
	}
}

func (c *conn) isOverdue(now int64) bool {
	waited := now - c.since
	limits := &c.core.limits
	switch c.waits {
	case forRequest:
		return waited > int64(limits.KeepAliveTimeout)
	case forHead:
		return waited > int64(limits.RequestHeadersTimeout)
	case forDrain:
		return waited > int64(drainTimeout)
	case forBody:
		waited += c.bodyWait
		return c.rate.BytesPerSecond > 0 && waited > int64(c.rate.GracePeriod) &&
			float64(c.bodySeen) < c.rate.BytesPerSecond*time.Duration(waited).Seconds()
	}
	return false
}
