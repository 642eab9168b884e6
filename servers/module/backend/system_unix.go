//go:build linux || darwin

package backend

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// stopSignal is what a program is asked to stop with.
const stopSignal = syscall.SIGTERM

// errRefused is a connection to a port that nobody listens on; errReset one that waited there when the listener was closed.
const (
	errRefused = syscall.ECONNREFUSED
	errReset   = syscall.ECONNRESET
)

// signalName is a signal as people write it.
func signalName(sig os.Signal) string {
	if number, ok := sig.(syscall.Signal); ok {
		if name := unix.SignalName(number); name != "" {
			return name
		}
	}
	return sig.String()
}
