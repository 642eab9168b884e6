package cli

import (
	"os"
	"syscall"
)

// passedOn are the signals that Go makes of the console's events: Ctrl+C, Ctrl+Break, and its closing.
var passedOn = []os.Signal{os.Interrupt, syscall.SIGTERM}
