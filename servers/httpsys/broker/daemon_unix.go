//go:build linux || darwin

package broker

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// fork starts the process of l, with output for what it says.
func (l *Launcher) fork(output *os.File) (*os.Process, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	return os.StartProcess(l.Path, l.Args, &os.ProcAttr{
		Dir: "/", Env: l.Environ, Files: []*os.File{null, null, output}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
}

// reap waits for a process if it has ended, and reports whether it has. Process.Wait would wait for others, too.
func reap(p *os.Process) bool {
	pid, err := syscall.Wait4(p.Pid, nil, syscall.WNOHANG, nil)
	if pid == 0 && err == nil || err == syscall.EINTR {
		return false
	}
	_ = p.Release() // there is nothing behind it any more
	return true
}

// Alone closes what was left open by who started this process: a broker must not keep anybody's files, pipes and terminals. What
// is handed on to a program has no mark to be closed then; what this process has opened itself has one.
func Alone() error {
	folder, err := os.Open(descriptorFolder)
	if err != nil {
		return err
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		fd, err := strconv.Atoi(name)
		if err != nil || fd <= 2 {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			_ = unix.Close(fd)
		}
	}
	return nil
}

// Settle has everything that this process says from now on written to broker.log in the folder, which it empties. A Launcher
// knows by that that the broker is ready, and is told what was said before.
func Settle(folder string) error {
	log, err := os.OpenFile(filepath.Join(folder, wire.LogName), os.O_CREATE|os.O_TRUNC|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	for fd := 1; fd <= 2; fd++ {
		if err := dup2(int(log.Fd()), fd); err != nil {
			return err
		}
	}
	return nil
}
