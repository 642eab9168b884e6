//go:build unix

package cli

import (
	"os"
	"syscall"
)

// closeOnExec keeps a descriptor that gorun was given from the program and everything else that is started.
func closeOnExec(f *os.File) { syscall.CloseOnExec(int(f.Fd())) }
