//go:build linux || darwin

package process

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// HasTerminal reports whether this process has a controlling terminal: then a program belongs into the foreground,
// see Spec. Redirected output changes nothing about it.
func HasTerminal() bool {
	tty := openTerminal()
	if tty < 0 {
		return false
	}
	syscall.Close(tty)
	return true
}

// openTerminal opens the controlling terminal, -1 when there is none. It stays out of the runtime's poller.
func openTerminal() int {
	fd, err := syscall.Open("/dev/tty", syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return fd
}

// holdsTerminal reports whether this process is in the terminal's foreground now.
func holdsTerminal() bool {
	tty := openTerminal()
	if tty < 0 {
		return false
	}
	defer syscall.Close(tty)
	group, err := unix.IoctlGetInt(tty, unix.TIOCGPGRP)
	return err == nil && group == syscall.Getpgrp()
}

// retakeTerminal gives the terminal back to this process's group if the program gave it to a group that is no more.
// A group that is alive (the shell's, after Ctrl+Z and bg) keeps it.
func retakeTerminal() {
	tty := openTerminal()
	if tty < 0 {
		return
	}
	defer syscall.Close(tty)
	group, err := unix.IoctlGetInt(tty, unix.TIOCGPGRP)
	if err != nil || group == syscall.Getpgrp() || group > 0 && syscall.Kill(-group, 0) != syscall.ESRCH {
		return
	}
	defer holdSIGTTOU()() // else the kernel stops who takes the terminal from the background
	_ = unix.IoctlSetPointerInt(tty, unix.TIOCSPGRP, syscall.Getpgrp())
}
