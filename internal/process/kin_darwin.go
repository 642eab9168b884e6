package process

import (
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const noFile = ^uintptr(0)

const (
	lookEvery = 250 * time.Millisecond // while the program runs
	lookOften = 10 * time.Millisecond  // while it is being ended: no SIGCHLD tells of the death of strays
)

// States of a process in kinfo_proc, see <sys/proc.h>.
const (
	stateStopped = 4
	stateZombie  = 5
)

func adoptOrphans() {} // macOS gives orphans to launchd

func nameGuard() {}

func programAttr(foreground bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: !foreground}
}

func dup2(from, to int) { _ = syscall.Dup2(from, to) }

// kin finds the members of a tree, and remembers them: macOS has no subreaper, so that the parent of an orphan can
// not be told from the process any more. It looks at all processes now and then, and takes in who has a parent among
// the known, or is in the program's own group. What it cannot find is a process that was orphaned between two looks
// and has left the group as well.
//
// Its methods may be called from several goroutines at once.
type kin struct {
	mu      sync.Mutex
	parent  int  // whose children belong: the guard
	program int  // belongs
	group   bool // the program's group is its own, and belongs
	known   map[int]unix.Timeval
	looked  time.Time
}

func newKin(parent, program int, group bool) *kin {
	k := &kin{parent: parent, program: program, group: group, known: map[int]unix.Timeval{}}
	if p, err := unix.SysctlKinfoProc("kern.proc.pid", program); err == nil && program > 0 {
		k.known[program] = p.Proc.P_starttime
	}
	return k
}

// members returns the live members.
func (k *kin) members() []int {
	k.mu.Lock()
	defer k.mu.Unlock()
	all, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return nil
	}
	alive := k.alive(all)
	for grown := true; grown; {
		grown = false
		for i := range all {
			pid := int(all[i].Proc.P_pid)
			if _, have := alive[pid]; !have && k.belongs(&all[i], alive) {
				alive[pid], grown = all[i].Proc.P_starttime, true
			}
		}
	}
	k.known, k.looked = alive, time.Now()
	return k.pids()
}

// alive returns those of the known that still live; a pid that was given anew starts at another time.
func (k *kin) alive(all []unix.KinfoProc) map[int]unix.Timeval {
	alive := map[int]unix.Timeval{}
	for i := range all {
		p := &all[i].Proc
		if born, ok := k.known[int(p.P_pid)]; ok && born == p.P_starttime && p.P_stat != stateZombie {
			alive[int(p.P_pid)] = born
		}
	}
	return alive
}

func (k *kin) belongs(p *unix.KinfoProc, alive map[int]unix.Timeval) bool {
	parent, pid := int(p.Eproc.Ppid), int(p.Proc.P_pid)
	if p.Proc.P_stat == stateZombie || pid == k.parent || pid == os.Getpid() {
		return false
	}
	_, known := alive[parent]
	return known || parent == k.parent || k.group && int(p.Eproc.Pgid) == k.program
}

func (k *kin) pids() []int {
	pids := make([]int, 0, len(k.known))
	for pid := range k.known {
		pids = append(pids, pid)
	}
	return pids
}

func (k *kin) look(now time.Time) {
	if now.Sub(k.looked) >= lookEvery {
		k.members()
	}
}

// strays reports whether members are left that are no children of the guard.
func (k *kin) strays() bool { return len(k.members()) > 0 }

// patience is the longest time between two looks.
func (k *kin) patience(p phase) time.Duration {
	if p == running {
		return lookEvery
	}
	return lookOften
}

func isStopped(pid int) bool {
	p, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	return err == nil && p.Proc.P_stat == stateStopped
}
