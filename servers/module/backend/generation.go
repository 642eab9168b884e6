package backend

import (
	"context"
	"sync/atomic"
)

// generation is the processes that one set of options is for.
type generation struct {
	Options
	slots []slot
	fails rapidFails // by the pool's mu

	ctx    context.Context // its cause says why no more is started: errRetired, ErrDropped or ErrStopping
	retire context.CancelCauseFunc
	live   int           // processes that start or run, by the pool's mu
	gone   chan struct{} // closed when it is retired and live is 0
	before *generation   // what it replaced
}

// slot is the place of one process.
type slot struct {
	number   int
	process  atomic.Pointer[Process] // nil: none is ready
	starting *starting               // by the pool's mu; nil: none
}

// starting is a start that several may wait for.
type starting struct {
	done    chan struct{} // closed when process or err is set
	process *Process
	err     error
}

// newGeneration has nothing that runs yet. o is completed.
func (p *Pool) newGeneration(o Options, before *generation) *generation {
	for before != nil && isClosed(before.gone) {
		before = before.before
	}
	g := &generation{Options: o, slots: make([]slot, o.Processes), gone: make(chan struct{}), before: before}
	g.Stdout, g.Stderr = shared(&p.stdout, g.Stdout), shared(&p.stderr, g.Stderr)
	g.ctx, g.retire = context.WithCancelCause(context.Background())
	for i := range g.slots {
		g.slots[i].number = i
	}
	return g
}

// acquire is Process.acquire of the slot's process, nil where there is none.
func (s *slot) acquire() *Process {
	if process := s.process.Load(); process != nil && process.acquire() {
		return process
	}
	return nil
}

// checkGone closes gone when nothing is left of a retired generation.
func (g *generation) checkGone() {
	if g.live == 0 && g.ctx.Err() != nil && !isClosed(g.gone) {
		close(g.gone)
	}
}
