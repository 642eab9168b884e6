//go:build linux || darwin

package process

import (
	"os/signal"
	"slices"
	"syscall"
	"time"
)

const (
	// killEvery is the time between two rounds of killing, where no SIGCHLD comes first.
	killEvery = 5 * time.Millisecond
	// giveUpAfter is the number of rounds in which nothing may be killed, until the guard stops trying.
	giveUpAfter = 100
	// stopSettles is how long the program must stand still until it counts as stopped.
	stopSettles = 50 * time.Millisecond
)

// run is the guard's loop; it returns the exit code.
func (g *guard) run() int {
	timer := time.NewTimer(0)
	g.reap() // what ended before SIGCHLD was watched
	for {
		select {
		case o, ok := <-g.orders:
			g.obey(o, ok)
		case sig := <-g.signals:
			g.ledger.received(sig.(syscall.Signal), time.Now())
		case <-g.children:
			g.reap()
		case <-timer.C:
		}
		now := time.Now()
		for _, sig := range g.ledger.due(now) {
			g.pass(sig)
		}
		g.tellStop(now)
		if code, done := g.advance(now); done {
			if code == guardClean {
				g.report(reportGone, 0)
			}
			return code
		}
		timer.Reset(g.next(now))
	}
}

// obey does what the caller orders. When the caller is dead, all is killed at once, without asking: there is nobody
// left to wait for it.
func (g *guard) obey(o order, alive bool) {
	switch {
	case !alive:
		g.orders = nil
		g.phase, g.killAt = killing, time.Time{}
	case o.kind == orderKill:
		g.phase, g.killAt = killing, time.Time{}
	case o.kind == orderSignal:
		g.signal(syscall.Signal(o.signal))
	}
}

// signal passes a signal on, unless the program got it with the guard. A program in another group (a shell with
// jobs of its own) never does.
func (g *guard) signal(sig syscall.Signal) {
	if g.ended {
		return
	}
	together := g.task.foreground && g.inGroup()
	switch {
	case sig == syscall.SIGCONT && together: // the whole group has it, or nobody is stopped
	case together && slices.Contains(counted(), sig) && !signal.Ignored(sig):
		g.ledger.ordered(sig, time.Now())
	default:
		g.pass(sig)
	}
}

func (g *guard) inGroup() bool {
	group, err := syscall.Getpgid(g.program)
	return err == nil && group == syscall.Getpgrp()
}

// pass sends the program a signal. While it was not reaped, its pid is its own.
func (g *guard) pass(sig syscall.Signal) {
	if !g.ended {
		_ = syscall.Kill(g.program, sig)
	}
}

// reap takes the status of every child that has ended or stopped. All children of the guard are of the tree, so
// that waiting for any of them is right here.
func (g *guard) reap() {
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, syscall.WNOHANG|syscall.WUNTRACED, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			g.childless = true
			return
		case pid == 0:
			return
		case pid != g.program:
		case ws.Stopped():
			g.stopped, g.stoppedAt = ws.StopSignal(), time.Now()
		default:
			g.ended = true
			g.report(reportEnded, uint32(ws))
		}
	}
}

// tellStop tells the caller that the program has stopped itself, so that the shell can get its terminal back. After
// Ctrl+Z and fg the guard may learn late of a stop that is over: only a stop that lasts is told.
func (g *guard) tellStop(now time.Time) {
	if g.stopped == 0 || now.Sub(g.stoppedAt) < stopSettles {
		return
	}
	if !g.ended && g.task.foreground && isStopped(g.program) {
		g.report(reportStopped, uint32(g.stopped))
	}
	g.stopped = 0
}

// advance moves on from phase to phase, and says when all is done.
func (g *guard) advance(now time.Time) (exitCode int, done bool) {
	if g.phase == running && g.ended {
		if g.gone() {
			return guardClean, true
		}
		g.phase, g.killAt = ending, now.Add(Grace)
		for _, pid := range g.kin.members() {
			_ = syscall.Kill(pid, syscall.SIGTERM)
		}
	}
	if g.phase == running {
		g.kin.look(now)
		return 0, false
	}
	if g.phase == ending && !g.gone() && !now.Before(g.killAt) {
		g.phase = killing
	}
	if g.phase == killing && !now.Before(g.killAt) {
		g.kill(now)
	}
	if g.gone() {
		return guardClean, true
	}
	return guardLeft, g.rounds > giveUpAfter
}

// gone reports whether nothing of the tree is left.
func (g *guard) gone() bool { return g.childless && g.ended && !g.kin.strays() }

// kill is one round: every member that is there now. Members that fork meanwhile are met in the next round, as
// children of the guard; a process with a SIGKILL pending cannot fork, so that the rounds come to an end.
func (g *guard) kill(now time.Time) {
	g.killAt = now.Add(killEvery)
	g.pass(syscall.SIGKILL) // even where the members cannot be read (no /proc)
	members := g.kin.members()
	refused := make([]int, 0, len(members))
	for _, pid := range members {
		if syscall.Kill(pid, syscall.SIGKILL) == syscall.EPERM {
			refused = append(refused, pid)
		}
	}
	g.reap()
	if len(refused) == 0 || len(refused) < len(members) {
		g.rounds = 0
		return
	}
	if g.rounds++; g.rounds > giveUpAfter {
		for _, pid := range refused {
			g.report(reportLeft, uint32(pid))
		}
	}
}

// next is how long the guard may sleep if nothing happens.
func (g *guard) next(now time.Time) time.Duration {
	wake := now.Add(g.kin.patience(g.phase))
	times := []time.Time{g.ledger.next()}
	if g.phase != running {
		times = append(times, g.killAt)
	}
	if g.stopped != 0 {
		times = append(times, g.stoppedAt.Add(stopSettles))
	}
	for _, t := range times {
		if !t.IsZero() && t.Before(wake) {
			wake = t
		}
	}
	return max(wake.Sub(now), 0)
}
