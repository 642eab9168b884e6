package gobuild

import (
	"os/exec"
	"syscall"
)

// ownGroup gives the go command and its compilers a console group of their own, which a cancelled build breaks as a
// whole. Without a console there is no such signal, and the go command is ended by itself; its compilers then end
// when they have finished their package.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
	cmd.Cancel = func() error {
		generate := syscall.NewLazyDLL("kernel32.dll").NewProc("GenerateConsoleCtrlEvent")
		if ok, _, _ := generate.Call(syscall.CTRL_BREAK_EVENT, uintptr(cmd.Process.Pid)); ok != 0 {
			return nil
		}
		return cmd.Process.Kill()
	}
}

// killGroup has nothing to do: a console group cannot be killed, and WaitDelay has ended the go command.
func killGroup(*exec.Cmd) {}
