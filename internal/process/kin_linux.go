package process

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// noFile is the entry for "closed" in the descriptor table that syscall.ForkExec takes.
const noFile = ^uintptr(0)

// adoptOrphans makes this process the parent of every descendant that loses its own.
func adoptOrphans() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// nameGuard keeps the guard apart from the caller in the eyes of killall and pkill, which go by the name of the
// executable: whoever kills the one by name must not kill the other with it.
func nameGuard() { _ = os.WriteFile("/proc/self/comm", []byte("guard"), 0) }

// programAttr starts the program. Its parent-death signal is for the case that caller and guard are killed in one
// stroke; it reaches the program alone, and only this case needs it.
func programAttr(foreground bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: !foreground, Pdeathsig: syscall.SIGKILL}
}

func dup2(from, to int) { _ = syscall.Dup3(from, to, 0) }

// kin finds the members of the guard's tree. On Linux that is all that descends from the guard: orphans come back
// to it.
type kin struct{}

func newKin(parent, program int, group bool) *kin { return &kin{} }

func (*kin) members() []int {
	var pids []int
	for _, p := range descendants(os.Getpid()) {
		pids = append(pids, p.pid)
	}
	return pids
}

func (*kin) look(time.Time)               {}
func (*kin) strays() bool                 { return false }
func (*kin) patience(phase) time.Duration { return time.Hour }

// isStopped reports whether a process is stopped by a signal.
func isStopped(pid int) bool {
	p, ok := (&procReader{}).stat(pid)
	return ok && p.state == 'T'
}
