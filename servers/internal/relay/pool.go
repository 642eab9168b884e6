package relay

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// pool keeps the connections to one Target that have no request. They lie on several stacks, so that processors do not wait
// for each other; the one used last is taken first, and what is not needed grows old at the bottom.
type pool struct {
	relay  *Relay
	closed atomic.Bool
	depth  int // of each stack
	stacks []stack
}

type stack struct {
	mu   sync.Mutex
	idle []*conn
	_    [32]byte // a cache line for each
}

func newPool(r *Relay) *pool {
	n := min(max(r.options.MaxIdle, 0), runtime.GOMAXPROCS(0))
	p := &pool{relay: r, stacks: make([]stack, n)}
	if n > 0 {
		p.depth = (r.options.MaxIdle + n - 1) / n
	}
	return p
}

// take gives a connection that is still open and on which nothing has come, or nil.
func (p *pool) take() *conn {
	n := len(p.stacks)
	if n == 0 {
		return nil
	}
	for i, first := 0, rand.IntN(n); i < n; i++ {
		s := &p.stacks[(first+i)%n]
		for c := s.pop(); c != nil; c = s.pop() {
			if c.isQuiet() {
				return c
			}
			c.Close()
		}
	}
	return nil
}

func (s *stack) pop() *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.idle) - 1
	if last < 0 {
		return nil
	}
	c := s.idle[last]
	s.idle[last] = nil
	s.idle = s.idle[:last]
	return c
}

// put keeps c, or closes it.
func (p *pool) put(c *conn) {
	c.rest()
	if n := len(p.stacks); n == 0 || !p.push(&p.stacks[rand.IntN(n)], c) {
		c.Close()
		return
	}
	p.relay.sweepLater()
}

func (p *pool) push(s *stack, c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.closed.Load() || len(s.idle) >= p.depth {
		return false
	}
	s.idle = append(s.idle, c)
	return true
}

// close closes all connections, and lets none in from then on.
func (p *pool) close() {
	p.closed.Store(true)
	p.sweep(func(*conn) bool { return false })
}

// sweep closes the connections that keep does not want. It returns how many are left.
func (p *pool) sweep(keep func(*conn) bool) (left int) {
	for i := range p.stacks {
		s := &p.stacks[i]
		s.mu.Lock()
		kept := s.idle[:0]
		for _, c := range s.idle {
			if keep(c) {
				kept = append(kept, c)
			} else {
				c.Close()
			}
		}
		clear(s.idle[len(kept):])
		s.idle = kept
		left += len(kept)
		s.mu.Unlock()
	}
	return left
}

// sweepLater has the connections looked through after a while, as long as there are some.
func (r *Relay) sweepLater() {
	if r.sweeping.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.sweeper != nil {
		return
	}
	r.sweeping.Store(true)
	r.sweeps.Add(1)
	r.sweeper = time.AfterFunc(r.options.IdleTimeout/4, r.sweep)
}

// sweep closes the connections that have been idle for too long, or that the app has closed.
func (r *Relay) sweep() {
	defer r.sweeps.Done()
	r.mu.Lock()
	r.sweeper = nil
	r.sweeping.Store(false)
	r.mu.Unlock()
	if r.look() > 0 {
		r.sweepLater()
	}
}

// look returns how many connections are left.
func (r *Relay) look() (left int) {
	oldest := time.Now().Add(-r.options.IdleTimeout)
	for _, p := range *r.pools.Load() {
		left += p.sweep(func(c *conn) bool { return c.since.After(oldest) && c.isQuiet() })
	}
	return left
}
