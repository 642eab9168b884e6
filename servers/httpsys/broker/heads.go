//go:build linux || darwin

package broker

import (
	"sync"
	"syscall"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/serve"
	"golang.org/x/sys/unix"
)

// finishWait is how long a client that was refused may take to end its side, so that it gets to read the answer.
const finishWait = 2 * time.Second

// heads has the connections that wait for more of their first head, and those that were answered and are read to their end.
// They cost a descriptor and a visit each, no buffer and no goroutine: bytes stay in the system until a head is whole.
//
// It has one goroutine, run. The other methods may be called by several.
type heads struct {
	broker *Broker
	poller *poller
	wait   time.Duration // for a head
	most   int           // how many there may be of both kinds

	mu      sync.Mutex
	byFD    map[int]*visit
	waiting visits
	ending  visits
	until   time.Time // what run waits for
	round   uint64    // counts run's waits
	closed  bool
	shed    uint64 // how many had to go for others
}

// later has v looked at again when more has come. v is heads' from then on. It is ended when nothing of a head has come and nobody
// has registered for its port: then, or as soon as that is so (sweep).
func (h *heads) later(v *visit) { h.keep(v, &h.waiting, h.wait) }

// finish ends a connection on which an answer was written: closed at once, the system would tell the client of bytes that
// nobody has read, and that may cost it the answer.
func (h *heads) finish(v *visit) {
	if unix.Shutdown(v.fd, unix.SHUT_WR) != nil {
		v.end()
		return
	}
	h.keep(v, &h.ending, finishWait)
}

func (h *heads) keep(v *visit, in *visits, wait time.Duration) {
	h.mu.Lock()
	if h.closed || in == &h.waiting && h.isForNobody(v) {
		h.mu.Unlock()
		v.end()
		return
	}
	oldest := h.room()
	v.busy, v.round = false, h.round
	v.until = time.Now().Add(wait)
	in.add(v)
	h.byFD[v.fd] = v
	failed := h.poller.add(v.fd) != nil
	if failed {
		h.forget(v)
	}
	wake := h.until.IsZero() || v.until.Before(h.until)
	h.mu.Unlock()
	if oldest != nil {
		oldest.end()
	}
	if failed {
		v.end()
	} else if wake {
		h.poller.wake()
	}
}

func (h *heads) forget(v *visit) {
	v.list.remove(v)
	delete(h.byFD, v.fd)
}

// run looks at those that have news and ends those whose time is over, until close; then all are ended.
func (h *heads) run() {
	defer h.endAll()
	r := newReader()
	var all []news
	for {
		until, open := h.expire()
		if !open {
			return
		}
		h.mu.Lock()
		h.round++
		h.mu.Unlock()
		var err error
		if all, err = h.poller.wait(until, all[:0]); err != nil {
			return
		}
		for _, n := range all {
			h.look(n, r)
		}
	}
}

// look goes on with one that has news.
func (h *heads) look(n news, r *reader) {
	h.mu.Lock()
	v := h.byFD[n.fd]
	if v == nil {
		h.mu.Unlock()
		return
	}
	if n.ended && v.round == h.round {
		// It may have come since run waits, and the news be of another that had its number before. What is so is told again.
		v.round = 0
		h.poller.remove(v.fd)
		if h.poller.add(v.fd) == nil {
			h.mu.Unlock()
			return
		}
	}
	v.busy = true // so that nobody ends it meanwhile to make room
	ending := v.list == &h.ending
	h.mu.Unlock()
	if ending && r.discard(v.fd) {
		h.release(v)
		v.end()
		return
	}
	if !ending {
		if d := h.broker.decide(v, r, n.ended); d.what != wait {
			h.release(v)
			h.broker.act(v, d)
			return
		}
	}
	h.mu.Lock()
	v.busy = false
	over := !ending && h.isForNobody(v) // sweep may have passed it by
	h.mu.Unlock()
	if over {
		h.release(v)
		v.end()
	}
}

// patience is how much is read from a client that was refused, and goes on to send.
const patience = 1 << 20

// discard reads what is there, and reports whether the client has come to an end, or should have.
func (r *reader) discard(fd int) (over bool) {
	for left := patience; left > 0; {
		n, e := serve.Recv(uintptr(fd), r.buffer)
		if e == syscall.EAGAIN {
			return false
		}
		if e != 0 || n == 0 {
			return true
		}
		left -= n
	}
	return true
}

// release takes v out: it is the caller's again.
func (h *heads) release(v *visit) {
	h.mu.Lock()
	if v.list != nil {
		h.poller.remove(v.fd)
		h.forget(v)
	}
	h.mu.Unlock()
}

// expire ends those whose time is over, and gives the time of the next.
func (h *heads) expire() (until time.Time, open bool) {
	now := time.Now()
	for {
		h.mu.Lock()
		if h.closed {
			h.mu.Unlock()
			return time.Time{}, false
		}
		v := sooner(h.waiting.oldest, h.ending.oldest)
		if v == nil || v.until.After(now) {
			h.until = time.Time{}
			if v != nil {
				h.until = v.until
			}
			until = h.until
			h.mu.Unlock()
			return until, true
		}
		ending := v.list == &h.ending
		h.poller.remove(v.fd)
		h.forget(v)
		h.mu.Unlock()
		if ending {
			v.end()
		} else {
			h.broker.slow(v)
		}
	}
}

func sooner(a, b *visit) *visit {
	if a == nil || b != nil && b.until.Before(a.until) {
		return b
	}
	return a
}

// close has run end, which ends all.
func (h *heads) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.poller.wake()
}

func (h *heads) endAll() {
	h.mu.Lock()
	h.closed = true
	for _, v := range h.byFD {
		v.end()
	}
	clear(h.byFD)
	h.waiting, h.ending = visits{}, visits{}
	h.mu.Unlock()
	h.poller.close()
}
