package host

import (
	"os"
	"syscall"
)

// signalName is the name that Unix has for what Go makes of the console's events.
func signalName(sig os.Signal) string {
	switch sig {
	case os.Interrupt:
		return "SIGINT"
	case syscall.SIGTERM:
		return "SIGTERM"
	}
	return sig.String()
}

// stopSignals: Windows can only ask with Ctrl+Break, whatever the profile names.
var stopSignals = map[string]os.Signal{
	"SIGINT": os.Interrupt, "SIGTERM": os.Interrupt, "SIGQUIT": os.Interrupt,
	"SIGHUP": os.Interrupt, "SIGUSR1": os.Interrupt, "SIGUSR2": os.Interrupt,
}
