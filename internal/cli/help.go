package cli

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// help prints what was asked for on stdout, which makes it an answer: gorun help | less works.
func (w *world) help(inv *Invocation) int {
	if inv.Verb == "" || inv.Verb == "help" {
		w.helpAll()
		return exitOK
	}
	for _, c := range w.commands(inv) {
		if c.Name == inv.Verb {
			w.helpOne(c)
			return exitOK
		}
	}
	return w.failed(usage(fmt.Sprintf("there is no verb %q", inv.Verb), "gorun help lists them"))
}

func (w *world) helpAll() {
	fmt.Fprint(w.stdout, `gorun - run Go programs by the profiles of launchSettings.json

Usage:
  gorun [FLAGS] [PATH] [ARGUMENTS]      build the program here, or at PATH, and run it
  gorun [FLAGS] -- ARGUMENTS            the same, when the arguments look like flags, paths or verbs
  gorun VERB [FLAGS] ...

Verbs:
`)
	commands := w.commands(&Invocation{})
	_ = w.ui.Table(nil, mapped(commands, func(c *cli.Command) []string { return []string{"  " + c.Name, c.Usage} }))
	fmt.Fprint(w.stdout, "\nFlags of run:\n")
	w.flagLines(commands[0].Flags)
	fmt.Fprint(w.stdout, `
Examples:
  gorun                                 the program here, with its first profile if it has any
  gorun -lp Production -c Release       another profile, another configuration
  gorun ./cmd/api -x                    the program there, with an argument
  gorun plan -lp Production             what would happen, and why

gorun help VERB tells more. The exit status is the program's; 1 when it could not be started, 2 for wrong usage.
`)
}

func (w *world) helpOne(c *cli.Command) {
	fmt.Fprintf(w.stdout, "gorun %s - %s\n\nUsage:\n  gorun %s [FLAGS]", c.Name, c.Usage, c.Name)
	if c.ArgsUsage != "" {
		fmt.Fprint(w.stdout, " "+c.ArgsUsage)
	}
	fmt.Fprintln(w.stdout)
	if c.Description != "" {
		fmt.Fprintf(w.stdout, "\n%s\n", c.Description)
	}
	fmt.Fprint(w.stdout, "\nFlags:\n")
	w.flagLines(c.Flags)
}

// flagLines are the flags with their aliases and what they want.
func (w *world) flagLines(flags []cli.Flag) {
	_ = w.ui.Table(nil, mapped(flags, func(f cli.Flag) []string {
		names := f.Names()
		spelled := "--" + names[0]
		for _, alias := range names[1:] {
			spelled = "-" + alias + ", " + spelled
		}
		what, usage := "", ""
		if d, ok := f.(cli.DocGenerationFlag); ok {
			what, usage = unquote(d.GetUsage())
		}
		if what != "" {
			spelled += " " + what
		}
		return []string{"  " + spelled, usage}
	}))
}

// unquote divides the usage of a flag: the name of its value stands in back quotes in front.
func unquote(usage string) (name, plain string) {
	if name, plain, ok := strings.Cut(strings.TrimPrefix(usage, "`"), "` "); ok {
		return name, plain
	}
	return "", usage
}
