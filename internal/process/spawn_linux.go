package process

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// descriptorFolder lists the descriptors of this process.
const descriptorFolder = "/proc/self/fd"

func socketpair() (ours, theirs int, err error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	return pair[0], pair[1], err
}

// guardAttr puts the guard into the group where it can count the program's signals, or else into one of its own,
// so that a SIGKILL to the caller's group spares it. Should the caller die while all are stopped by Ctrl+Z, SIGCONT
// wakes the guard; at any other time it does nothing.
func guardAttr(foreground bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: !foreground, Pdeathsig: syscall.SIGCONT}
}

// ownExecutable is the running executable, even if its file was replaced since.
func ownExecutable() (string, error) { return "/proc/self/exe", nil }

// forkGuard starts the running executable again.
func forkGuard(attr *syscall.ProcAttr, argv []string) (child, error) {
	pidfd := -1
	attr.Sys.PidFD = &pidfd
	path, _ := ownExecutable()
	pid, err := syscall.ForkExec(path, argv, attr)
	if err != nil {
		return child{}, err
	}
	p, _ := (&procReader{}).stat(pid)
	return child{pid: pid, pidfd: pidfd, birth: p.birth}, nil
}

// holdSIGTTOU blocks the signal in this thread, until release.
func holdSIGTTOU() (release func()) {
	runtime.LockOSThread()
	var set, old unix.Sigset_t
	bit := uint(syscall.SIGTTOU) - 1
	width := uint(8 * unsafe.Sizeof(set.Val[0]))
	set.Val[bit/width] |= 1 << (bit % width)
	_ = unix.PthreadSigmask(unix.SIG_BLOCK, &set, &old)
	return func() {
		_ = unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
		runtime.UnlockOSThread()
	}
}
