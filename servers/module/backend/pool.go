package backend

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Pool keeps the processes of one application, as many as its options say, each started when a request wants it.
// Requests go to them in turn (reference: servers.md, 1.5). Whoever makes one must Stop it.
//
// Its goroutines: one for each process, from its start to its end, see Process. Stop waits for them.
type Pool struct {
	turn    atomic.Uint64 // of the next request
	current atomic.Pointer[generation]

	mu       sync.Mutex // for what begins and ends, never held while something is waited for
	stopping chan struct{}
	killing  context.Context
	kill     context.CancelFunc
	running  sync.WaitGroup
	dropped  bool    // nothing is to be started
	left     []error // of processes that could not be killed

	stdout, stderr sync.Mutex // held while something is written there
}

// errRetired is why a process is not wanted any more, though another is.
var errRetired = errors.New("the configuration has changed")

// ErrDropped is the error of Get from Drop to Resume.
var ErrDropped = errors.New("the application was taken offline")

// New makes a Pool that runs nothing yet.
func New(o Options) *Pool {
	p := &Pool{stopping: make(chan struct{})}
	p.killing, p.kill = context.WithCancel(context.Background())
	p.current.Store(p.newGeneration(o.completed(), nil))
	return p
}

// Ready gives the process whose turn it is, acquired: Release it. It is nil when that one does not run: then Get is
// needed, and the turn is not used up. It reads a few atomics and waits for nothing.
func (p *Pool) Ready() *Process {
	slots := p.current.Load().slots
	if len(slots) == 1 {
		return slots[0].acquire()
	}
	for {
		turn := p.turn.Load()
		process := slots[turn%uint64(len(slots))].acquire()
		if process == nil {
			return nil
		}
		if p.turn.CompareAndSwap(turn, turn+1) {
			return process
		}
		process.Release() // another request took the turn
	}
}

// Get gives the process whose turn it is, acquired: Release it. Where there is none it starts one and waits for it,
// with whoever else wants it; the start goes on when ctx ends. Errors: a *StartError, a *RapidFailError, ErrDropped,
// ErrStopping, the cause of ctx.
func (p *Pool) Get(ctx context.Context) (*Process, error) {
	turn := p.turn.Add(1) - 1
	for {
		g := p.current.Load()
		s := &g.slots[turn%uint64(len(g.slots))]
		if process := s.acquire(); process != nil {
			return process, nil
		}
		process, err := p.await(ctx, g, s)
		if err == nil || !errors.Is(err, errAgain) && !errors.Is(err, errRetired) {
			return process, err
		}
		// What it waited for is over already: the process has ended, or other options came.
	}
}

// errAgain says that the slot has changed.
var errAgain = errors.New("again")

// await waits for the start of the slot's process, and begins it where nobody has.
func (p *Pool) await(ctx context.Context, g *generation, s *slot) (*Process, error) {
	start, err := p.begin(g, s)
	if err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-start.done:
	}
	if start.err != nil {
		return nil, start.err
	}
	if start.process.acquire() {
		return start.process, nil
	}
	return nil, errAgain
}

// begin gives the slot's start, a new one where there is none.
func (p *Pool) begin(g *generation, s *slot) (*starting, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case g.ctx.Err() != nil:
		return nil, context.Cause(g.ctx)
	case p.dropped:
		return nil, ErrDropped
	case s.process.Load() != nil:
		return nil, errAgain
	case s.starting != nil:
		return s.starting, nil
	}
	if err := g.fails.check(g.RapidFailsPerMinute, time.Now()); err != nil {
		g.refused(err)
		return nil, err
	}
	s.starting = &starting{done: make(chan struct{})}
	g.live++
	p.running.Add(1)
	go p.follow(g, s, s.starting)
	return s.starting, nil
}

// follow is the goroutine of a process.
func (p *Pool) follow(g *generation, s *slot, start *starting) {
	defer p.ended(g)
	late := make(chan struct{})
	launched, hosting, err := g.launch(s.number, func(e *StartError) {
		e.Late = late
		p.slow(g, start, e)
	})
	var process *Process
	if err == nil {
		process = newProcess(p, g, s, hosting, launched)
	}
	p.mu.Lock()
	s.starting = nil
	if err == nil {
		s.process.Store(process)
	}
	p.settle(g, start, process, err)
	p.mu.Unlock()
	close(late)
	if err == nil {
		process.run()
	}
}

// slow fails a start whose process is kept. It stays the slot's, so that whoever comes fails, too, until the process is ready.
func (p *Pool) slow(g *generation, start *starting, err *StartError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settle(g, start, nil, err)
}

// settle says once how a start went. mu is held.
func (p *Pool) settle(g *generation, start *starting, process *Process, err error) {
	if isClosed(start.done) {
		return
	}
	if _, failed := errors.AsType[*StartError](err); failed {
		g.fails.add(time.Now())
	}
	start.process, start.err = process, err
	close(start.done)
}

// ended takes a process off the books.
func (p *Pool) ended(g *generation) {
	p.mu.Lock()
	g.live--
	g.checkGone()
	p.mu.Unlock()
	p.running.Done()
}

// cannotEnd notes that something is left of a process.
func (p *Pool) cannotEnd(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = append(p.left, err)
}

// Recycle has the requests from now on go to new processes, with o, which are started when they are wanted. The old
// ones finish what was acquired and stop then, or when the old ShutdownTimeLimit is over; a start that is under way is
// given up, and whoever waits for it waits for the new one. The count of rapid fails begins anew. It waits for nothing.
// After Stop it does nothing.
func (p *Pool) Recycle(o Options) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.replace(o, errRetired, "the application is recycled, since its configuration has changed")
}

// Drop has the application go offline: its processes are asked to stop at once, so that they know of it while they finish their
// requests, and none is started until Resume (reference: servers.md, 1.10). Who waits for a start gets ErrDropped. It waits for
// nothing. A Recycle in between changes the options of later.
func (p *Pool) Drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropped = true
	p.replace(p.current.Load().Options, ErrDropped, "the application is stopped, since it was taken offline")
}

// Resume ends what Drop began.
func (p *Pool) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropped = false
}

// replace is called with mu held.
func (p *Pool) replace(o Options, cause error, told string) {
	old := p.current.Load()
	if isClosed(p.stopping) {
		return
	}
	p.current.Store(p.newGeneration(o.completed(), old))
	old.retire(cause)
	old.checkGone()
	old.Logger.Info(told, "program", old.Name)
}

// Stop has all processes stop, those of before a Recycle too, and returns when nothing of them is left. They are asked
// at once, and have the ShutdownTimeLimit to finish their requests and end; then they are killed. The end of ctx kills
// them at once, and its cause is the error then. Another error is a *process.LeftError. It may be called several times.
func (p *Pool) Stop(ctx context.Context) error {
	p.mu.Lock()
	if !isClosed(p.stopping) {
		close(p.stopping)
	}
	p.current.Load().retire(ErrStopping)
	p.mu.Unlock()
	// Nothing can begin any more, so that the wait cannot begin too early.
	unwatch := context.AfterFunc(ctx, p.kill)
	var killed error
	p.running.Wait()
	if !unwatch() {
		killed = context.Cause(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Join(append([]error{killed}, p.left...)...)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
