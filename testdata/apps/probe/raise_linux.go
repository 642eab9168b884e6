package main

import (
	"os"
	"syscall"
	"time"
	"unsafe"
)

// raise ends the process by a signal. Go's runtime catches SIGSEGV and its like and turns them into exit code 2, so the
// system's own way to deal with the signal is put back first.
func raise(number int) error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil { // no core files from tests
		return err
	}
	signal := syscall.Signal(number)
	if signal != syscall.SIGKILL && signal != syscall.SIGSTOP {
		var byDefault [4]uintptr // struct sigaction of the kernel: handler 0 is SIG_DFL
		if _, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(number), uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0); errno != 0 {
			return errno
		}
	}
	if err := syscall.Kill(os.Getpid(), signal); err != nil {
		return err
	}
	time.Sleep(10 * time.Second) // the signal may reach another thread, a moment later
	return syscall.ETIMEDOUT
}
