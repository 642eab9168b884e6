//go:build linux || darwin

package process

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// statusOf reads the wait status of a process that has ended.
func statusOf(ws syscall.WaitStatus) Status {
	if ws.Signaled() {
		return Status{signal: ws.Signal()}
	}
	return Status{code: ws.ExitStatus()}
}

func signalName(signal syscall.Signal) string {
	if name := unix.SignalName(signal); name != "" {
		return name
	}
	return fmt.Sprintf("signal %d", int(signal))
}
