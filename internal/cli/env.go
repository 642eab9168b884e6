package cli

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/ui"
	"github.com/gorun-dev/gorun/profiles"
)

// envCommand prints the environment of a profile for a shell.
func (w *world) envCommand(inv *Invocation) *cli.Command {
	return &cli.Command{
		Name:  "env",
		Usage: `print the program's environment, for a shell: eval "$(gorun env -lp NAME)"`,
		Description: `Without --all only what the program gets beside, or in place of, what gorun was started with.
Values from .env files are printed as they are: the shell needs them.`,
		ArgsUsage: "[PATH]",
		Flags: append(launchFlags(),
			&cli.StringFlag{Name: "shell", Value: "sh", Usage: "`SHELL` sh, bash, zsh, fish, powershell or cmd"},
			&cli.BoolFlag{Name: "all", Usage: "the whole environment"},
			jsonFlag(),
		),
		Action: func(c *cli.Context) error {
			l, err := w.launch(c, inv)
			if err != nil {
				return err
			}
			vars := shown(l.plan.Env)
			if c.Bool("all") {
				vars = l.plan.Env
			}
			if c.Bool("json") {
				return w.ui.JSON(nonNil(vars))
			}
			return w.exports(c.String("shell"), vars)
		},
	}
}

func (w *world) exports(shell string, vars []profiles.EnvVar) error {
	if _, err := ui.Export(shell, "NAME", ""); err != nil {
		if unknown, ok := errors.AsType[*ui.UnknownShellError](err); ok {
			return usage(unknown.Error(), unknown.Hint())
		}
	}
	for _, v := range vars {
		line, err := ui.Export(shell, v.Name, v.Value)
		if err != nil {
			w.ui.Diagnostic(diagnostic.Diagnostic{Code: "variable-name", Severity: diagnostic.Warning, Place: v.Origin.Place,
				Message: fmt.Sprintf("%v; it is left out", err)})
			continue
		}
		fmt.Fprintln(w.stdout, line)
	}
	return nil
}
