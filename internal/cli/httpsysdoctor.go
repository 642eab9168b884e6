package cli

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/gorun-dev/gorun/servers/httpsys/broker"
)

// checkBroker looks at what programs that share ports need: the broker's folder, and what is kept for it.
func (w *world) checkBroker() finding {
	f := finding{Check: "httpsys", State: "ok"}
	if runtime.GOOS == "windows" {
		f.Message = "HTTP.sys is the system's"
		return f
	}
	store, err := w.brokerStore()
	if err != nil {
		return warned(f, "certificates and reservations do not count: "+err.Error(), err)
	}
	for _, u := range store.Unusable() {
		return warned(f, u.Err.Error(), u.Err) // the first is enough
	}
	folder, err := broker.Folder(w.getenv)
	if err != nil {
		return warned(f, "no broker can run: "+err.Error(), err)
	}
	f.Message = "no broker runs; where a program needs one it is in " + folder
	if pid := broker.Process(folder); pid != 0 {
		f.Message = fmt.Sprintf("the broker is process %d, in %s", pid, folder)
	}
	return f
}

// warned makes a warning of f, with the hint of an error that has one.
func warned(f finding, message string, err error) finding {
	f.State, f.Message = "warning", message
	if hinting, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		f.Suggestion = hinting.Hint()
	}
	return f
}
