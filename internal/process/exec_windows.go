package process

import (
	"errors"
	"os"
	"syscall"
)

// Exec always fails on Windows: a process cannot be replaced there.
func Exec(spec Spec) error {
	return &StartError{Path: spec.Path, Dir: spec.Dir, Err: errors.ErrUnsupported}
}

// HasTerminal reports whether this process has a console: then a program belongs into the foreground, see Spec.
// Redirected output changes nothing about it.
func HasTerminal() bool {
	console, err := os.OpenFile("CONIN$", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	console.Close()
	return true
}

func signalName(signal syscall.Signal) string { return signal.String() }
