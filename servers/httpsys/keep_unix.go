//go:build unix

package httpsys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

const (
	firstPause    = 20 * time.Millisecond // before a lost broker is looked for again; doubled each time
	lastPause     = time.Second
	patience      = 5 * time.Second  // without a broker, before the user is told what to do
	startPatience = 2 * time.Second  // for the first broker
	answerWait    = 30 * time.Second // how long a broker may take to register a program
)

var errSilent = fmt.Errorf("the broker has not answered for %v", answerWait)

// start makes the first session. Where somebody keeps a broker for this process, as gorun does, one that is not there is about to come.
func (c *client) start(ctx context.Context) (*session, error) {
	since := time.Now()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		s, err := c.connect(ctx, false)
		if err == nil || !isAway(err) || c.server.getenv(wire.Variable) == "" || time.Since(since) > startPatience || !wait(ctx, pause) {
			return s, err
		}
	}
}

// isAway reports whether there is no broker, or none any more.
func isAway(err error) bool {
	_, missing := errors.AsType[*wire.NoBrokerError](err)
	return missing || errors.Is(err, errLost)
}

// keep replaces a session that is lost, until ctx is done. One that was short is replaced as slowly as a broker that is not there
// is looked for.
func (c *client) keep(ctx context.Context, s *session) {
	for pause := firstPause; ; {
		since := time.Now()
		select {
		case <-ctx.Done():
			return
		case <-s.lost:
		}
		c.session.Store(nil)
		_ = s.close()
		c.log.Warn("the connection to the broker is lost; connections that are open go on")
		if pause = nextPause(pause, time.Since(since)); !wait(ctx, pause) {
			return
		}
		if s = c.again(ctx); s == nil {
			return
		}
		c.log.Info("the broker is there again, and everything is registered")
	}
}

// nextPause is how long to wait after a session that has lasted for so long; pause is what was waited before it.
func nextPause(pause, lasted time.Duration) time.Duration {
	if lasted > lastPause {
		return firstPause
	}
	return min(2*pause, lastPause)
}

// again makes a session, however long it takes; nil when ctx is done before.
func (c *client) again(ctx context.Context) *session {
	c.mu.Lock()
	c.whole = false
	c.mu.Unlock()
	since, told, last := time.Now(), false, ""
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		s, err := c.connect(ctx, true)
		if err == nil {
			return s
		}
		if ctx.Err() != nil {
			return nil
		}
		switch {
		case !isAway(err) && err.Error() != last:
			last = err.Error()
			c.log.Error("the broker does not take this program back", slog.Any("error", err))
		case !told && time.Since(since) > patience:
			told = true
			c.log.Error("there is still no broker: nobody can connect", slog.String("hint", "start it: gorun httpsys start"))
		}
		if !wait(ctx, pause) {
			return nil
		}
	}
}

// wait is false when ctx is done before.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
