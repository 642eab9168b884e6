package process

import (
	"bytes"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// orphans looks after the processes that become children of this one without having been started by it: those of a
// tree whose guard was killed, and those of strangers (what a child started with os/exec leaves behind; anybody's
// when this is pid 1 of a container). Strangers are reaped when they end, and left alone while they live.
//
// Children that were started by this process are recognised by the pidfd that the os package, and Start, hold of
// each until it is waited for. Where there are no pidfds (Linux before 5.4) nothing can be told apart: then nothing
// is reaped, and of a tree whose guard is killed only the program dies.
type orphans struct {
	guard   child
	program int // 0: not known
	pidfd   int // of the program, which keeps other trees from reaping it; -1: none
	blind   bool

	meeting   sync.Mutex
	strangers map[int]uint64 // by pid, with their birth: came here while the guard was alive

	children chan os.Signal // SIGCHLD
	quit     chan struct{}
	running  sync.WaitGroup
}

func newOrphans(guard child, program int, _ bool) *orphans {
	o := &orphans{
		guard: guard, program: program, pidfd: -1, strangers: map[int]uint64{},
		children: make(chan os.Signal, 1), quit: make(chan struct{}), blind: guard.pidfd < 0 || !osHoldsPidfds(),
	}
	if program > 0 {
		if fd, err := unix.PidfdOpen(program, 0); err == nil {
			o.pidfd = fd
		}
	}
	if !o.blind {
		signal.Notify(o.children, syscall.SIGCHLD)
		o.running.Go(o.run)
	}
	return o
}

// osHoldsPidfds reports whether the os package uses them on this system.
func osHoldsPidfds() bool {
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return false
	}
	defer self.Release()
	return self.WithHandle(func(uintptr) {}) == nil
}

// stop ends it.
func (o *orphans) stop() {
	o.leave()
	if o.pidfd >= 0 {
		unix.Close(o.pidfd)
	}
}

// leave ends its goroutine, and may be called twice.
func (o *orphans) leave() {
	if o.quit != nil {
		signal.Stop(o.children)
		close(o.quit)
		o.running.Wait()
		o.quit = nil
	}
}

func (o *orphans) run() {
	quit := o.quit
	for {
		o.meet()
		select {
		case <-o.children:
		case <-quit:
			return
		}
	}
}

// meet reaps the orphans that have ended and notes the others as strangers, if the guard is alive: its descendants
// do not come here then.
func (o *orphans) meet() {
	o.meeting.Lock()
	defer o.meeting.Unlock()
	found := o.adopted()
	guard, ok := (&procReader{}).stat(o.guard.pid)
	guarded := ok && !guard.dead()
	for _, p := range found {
		if p.dead() {
			reapOrphan(p.pid)
		} else if guarded {
			o.strangers[p.pid] = p.birth
		}
	}
}

// kill ends the tree of a guard that is dead, and returns the program's status and the processes that must not be
// killed. Those are of the tree that came here after the guard's death, and their descendants.
func (o *orphans) kill() (program Status, left []int) {
	o.leave()
	status := Status{signal: syscall.SIGKILL} // of a program that somebody else reaped
	for round := 0; ; round++ {
		if ws, ok := o.reapProgram(); ok {
			status = statusOf(ws)
		}
		members, refused := o.members(), []int(nil)
		for _, pid := range members {
			if syscall.Kill(pid, syscall.SIGKILL) == syscall.EPERM {
				refused = append(refused, pid)
			}
		}
		if len(members) == 0 || len(refused) == len(members) && round > giveUpAfter {
			return status, refused
		}
		if len(refused) < len(members) {
			round = 0
		}
		time.Sleep(min(time.Duration(round+1)*time.Millisecond, killEvery))
	}
}

// members are the live processes of the tree after the guard's death. Dead ones among the orphans are reaped.
func (o *orphans) members() []int {
	o.meeting.Lock()
	defer o.meeting.Unlock()
	roots := []proc{}
	if p, ok := (&procReader{}).stat(o.program); ok && p.parent == os.Getpid() && p.birth >= o.guard.birth {
		roots = append(roots, p)
	}
	if !o.blind {
		roots = append(roots, o.adopted()...)
	}
	var pids []int
	for _, p := range roots {
		switch birth, stranger := o.strangers[p.pid]; {
		case p.dead() && p.pid != o.program:
			reapOrphan(p.pid)
			continue
		case stranger && birth == p.birth, p.birth < o.guard.birth:
			continue
		}
		pids = append(pids, p.pid)
		for _, q := range descendants(p.pid) {
			pids = append(pids, q.pid)
		}
	}
	return pids
}

func (o *orphans) reapProgram() (ws syscall.WaitStatus, ok bool) {
	if o.program == 0 { // any child, to wait4
		return ws, false
	}
	pid, err := syscall.Wait4(o.program, &ws, syscall.WNOHANG, nil)
	return ws, err == nil && pid == o.program
}

func reapOrphan(pid int) { _, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) }

// adopted returns the children of this process, dead ones included, that it did not start.
func (o *orphans) adopted() []proc {
	// Between a fork and the moment in which its pidfd is there, a child would look like an orphan.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	r, self := newProcReader(), os.Getpid()
	children := r.children(self)
	if len(children) == 0 || len(children) == 1 && children[0] == o.guard.pid { // most often
		return nil
	}
	own := handles(r)
	var found []proc
	for _, pid := range children {
		if p, ok := r.stat(pid); ok && !own[pid] && p.parent == self {
			found = append(found, p)
		}
	}
	return found
}

// handles returns the processes that this one holds a pidfd of.
func handles(r *procReader) map[int]bool {
	pids := map[int]bool{}
	folder, err := os.Open(descriptorFolder)
	if err != nil {
		return pids
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(-1)
	for _, name := range names {
		target, _ := os.Readlink(descriptorFolder + "/" + name)
		if !strings.HasPrefix(target, "anon_inode:[pidfd]") && !strings.HasPrefix(target, "pidfd:") {
			continue
		}
		for line := range bytes.Lines(r.read("/proc/self/fdinfo/" + name)) {
			if text, ok := bytes.CutPrefix(line, []byte("Pid:")); ok {
				pid, _ := strconv.Atoi(string(bytes.TrimSpace(text)))
				pids[pid] = true
			}
		}
	}
	return pids
}

// members are the live processes of the tree.
func (t *Tree) members() []int {
	var pids []int
	for _, p := range descendants(t.guard.pid) {
		pids = append(pids, p.pid)
	}
	return pids
}
