//go:build linux || darwin

package process

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Exec replaces this process by the program: same pid, same group, no guard. Signals have their defaults again.
// It returns only when it fails, with a *StartError; the working directory and the standard descriptors may be the
// program's by then. Spec.Foreground means nothing here. On Windows it always fails.
func Exec(spec Spec) error {
	if err := spec.check(); err != nil {
		return err
	}
	if spec.Dir != "" {
		if err := syscall.Chdir(spec.Dir); err != nil {
			return spec.fault(err)
		}
	}
	if err := placeFiles(append([]*os.File{spec.Stdin, spec.Stdout, spec.Stderr}, spec.ExtraFiles...)); err != nil {
		return spec.fault(err)
	}
	if spec.ListenPID {
		spec.Env = withListenPID(spec.Env)
	}
	resetSignals()
	return spec.fault(syscall.Exec(spec.Path, spec.argv(), spec.Env))
}

// resetSignals undoes what this process has done to its signals. What it was started with stays: SIGHUP and SIGINT
// may be ignored from there (nohup), everything else that is ignored was not so in the beginning, and the kernel
// only resets what has a handler.
func resetSignals() {
	signal.Reset()
	for sig := syscall.Signal(1); sig <= 64; sig++ {
		if sig != syscall.SIGHUP && sig != syscall.SIGINT && signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
}

// placeFiles makes files the descriptors 0, 1, 2, ... of whatever this process executes. They are copied out of the
// way first, since one may stand where another is to go.
func placeFiles(files []*os.File) error {
	null, err := syscall.Open(os.DevNull, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	copies := make([]int, len(files))
	for i, file := range files {
		fd := uintptr(null)
		if file != nil {
			fd = file.Fd()
		}
		if copies[i], err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, len(files)); err != nil {
			return err
		}
	}
	syscall.Close(null)
	for i, fd := range copies {
		dup2(fd, i)
		syscall.Close(fd)
	}
	runtime.KeepAlive(files)
	return nil
}
