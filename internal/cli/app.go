package cli

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/ui"
)

// commands are the verbs, in the order of the help.
func (w *world) commands(inv *Invocation) []*cli.Command {
	list := []*cli.Command{
		w.runCommand(inv),
		w.buildCommand(inv),
		w.profilesCommand(inv),
		w.planCommand(inv),
		w.envCommand(inv),
		w.psCommand(inv),
		w.initCommand(inv),
		w.doctorCommand(inv),
		w.cleanCommand(inv),
		w.devCertsCommand(inv),
		w.httpsysCommand(inv),
		w.completionCommand(inv),
		w.versionCommand(inv),
	}
	for _, c := range list {
		c.Flags = append(c.Flags, commonFlags()...)
		c.HideHelp = true // help.go does it
	}
	return list
}

// run does what the arguments say and returns the exit status.
func (w *world) run() int {
	if len(w.args) > 0 && w.args[0] == "__complete" {
		return w.complete(w.args[1:])
	}
	var inv Invocation
	commands := w.commands(&inv)
	var err error
	if inv, err = parseArgv(devCertsArgs(w.args), flagTable(commands)); err != nil {
		return w.failed(err)
	}
	if inv.Help {
		return w.help(&inv)
	}
	app := &cli.App{
		Name: "gorun", HideHelp: true, HideVersion: true,
		Commands:       commands,
		Writer:         w.stdout,
		ErrWriter:      w.stderr,
		ExitErrHandler: func(*cli.Context, error) {}, // Main alone ends the process
	}
	for _, c := range app.Commands {
		c.Before = w.before
		c.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return usage(err.Error(), "") }
	}
	err = app.RunContext(context.Background(), append([]string{"gorun", inv.Verb}, inv.Options...))
	if err == nil {
		return exitOK
	}
	return w.failed(err)
}

// before looks at the flags of every verb.
func (w *world) before(c *cli.Context) error {
	verbosity, err := ui.ParseVerbosity(c.String("verbosity"))
	if err != nil {
		return usage(err.Error(), "-v wants quiet, minimal, normal, detailed or diagnostic, or q, m, n, d, diag")
	}
	w.look(c.Bool("no-color"), verbosity)
	return nil
}

// withSources fills in the lines of settings files in the diagnostics of an error.
func withSources(err error) error {
	var carrier interface {
		Diagnostics() []diagnostic.Diagnostic
	}
	if !errors.As(err, &carrier) {
		return err
	}
	return &sourcedError{err, mapped(carrier.Diagnostics(), withSource)}
}

// sourcedError is an error whose diagnostics have the lines that they are about.
type sourcedError struct {
	error
	list []diagnostic.Diagnostic
}

func (e *sourcedError) Unwrap() error { return e.error }

func (e *sourcedError) Diagnostics() []diagnostic.Diagnostic { return e.list }
