package process

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func playLast(role string, args []string) int {
	switch role {
	case "retaker":
		return playRetaker(args)
	case "taker":
		return playTaker()
	}
	return 99
}

// ioctlGetInt asks a terminal which group is in its foreground.
func ioctlGetInt(tty *os.File) (group int, err error) {
	conn, err := tty.SyscallConn()
	if err != nil {
		return 0, err
	}
	_ = conn.Control(func(fd uintptr) { group, err = unix.IoctlGetInt(int(fd), unix.TIOCGPGRP) })
	return group, err
}

// playRetaker runs a program that takes the terminal and keeps it, and tells whether it has it back afterwards, and
// that the signal that stands in the way of it is as before.
func playRetaker(args []string) int {
	tree, err := Start(Spec{Path: args[0], Args: args[1:], Foreground: true})
	if err != nil {
		fmt.Println("retaker:", err)
		return 1
	}
	_, _ = tree.Wait()
	status, _ := os.ReadFile("/proc/thread-self/status")
	_, rest, _ := strings.Cut(string(status), "SigIgn:")
	fmt.Println("retaker:", holdsTerminal(), "SigIgn"+strings.Split(rest, "\n")[0])
	return 0
}

// playTaker makes a group of its own the terminal's foreground, and dies.
func playTaker() int {
	_ = syscall.Setpgid(0, 0)
	release := holdSIGTTOU()
	defer release()
	_ = unix.IoctlSetPointerInt(openTerminal(), unix.TIOCSPGRP, syscall.Getpid())
	return 0
}
