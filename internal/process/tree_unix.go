//go:build linux || darwin

package process

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Tree is a program that Start started, and all that comes of it.
//
// Two goroutines belong to it, both ended when Wait returns: one reads what the guard reports, one takes in orphans.
type Tree struct {
	control    *os.File // to the guard
	writing    sync.Mutex
	guard      child
	orphans    *orphans
	program    int
	foreground bool
	retake     bool // this process had the terminal and is to have it in the end

	ended atomic.Bool   // the program has
	done  chan struct{} // closed when nothing is left; status and left are set by then

	status Status
	left   []int
}

// PID is the program's.
func (t *Tree) PID() int { return t.program }

// PIDs returns every live process of the tree, the program first, without the guard. It is empty when nothing is
// left. Processes that start meanwhile may be missed.
func (t *Tree) PIDs() []int {
	select {
	case <-t.done:
		return nil
	default:
		return programFirst(t.members(), t.program)
	}
}

// Signal passes a signal on to the program: to be called with every signal that this process gets and that is meant
// for the program. In the foreground the program gets only what it did not get from the terminal (or by a signal to
// the whole group) already; that takes up to 50 ms to find out. Otherwise it gets it at once.
// It is os.ErrProcessDone when the program has ended.
func (t *Tree) Signal(sig os.Signal) error {
	number, ok := sig.(syscall.Signal)
	if !ok || number <= 0 || number > 255 {
		return fmt.Errorf("there is no signal %v on this system", sig)
	}
	if t.ended.Load() {
		return os.ErrProcessDone
	}
	return t.order(order{orderSignal, byte(number)})
}

// Kill kills the whole tree with SIGKILL and does not wait for it; see Wait. It is no error when nothing is left.
func (t *Tree) Kill() error {
	_ = syscall.Kill(t.guard.pid, syscall.SIGCONT) // a guard that stands still hears nothing
	if err := t.order(order{orderKill, 0}); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// order writes to the guard. When that is dead, the tree is about to be.
func (t *Tree) order(o order) error {
	t.writing.Lock()
	defer t.writing.Unlock()
	_, err := t.control.Write([]byte{o.kind, o.signal})
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, os.ErrClosed) {
		return os.ErrProcessDone
	}
	return err
}

// Wait returns when the program has ended and nothing of its tree is left. Processes that outlive the program are
// asked to end (SIGTERM), and killed after Grace. It may be called several times and at once, with the same result.
// The error is a *LeftError when processes had to be left alive; the Status is the program's in any case.
func (t *Tree) Wait() (Status, error) {
	<-t.done
	if len(t.left) > 0 {
		return t.status, &LeftError{t.left}
	}
	return t.status, nil
}

// watch follows the tree to its end.
func (t *Tree) watch() {
	defer close(t.done)
	gone := t.listen()
	if !gone {
		ws := t.guard.wait()
		if !ws.Exited() || ws.ExitStatus() != guardClean && ws.ExitStatus() != guardLeft {
			t.killOrphans()
		}
	}
	t.ended.Store(true)
	t.orphans.stop()
	t.control.Close()
	if t.retake {
		retakeTerminal()
	}
	if gone {
		t.guard.wait() // last: the system takes a millisecond to end it, in which all this is done
	}
}

// listen reads the guard's reports, until nothing of the tree is left or the guard has ended without saying so.
func (t *Tree) listen() (gone bool) {
	for {
		r, err := readReport(t.control)
		if err != nil || r.kind == reportGone {
			return err == nil
		}
		t.heed(r)
	}
}

func (t *Tree) heed(r report) {
	switch r.kind {
	case reportEnded:
		t.status = statusOf(syscall.WaitStatus(r.value))
		t.ended.Store(true)
	case reportLeft:
		t.left = append(t.left, int(r.value))
	case reportStopped:
		t.stop()
	}
}

// killOrphans ends the tree of a guard that was killed.
func (t *Tree) killOrphans() {
	status, left := t.orphans.kill()
	if !t.ended.Load() {
		t.status = status
	}
	t.left = left
}

// stop stops this process's group after its program has stopped itself, as Ctrl+Z would have done, so that the shell
// takes over; when it is continued, so is the program. The kernel ignores it where no shell would ever continue us.
func (t *Tree) stop() {
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, syscall.SIGCONT)
	defer signal.Stop(continued)
	if syscall.Kill(0, syscall.SIGTSTP) != nil {
		return
	}
	for range 2 { // time goes on while we stand still, so that the first wait may be over at once
		select {
		case <-continued:
			_ = t.Signal(syscall.SIGCONT)
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// child is a child process that nobody else waits for.
type child struct {
	pid   int
	pidfd int    // tells others that it is taken; -1 where the system has none
	birth uint64 // 0 where it is not known
}

// wait reaps it.
func (c child) wait() syscall.WaitStatus {
	var ws syscall.WaitStatus
	for {
		if _, err := syscall.Wait4(c.pid, &ws, 0, nil); err != syscall.EINTR {
			break
		}
	}
	if c.pidfd >= 0 {
		syscall.Close(c.pidfd)
	}
	return ws
}
