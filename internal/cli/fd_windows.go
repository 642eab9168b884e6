package cli

import (
	"os"
	"syscall"
)

// closeOnExec keeps a handle that gorun was given from the program and everything else that is started.
func closeOnExec(f *os.File) { syscall.CloseOnExec(syscall.Handle(f.Fd())) }
