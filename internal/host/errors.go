package host

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/gobuild"
	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/profiles"
)

// InterruptedError is a signal that came before the program was started.
type InterruptedError struct {
	Signal os.Signal
}

func (e *InterruptedError) Error() string {
	return "stopped by " + signalName(e.Signal) + " before the program was started"
}

// disableModule is the variable that switches the module off for whoever runs gorun in that environment, as DisableANCM of
// the registry does for IIS (reference: servers.md, S4).
const disableModule = "GORUN_DISABLE_ANCM"

// DisabledError says that the module is switched off.
type DisabledError struct{}

func (*DisabledError) Error() string {
	return "the ASP.NET Core Module is disabled here: " + disableModule + " is set, nothing was started"
}

// Hint says what to do.
func (*DisabledError) Hint() string {
	return "unset " + disableModule + ", or choose a Project profile, which needs no module"
}

// StartError is a program that the system did not start.
type StartError struct {
	Plan profiles.Plan
	Err  error // a *process.StartError
}

func (e *StartError) Error() string { return e.Err.Error() }

func (e *StartError) Unwrap() error { return e.Err }

// Diagnostics shows the setting that names the program.
func (e *StartError) Diagnostics() []diagnostic.Diagnostic {
	place := e.Plan.Program.Origin.Place
	if place.IsZero() {
		return nil
	}
	return []diagnostic.Diagnostic{{Code: "start", Severity: diagnostic.Error, Place: place,
		Message: "executablePath names it"}}
}

func (h *host) startError(err error) error {
	if _, ok := errors.AsType[*process.StartError](err); ok {
		return &StartError{Plan: h.plan, Err: err}
	}
	return err
}

// programName is how the program is called in messages.
func programName(plan profiles.Plan, target gobuild.Target) string {
	if !plan.Builds() {
		return filepath.Base(plan.Program.Value)
	}
	return target.Name
}
