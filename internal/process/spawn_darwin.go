package process

import (
	"os"
	"os/signal"
	"syscall"
)

const descriptorFolder = "/dev/fd"

func socketpair() (ours, theirs int, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(pair[0])
		syscall.CloseOnExec(pair[1])
	}
	return pair[0], pair[1], err
}

// guardAttr puts the guard into the group where it can count the program's signals, or else into one of its own,
// so that a SIGKILL to the caller's group spares it.
func guardAttr(foreground bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: !foreground}
}

func ownExecutable() (string, error) { return os.Executable() }

func forkGuard(attr *syscall.ProcAttr, argv []string) (child, error) {
	path, err := ownExecutable()
	if err != nil {
		return child{}, err
	}
	pid, err := syscall.ForkExec(path, argv, attr)
	return child{pid: pid, pidfd: -1}, err
}

// holdSIGTTOU ignores the signal, until release. It has a handler afterwards, which lets it pass without effect and
// is the default again in children: package signal cannot go back to the default from ignored.
func holdSIGTTOU() (release func()) {
	signal.Ignore(syscall.SIGTTOU)
	return func() {
		caught := make(chan os.Signal, 1)
		signal.Notify(caught, syscall.SIGTTOU)
		signal.Stop(caught)
	}
}
