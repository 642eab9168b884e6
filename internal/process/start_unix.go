//go:build linux || darwin

package process

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Start runs the program of spec under a guard. It returns when the program runs; a program that cannot be executed
// is a *StartError. Nothing is left behind when it fails.
//
// Whoever starts a tree should Wait for it, but need not: it ends with this process in any case.
func Start(spec Spec) (*Tree, error) {
	return Prepare(spec).start(spec)
}

// Guard is a guard that runs already and waits to be told what to start. A guard takes as long to begin as any
// program in Go: who prepares one early has that time for other work.
type Guard struct {
	streams Spec
	control *os.File
	guard   child
	fds     []int // the program's descriptors
	err     error // why there is no guard
}

// Prepare begins a guard for a program with the streams, the ExtraFiles and the Foreground of spec; its other fields
// do not count yet. What goes wrong is told by Start. A Guard is to be started or closed.
func Prepare(spec Spec) *Guard {
	g := &Guard{streams: spec}
	adoptOrphans()
	g.control, g.guard, g.fds, g.err = startGuard(spec)
	return g
}

// Start is the function Start for a prepared guard, whose streams, ExtraFiles and Foreground take the place of
// spec's. It may be called once. A guard that has been killed meanwhile is replaced.
func (g *Guard) Start(spec Spec) (*Tree, error) {
	spec.Stdin, spec.Stdout, spec.Stderr = g.streams.Stdin, g.streams.Stdout, g.streams.Stderr
	spec.ExtraFiles, spec.Foreground = g.streams.ExtraFiles, g.streams.Foreground
	tree, err := g.start(spec)
	if errors.Is(err, errGuardEnded) {
		return Start(spec)
	}
	return tree, err
}

// Close ends a guard that has nothing to start. After Start it does nothing.
func (g *Guard) Close() {
	if g.control == nil {
		return
	}
	g.control.Close()
	g.control = nil
	_ = syscall.Kill(g.guard.pid, syscall.SIGKILL) // it has nothing yet, and need not even begin
	g.guard.wait()
}

func (g *Guard) start(spec Spec) (*Tree, error) {
	err := spec.check()
	if err == nil && g.err != nil {
		err = spec.fault(g.err)
	}
	if err != nil {
		g.Close()
		return nil, err
	}
	t := &Tree{
		control: g.control, guard: g.guard, foreground: spec.Foreground, done: make(chan struct{}),
		retake: spec.Foreground && holdsTerminal(),
	}
	g.control = nil // it is the tree's from here on
	if t.program, err = t.handOver(spec, g.fds); err != nil {
		t.control.Close()
		t.abandon()
		return nil, err
	}
	t.orphans = newOrphans(t.guard, t.program, !spec.Foreground)
	go t.watch()
	return t, nil
}

// abandon ends what a failed start leaves: most often nothing but the guard, but when that was killed, perhaps a
// program that nobody has heard of yet.
func (t *Tree) abandon() {
	if ws := t.guard.wait(); ws.Signaled() {
		orphans := newOrphans(t.guard, 0, false)
		orphans.kill()
		orphans.stop()
	}
}

// handOver tells the guard what to start, and returns the program's pid.
func (t *Tree) handOver(spec Spec, fds []int) (pid int, err error) {
	job := task{spec.Path, spec.Dir, spec.Args, spec.Env, spec.Foreground, spec.ListenPID, fds}
	_, writeErr := t.control.Write(job.bytes())
	r, err := readReport(t.control)
	switch {
	case err != nil:
		return 0, spec.fault(errors.Join(errGuardEnded, writeErr))
	case r.kind == reportFailed:
		return 0, spec.fault(syscall.Errno(r.value))
	}
	return int(r.value), nil
}

// errGuardEnded is the reason when somebody killed the guard before it could start the program.
var errGuardEnded = errors.New("its guard was killed")

// startGuard runs this executable again as the guard. The guard's descriptors are the program's, at their final
// numbers, with one more above them: the control socket. fds are the program's numbers.
func startGuard(spec Spec) (control *os.File, guard child, fds []int, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, child{}, nil, err
	}
	defer null.Close()
	ours, theirs, err := socketpair()
	if err != nil {
		return nil, child{}, nil, err
	}
	defer syscall.Close(theirs)

	table, fds := descriptors(spec, null)
	guard, err = forkGuard(&syscall.ProcAttr{
		Env:   []string{"GOMAXPROCS=1"}, // one thread's worth of memory is enough for waiting
		Files: append(table, uintptr(theirs)),
		Sys:   guardAttr(spec.Foreground),
	}, []string{guardName, strconv.Itoa(len(table))})
	runtime.KeepAlive(spec)
	if err != nil {
		syscall.Close(ours)
		return nil, child{}, nil, err
	}
	_ = syscall.SetNonblock(ours, true) // for the runtime's poller
	return os.NewFile(uintptr(ours), "guard"), guard, fds, nil
}

// descriptors lays out the table of the program: the three standard ones, the extra ones, and what this process was
// given itself at higher numbers.
func descriptors(spec Spec, null *os.File) (table []uintptr, fds []int) {
	for _, file := range append([]*os.File{spec.Stdin, spec.Stdout, spec.Stderr}, spec.ExtraFiles...) {
		if file == nil {
			file = null
		}
		fds = append(fds, len(table))
		table = append(table, file.Fd())
	}
	for _, fd := range inherited(len(table)) {
		for len(table) < fd {
			table = append(table, noFile)
		}
		fds = append(fds, fd)
		table = append(table, uintptr(fd))
	}
	return table, fds
}

// inherited returns the descriptors from first on that this process was given by its parent and that go on to its
// children, ascending: all that Go opens is close-on-exec.
func inherited(first int) []int {
	syscall.ForkLock.Lock() // where opening and marking are two steps, none is between them now
	defer syscall.ForkLock.Unlock()
	folder, err := os.Open(descriptorFolder)
	if err != nil {
		return nil
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(-1)
	var fds []int
	for _, name := range names {
		fd, err := strconv.Atoi(name)
		if err != nil || fd < first {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			fds = append(fds, fd)
		}
	}
	slices.Sort(fds)
	return fds
}
