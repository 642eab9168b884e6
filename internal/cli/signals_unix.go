//go:build unix

package cli

import (
	"os"
	"syscall"
)

// passedOn are the signals that gorun hands on to the program. Not among them is what the terminal tells the whole
// group: SIGTSTP, SIGCONT and SIGWINCH.
var passedOn = []os.Signal{
	os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2,
}
