package backend

import (
	"context"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorun-dev/gorun/internal/process"
)

// Process is a process that is ready for requests, or was. One goroutine decides about it, that of Pool.follow and run;
// another waits for its end and two read its output, see launched. All have ended when Pool.Stop returns.
type Process struct {
	*launched
	pool    *Pool
	of      *generation
	slot    *slot
	hosting Hosting

	uses    atomic.Int64  // how many have acquired it; about closed when nobody may any more
	drained chan struct{} // closed when nobody may acquire it any more and all have released it
	once    sync.Once     // closes drained

	gone     chan struct{} // see Exited
	checking sync.Mutex    // one check of Failed at a time
	deaf     chan struct{} // closed when it was found not to listen; under checking
}

// closed is what uses counts from when nobody may acquire the process.
const closed = math.MinInt64 / 2

func newProcess(p *Pool, g *generation, s *slot, hosting Hosting, l *launched) *Process {
	l.output.forgetHead()
	return &Process{
		launched: l, pool: p, of: g, slot: s, hosting: hosting,
		drained: make(chan struct{}), deaf: make(chan struct{}), gone: make(chan struct{}),
	}
}

// PID is the program's.
func (p *Process) PID() int { return p.tree.PID() }

// Hosting is what Options.Host has made for it, so that the front gets the address and the token of an *OutOfProcess.
func (p *Process) Hosting() Hosting { return p.hosting }

// Exited is closed when the process has ended and nothing of its tree is left. Nobody gets it any more then.
func (p *Process) Exited() <-chan struct{} { return p.gone }

// Status is how the program ended; ok is false before Exited is closed.
func (p *Process) Status() (status process.Status, ok bool) {
	if !isClosed(p.gone) {
		return process.Status{}, false
	}
	return p.status, true
}

// LastLines is what the program wrote last, at most MaxLines. Just after its end the very last may be missing.
func (p *Process) LastLines() []string { return p.output.tail() }

// Release is to be called once for each Get, and each Ready that gave a Process, when the request is over.
func (p *Process) Release() {
	if p.uses.Add(-1) == closed {
		p.once.Do(func() { close(p.drained) })
	}
}

// acquire is false when the process is not to have requests any more.
func (p *Process) acquire() bool {
	if p.uses.Add(1) > 0 {
		return true
	}
	p.Release()
	return false
}

// close lets nobody acquire the process from now on, and has the next request start another one. It may be called again.
func (p *Process) close() {
	p.slot.process.CompareAndSwap(p, nil) // first: who fails to acquire it must not find it again
	for {
		uses := p.uses.Load()
		if uses < 0 {
			return
		}
		if p.uses.CompareAndSwap(uses, uses+closed) {
			if uses == 0 {
				p.once.Do(func() { close(p.drained) })
			}
			return
		}
	}
}

// Failed says that the front could not reach the process. It is checked at once whether it still listens, where its
// hosting can tell; a deaf one gets no more requests, is stopped, and is replaced by the next Get. When Failed returns, that
// is decided: isGone reports whether the process gets no more requests, for this reason or another.
func (p *Process) Failed() (isGone bool) {
	p.checking.Lock()
	defer p.checking.Unlock()
	if p.uses.Load() < 0 {
		return true
	}
	hosting, ok := p.hosting.(interface{ Deaf(*process.Tree) bool })
	if !ok || !hosting.Deaf(p.tree) {
		return p.uses.Load() < 0 // by now
	}
	p.close()
	if !isClosed(p.deaf) {
		close(p.deaf)
	}
	return true
}

// crashShows is how long it may take until the end of a process is known whose sockets are gone already. Nobody waits for it: the
// next process starts meanwhile.
const crashShows = time.Second

// run follows a process that is ready, to its end.
func (p *Process) run() {
	select {
	case <-p.life.Done():
		p.crashed()
	case <-p.deaf:
		if p.within(crashShows, p.life.Done()) {
			p.crashed()
		} else {
			p.wentDeaf()
		}
	case <-p.leaving():
		p.leaves()
	case <-p.of.ctx.Done():
		p.retired()
	}
	<-p.life.Done()
	p.close()
	close(p.gone)
	p.finish()
	p.of.exited(p.launched)
	if p.left != nil {
		p.pool.cannotEnd(p.left)
	}
	if closer, ok := p.hosting.(io.Closer); ok {
		_ = closer.Close()
	}
}

// crashed is the end that nobody asked for, whatever its exit code (reference: servers.md, 1.5).
func (p *Process) crashed() {
	p.close()
	p.fail()
	p.of.crashed(p.launched)
}

// wentDeaf ends a process that lives and does not listen.
func (p *Process) wentDeaf() {
	p.fail()
	p.of.deaf(p.launched)
	p.end()
}

// leaving is closed when the process says that it begins to stop.
func (p *Process) leaving() <-chan struct{} {
	if hosting, ok := p.hosting.(interface{ Leaving() <-chan struct{} }); ok {
		return hosting.Leaving()
	}
	return nil
}

// leaves lets a process end that has begun to by its own will: it gets no more requests, and has as long as if it was asked.
func (p *Process) leaves() {
	p.close()
	p.fail()
	p.of.leaves(p.launched)
	p.await(p.of.shutdownLimit())
}

// fail counts.
func (p *Process) fail() {
	p.pool.mu.Lock()
	defer p.pool.mu.Unlock()
	p.of.fails.add(time.Now())
}

// retired ends a process that is not wanted any more. After a Recycle it first finishes its requests, which nobody can
// send elsewhere: they are few, since there are no new ones. When everything stops it is asked at once, so that it knows.
func (p *Process) retired() {
	p.close()
	if context.Cause(p.of.ctx) == errRetired {
		p.within(p.of.shutdownLimit(), p.drained, p.life.Done(), p.pool.stopping)
	}
	p.end()
}

// end stops the process: it is asked in its hosting's way for at most half of the limit, else by a signal, and killed when
// the limit is over (reference: servers.md, 1.9). A program that only knows signals may end at once when it gets one, so
// its requests may take half of the limit first.
func (p *Process) end() {
	limit := p.of.shutdownLimit()
	begun := time.Now()
	ctx, cancel := context.WithTimeout(p.life, limit/2)
	defer cancel()
	defer context.AfterFunc(p.pool.killing, cancel)()
	p.of.stopping(p.launched, "")
	if err := p.hosting.Ask(ctx, p.tree); err != nil && !p.ended() {
		p.of.askFailed(p.launched, err)
		p.within(limit/2-time.Since(begun), p.drained, p.life.Done(), p.pool.killing.Done())
		p.signal()
	} else if err == nil {
		p.of.asked(p.launched)
	}
	p.await(limit - time.Since(begun))
}

// await waits for the end, and kills when the time is over.
func (p *Process) await(limit time.Duration) {
	if !p.within(limit, p.life.Done(), p.pool.killing.Done()) {
		p.of.notGraceful(p.launched)
	}
	p.kill()
}

func (p *Process) signal() {
	if p.ended() {
		return
	}
	if p.tree.Signal(p.of.StopSignal) == nil {
		p.of.stopping(p.launched, signalName(p.of.StopSignal))
	}
}

// kill ends what has not ended, and waits for it.
func (p *Process) kill() {
	if !p.ended() {
		if p.pool.killing.Err() == nil { // who kills all of them has told it
			p.of.killing(p.launched)
		}
		_ = p.tree.Kill() // what cannot be killed has ended
	}
	<-p.life.Done()
}

// within waits until one of the channels is closed, and reports whether that was so before the time was over. A nil
// channel never is.
func (p *Process) within(d time.Duration, first <-chan struct{}, others ...<-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	others = append(others, nil, nil)
	select {
	case <-timer.C:
		return isClosed(first)
	case <-first:
	case <-others[0]:
	case <-others[1]:
	}
	return true
}
