//go:build linux || darwin

package broker

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// window is how many connections a worker may have been sent that it has not taken. More wait here, where another worker can
// have them.
const window = 64

// maxTries is how many workers a connection may outlive without having been taken by one. A request that kills every worker that
// sees it does not kill the next one.
const maxTries = 3

// queue is a request queue (reference: servers.md, 4.1): the connections that wait for one of its workers. Its settings stay as
// they were when it was made.
//
// Each queue has a lock of its own, for those who accept give connections to it, and its workers' readers take them off. It
// is held for no longer than it takes to send one descriptor.
type queue struct {
	name      string // "" when it has none
	limit     int
	verbosity wire.Verbosity
	patience  time.Duration // how long a connection may wait
	version   atomic.Uint64 // of the last table that its workers are sent: set before anybody goes by it

	mu      sync.Mutex
	workers []*worker
	turn    int // who of those who have as little to do as another is next
	line    visits
	gone    bool // the last worker has left: nothing is taken any more
}

// worker is a process that takes connections from a queue. Its fields are under the queue's lock.
type worker struct {
	member  *member
	queue   *queue
	untaken []*visit // sent, oldest first; the broker keeps its own descriptor of each, so that nothing is lost with the worker
	taken   uint64
	dead    bool      // nothing is sent to it any more
	rests   time.Time // it has no room for descriptors, and is sent nothing until then
}

func newQueue(o wire.Open) *queue {
	q := &queue{name: o.Queue, limit: o.Limit, verbosity: o.Verbosity, patience: time.Duration(o.QueueTimeout) * time.Millisecond}
	if q.limit <= 0 {
		q.limit = DefaultQueueLimit
	}
	q.limit = min(q.limit, mostHeads()/2) // each in line is a descriptor, and one app must not have them all
	if q.patience <= 0 {
		q.patience = DefaultQueueTimeout
	}
	if q.verbosity == "" {
		q.verbosity = wire.Basic
	}
	return q
}

// put has a worker or the line take v. When neither can, it is false, and v stays the caller's. first says that v is the
// only one in line.
func (q *queue) put(v *visit) (ok, first bool, why answer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.gone:
		return false, false, noWorker
	case q.line.n == 0 && q.send(v):
		return true, false, answer{}
	case q.line.n >= q.limit:
		return false, false, noRoom
	}
	v.until = q.patient(v)
	q.line.add(v)
	return true, q.line.n == 1, answer{}
}

// patient says how long v may wait in line.
func (q *queue) patient(v *visit) time.Time {
	if v.due.IsZero() {
		return time.Now().Add(q.patience)
	}
	return v.due
}

// send gives v to the worker that has the least to take, if there is one with room.
func (q *queue) send(v *visit) bool {
	for {
		w := q.idlest()
		if w == nil {
			return false
		}
		v.until = time.Now().Add(2 * q.patience)
		if w.member.post(v.frame()) {
			w.untaken = append(w.untaken, v)
			return true
		}
		w.dead = true // its reader finds out, too
	}
}

// idlest gives nil when none has room.
func (q *queue) idlest() *worker {
	var best *worker
	for i := range q.workers {
		w := q.workers[(q.turn+i)%len(q.workers)]
		if !w.isAway() && len(w.untaken) < window && (best == nil || len(w.untaken) < len(best.untaken)) {
			best = w
			if len(w.untaken) == 0 {
				break
			}
		}
	}
	q.turn++
	return best
}

// isAway reports whether nothing may be sent to w, at least for now.
func (w *worker) isAway() bool {
	if !w.rests.IsZero() && time.Now().After(w.rests) {
		w.rests = time.Time{}
	}
	return w.dead || !w.rests.IsZero()
}

// lost takes back the oldest connection that w was sent, for which it has had no room (EMFILE): another worker gets it, or w later. ok is
// false when w was sent none; wait says that some are in line.
func (q *queue) lost(w *worker) (ok, wait bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(w.untaken) == 0 {
		return false, q.line.n > 0
	}
	v := w.untaken[0]
	w.untaken = append(w.untaken[:0], w.untaken[1:]...)
	if v.due.IsZero() {
		v.due = v.until.Add(-q.patience) // send has given it twice that
	}
	w.rests = time.Now().Add(scarcity)
	if !q.send(v) {
		v.until = v.due
		q.line.addFirst(v)
	}
	return true, q.line.n > 0
}

// took says that w has taken its oldest n connections: false when it was not sent as many. Those who wait move up.
func (q *queue) took(w *worker, n int) bool {
	q.mu.Lock()
	if n > len(w.untaken) {
		q.mu.Unlock()
		return false
	}
	var few [window]*visit
	done := few[:copy(few[:], w.untaken[:n])]
	w.untaken = append(w.untaken[:0], w.untaken[n:]...)
	w.taken += uint64(n)
	q.moveUp()
	q.mu.Unlock()
	for _, v := range done {
		v.end()
	}
	return true
}

// moveUp sends what waits, as far as there is room.
func (q *queue) moveUp() {
	for v := q.line.oldest; v != nil; v = q.line.oldest {
		q.line.remove(v)
		until := v.until
		if !q.send(v) {
			v.until = until
			q.line.addFirst(v)
			return
		}
	}
}

// join adds a worker.
func (q *queue) join(w *worker) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.workers = append(q.workers, w)
	q.moveUp()
}

// leave takes a worker out and gives back what it has not taken and, when it was the last one, what waits. gone says that it was.
func (q *queue) leave(w *worker) (back []*visit, gone bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, other := range q.workers {
		if other == w {
			q.workers = append(q.workers[:i:i], q.workers[i+1:]...)
			back, w.untaken = w.untaken, nil
		}
	}
	if len(q.workers) > 0 {
		return back, false
	}
	q.gone = true
	for v := q.line.oldest; v != nil; v = q.line.oldest {
		q.line.remove(v)
		back = append(back, v)
	}
	return back, true
}

// impatient gives those who have waited too long, and whether others still wait; those who can move up do. stuck are workers that have
// not taken for twice that time what they were sent: nobody else can have that as long as they are connected, for they might take
// it yet. Each is given once.
func (q *queue) impatient(now time.Time) (over []*visit, stuck []*member, wait bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, w := range q.workers {
		if !w.dead && len(w.untaken) > 0 && w.untaken[0].until.Before(now) {
			w.dead = true
			stuck = append(stuck, w.member)
		}
	}
	for v := q.line.oldest; v != nil && !v.until.After(now); v = q.line.oldest {
		q.line.remove(v)
		over = append(over, v)
	}
	q.moveUp()
	return over, stuck, q.line.n > 0
}

// describe gives what is shown of the queue.
func (q *queue) describe() wire.Queue {
	q.mu.Lock()
	defer q.mu.Unlock()
	shown := wire.Queue{Name: q.name, Limit: q.limit, Verbosity: q.verbosity, Waiting: q.line.n}
	for _, w := range q.workers {
		shown.Waiting += len(w.untaken)
		shown.Workers = append(shown.Workers, wire.WorkerState{PID: w.member.conn.Peer().PID, Program: w.member.hello.Program,
			Version: w.member.hello.Version, Taken: w.taken, Waiting: len(w.untaken)})
	}
	return shown
}

// whose says who has the queue, for messages.
func (q *queue) whose() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.workers) == 0 {
		return ""
	}
	return fmt.Sprintf(": process %d has it", q.workers[0].member.conn.Peer().PID)
}

// empty gives all that nobody has taken, when the broker ends.
func (q *queue) empty() (left []*visit) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.gone = true
	for _, w := range q.workers {
		left = append(left, w.untaken...)
		w.untaken = nil
	}
	for v := q.line.oldest; v != nil; v = q.line.oldest {
		q.line.remove(v)
		left = append(left, v)
	}
	return left
}
