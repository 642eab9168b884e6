package process

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/windows"
)

// pollEvery is the time between two looks at a job that outlives its program.
const pollEvery = 10 * time.Millisecond

// Tree is a program that Start started, and all that comes of it: on Windows, the processes of one job object.
//
// One goroutine belongs to it, which waits for the program and then for the job, and has ended when Wait returns.
type Tree struct {
	process    *os.Process
	mu         sync.Mutex // held while the job is used or closed: its number may be another handle's afterwards
	job        job        // 0 when closed
	foreground bool
	ended      atomic.Bool   // the program has
	done       chan struct{} // closed when nothing is left; status and err are set by then
	status     Status
	err        error
}

// Guard is nothing on Windows, where a job object does its work.
type Guard struct{ streams Spec }

// Prepare keeps the streams and Foreground of spec for Start; on other systems it begins a guard.
func Prepare(spec Spec) *Guard { return &Guard{spec} }

// Start is the function Start with the prepared streams and Foreground in the place of spec's.
func (g *Guard) Start(spec Spec) (*Tree, error) {
	spec.Stdin, spec.Stdout, spec.Stderr, spec.Foreground = g.streams.Stdin, g.streams.Stdout, g.streams.Stderr, g.streams.Foreground
	return Start(spec)
}

// Close does nothing.
func (g *Guard) Close() {}

// Start runs the program of spec in a job of its own. It returns when the program runs; a program that cannot be
// executed is a *StartError. Nothing is left behind when it fails.
//
// Whoever starts a tree should Wait for it, but need not: it ends with this process in any case.
func Start(spec Spec) (*Tree, error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	if len(spec.ExtraFiles) > 0 {
		return nil, spec.fault(fmt.Errorf("extra files: %w", errors.ErrUnsupported))
	}
	if spec.ListenPID {
		return nil, spec.fault(fmt.Errorf("a LISTEN_PID for the program: %w", errors.ErrUnsupported))
	}
	job, err := newJob()
	if err != nil {
		return nil, spec.fault(err)
	}
	process, err := startIn(job, spec)
	if err != nil {
		job.close()
		return nil, err
	}
	t := &Tree{process: process, job: job, foreground: spec.Foreground, done: make(chan struct{})}
	go t.watch()
	return t, nil
}

// startIn creates the process suspended, so that it cannot start another one before it is in the job.
func startIn(job job, spec Spec) (*os.Process, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, spec.fault(err)
	}
	defer null.Close()
	files := []*os.File{spec.Stdin, spec.Stdout, spec.Stderr}
	for i, file := range files {
		if file == nil {
			files[i] = null
		}
	}
	flags := uint32(windows.CREATE_SUSPENDED)
	if !spec.Foreground {
		flags |= windows.CREATE_NEW_PROCESS_GROUP
	}
	process, err := os.StartProcess(spec.Path, spec.argv(), &os.ProcAttr{
		Dir: spec.Dir, Env: append([]string{}, spec.Env...), // nil would be our own
		Files: files, Sys: &syscall.SysProcAttr{CreationFlags: flags},
	})
	if err != nil {
		if pathErr, ok := errors.AsType[*os.PathError](err); ok {
			err = pathErr.Err
		}
		return nil, spec.fault(err)
	}
	if handleErr := process.WithHandle(func(handle uintptr) { err = job.add(handle) }); handleErr != nil {
		err = handleErr
	}
	if err == nil {
		err = resume(process.Pid)
	}
	if err != nil {
		_ = process.Kill()
		_, _ = process.Wait()
		return nil, spec.fault(err)
	}
	return process, nil
}

// PID is the program's.
func (t *Tree) PID() int { return t.process.Pid }

// PIDs returns every live process of the tree, the program first. It is empty when nothing is left.
func (t *Tree) PIDs() []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.job == 0 {
		return nil
	}
	return programFirst(t.job.pids(), t.process.Pid)
}

// Signal passes on to the program what Windows can express. os.Interrupt and syscall.SIGTERM become Ctrl+Break for
// the program's group; in the foreground they are left to the console, which has told the program itself. os.Kill
// ends the program at once. Other signals are errors.ErrUnsupported; os.ErrProcessDone when the program has ended.
func (t *Tree) Signal(sig os.Signal) error {
	if t.ended.Load() {
		return os.ErrProcessDone
	}
	switch sig {
	case os.Interrupt, syscall.SIGTERM:
		if t.foreground {
			return nil
		}
		return windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(t.process.Pid))
	case os.Kill:
		return t.process.Kill()
	}
	return fmt.Errorf("signal %v: %w", sig, errors.ErrUnsupported)
}

// Kill ends the whole tree and does not wait for it; see Wait. It is no error when nothing is left.
func (t *Tree) Kill() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.job == 0 {
		return nil
	}
	return t.job.kill()
}

// Wait returns when the program has ended and nothing of its tree is left. Processes that outlive the program get
// Ctrl+Break where they have a group of their own, and are killed after Grace. It may be called several times and at
// once, with the same result.
func (t *Tree) Wait() (Status, error) {
	<-t.done
	return t.status, t.err
}

func (t *Tree) watch() {
	defer close(t.done)
	state, err := t.process.Wait()
	if err != nil {
		t.err = err
	} else {
		t.status = Status{code: state.ExitCode()}
	}
	t.ended.Store(true)
	t.clear()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.job.close()
	t.job = 0
}

// clear ends what the program left behind.
func (t *Tree) clear() {
	if t.job.active() == 0 {
		return
	}
	if !t.foreground {
		_ = windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(t.process.Pid))
	}
	for deadline := time.Now().Add(Grace); t.job.active() > 0; time.Sleep(pollEvery) {
		if time.Now().After(deadline) {
			_ = t.job.kill()
		}
	}
}
