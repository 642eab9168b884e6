package backend

import (
	"fmt"
	"time"
)

// rapidWindow is how long fails are counted together.
const rapidWindow = time.Minute

// rapidFails counts processes that crashed or failed to start, as the reference's code does (servers.md, 1.5, Q2): in
// windows that follow one another, not in one that slides. Unlike that code, and as its documentation says, a failed
// start counts too (Q3): it is what would otherwise go on for ever. One Get that failed counts once, whatever its attempts.
type rapidFails struct {
	since time.Time // the begin of the window
	count int
	told  bool // in this window, that nothing is started
}

// roll begins a new window when the old one is over.
func (r *rapidFails) roll(now time.Time) {
	if now.Sub(r.since) >= rapidWindow {
		*r = rapidFails{since: now}
	}
}

func (r *rapidFails) add(now time.Time) {
	r.roll(now)
	r.count++
}

// check is a *RapidFailError when there were more than limit fails in this window. A limit below 0 is none.
func (r *rapidFails) check(limit int, now time.Time) error {
	r.roll(now)
	if limit < 0 || r.count <= limit {
		return nil
	}
	first := !r.told
	r.told = true
	return &RapidFailError{Limit: limit, Until: r.since.Add(rapidWindow), first: first}
}

// RapidFailError says that nothing is started for now, because it failed too often (reference: servers.md, 1.5).
type RapidFailError struct {
	Limit int       // RapidFailsPerMinute
	Until time.Time // when it is tried again

	first bool // in this window
}

func (e *RapidFailError) Error() string {
	return fmt.Sprintf("the program has failed more than %d times within a minute; it is not started again before %s",
		e.Limit, e.Until.Format(time.TimeOnly))
}

// Hint says what to do.
func (e *RapidFailError) Hint() string {
	return "see its output for why it fails; rapidFailsPerMinute is how often it may"
}
