//go:build linux || darwin

package process

import (
	"slices"
	"syscall"
	"time"
)

const (
	// echoWait is how long a signal that is to be passed on waits for the guard's own copy. The kernel queues the
	// copies of one Ctrl+C within microseconds of each other; the rest is for a busy machine.
	echoWait = 50 * time.Millisecond
	// echoLife is how long a copy counts. Whoever passes on what it gets does so at once; a copy that is not asked
	// for (the caller does not watch that signal) must not swallow a later one.
	echoLife = time.Second
)

// ledger decides which signals the guard passes on when it shares the program's process group. A signal that came
// from the terminal, or was sent to the whole group, has reached the program already; the guard knows it by the copy
// that it got itself. Only a signal without such a copy was meant for the caller alone and goes on to the program.
type ledger struct {
	copies []entry // received, and not asked for so far
	orders []entry // asked for, and not received so far
}

type entry struct {
	signal syscall.Signal
	until  time.Time
}

// received notes a copy.
func (l *ledger) received(signal syscall.Signal, now time.Time) {
	if i := l.find(l.orders, signal); i >= 0 {
		l.orders = slices.Delete(l.orders, i, i+1)
		return
	}
	l.forget(now)
	l.copies = append(l.copies, entry{signal, now.Add(echoLife)})
}

// ordered notes that the caller asks to pass a signal on.
func (l *ledger) ordered(signal syscall.Signal, now time.Time) {
	l.forget(now)
	if i := l.find(l.copies, signal); i >= 0 {
		l.copies = slices.Delete(l.copies, i, i+1)
		return
	}
	l.orders = append(l.orders, entry{signal, now.Add(echoWait)})
}

// due returns the signals that are to be passed on now, in the order in which they were asked for.
func (l *ledger) due(now time.Time) []syscall.Signal {
	var due []syscall.Signal
	for len(l.orders) > 0 && !now.Before(l.orders[0].until) {
		due = append(due, l.orders[0].signal)
		l.orders = l.orders[1:]
	}
	return due
}

// next is when due has something to say, or the zero time.
func (l *ledger) next() time.Time {
	if len(l.orders) == 0 {
		return time.Time{}
	}
	return l.orders[0].until
}

func (l *ledger) forget(now time.Time) {
	l.copies = slices.DeleteFunc(l.copies, func(e entry) bool { return e.until.Before(now) })
}

func (*ledger) find(list []entry, signal syscall.Signal) int {
	return slices.IndexFunc(list, func(e entry) bool { return e.signal == signal })
}
