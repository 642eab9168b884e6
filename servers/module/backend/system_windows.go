package backend

import (
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// stopSignal becomes Ctrl+Break.
const stopSignal = syscall.SIGTERM

// errRefused is a connection to a port that nobody listens on; errReset one that waited there when the listener was closed.
const (
	errRefused = windows.WSAECONNREFUSED
	errReset   = windows.WSAECONNRESET
)

// signalName is a signal as people write it.
func signalName(sig os.Signal) string {
	if sig == os.Interrupt || sig == syscall.SIGTERM {
		return "Ctrl+Break"
	}
	return sig.String()
}
