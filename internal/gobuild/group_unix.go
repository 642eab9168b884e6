//go:build unix

package gobuild

import (
	"os/exec"
	"syscall"
)

// ownGroup gives the go command and its compilers a process group of their own, which a cancelled build interrupts
// as a whole: interrupting go alone would wait for the linker. Nothing in it reads the terminal; go itself tells git
// and ssh not to ask.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endWithParent(cmd.SysProcAttr)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
}

// killGroup removes what an interrupted build left.
func killGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}
