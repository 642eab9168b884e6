package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/host"
	"github.com/gorun-dev/gorun/internal/process"
	"github.com/gorun-dev/gorun/internal/ui"
	"github.com/gorun-dev/gorun/profiles"
	"github.com/gorun-dev/gorun/servers/httpsys/broker"
)

// runCommand builds a program, starts it as its profile says, and stays with it.
func (w *world) runCommand(inv *Invocation) *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "build and run a program (what gorun does without a verb)",
		ArgsUsage: "[PATH] [ARGUMENTS] | -- ARGUMENTS",
		Description: `PATH is the folder of a main package, or its .go files; without it, the one here or the only one in the module.
Flags end at PATH or at the first argument. Everything after it, or after --, goes to the program and
replaces the profile's commandLineArgs.`,
		Flags: append(launchFlags(),
			&cli.BoolFlag{Name: "no-build", Usage: "start what was built before"},
			&cli.BoolFlag{Name: "exec", Usage: "let the program take gorun's place: same process, nothing watches it (Unix)"},
			eventsFlag(),
		),
		Action: func(c *cli.Context) error { return w.runProgram(c, inv) },
	}
}

func (w *world) runProgram(c *cli.Context, inv *Invocation) error {
	story, err := w.tell(c)
	if err != nil {
		return err
	}
	defer story.end()
	var guard *process.Guard
	if !c.Bool("exec") {
		// It begins while the plan is made. What --events opened must not be inherited, so that came before.
		guard = process.Prepare(process.Spec{
			Stdin: w.stdin, Stdout: w.stdout, Stderr: w.stderr, Foreground: process.HasTerminal(),
		})
		defer guard.Close()
	}
	l, err := w.launch(c, inv)
	if err != nil {
		return err
	}
	w.hintAtFolder(inv, l)
	options, err := w.hostOptions(c, l, story.hear)
	if err != nil {
		return err
	}
	story.launch, story.runs = l, true
	if l.plan.Fronted() {
		if c.Bool("exec") {
			return usage("--exec leaves nobody to be the front of "+story.name(), "leave it out, or choose a profile without a front")
		}
		guard.Close() // what stands behind a front has other streams
		options.Replan = func() (profiles.Plan, error) { return w.replan(c, inv) }
	} else if guard != nil {
		options.Start = guard.Start
	}
	received, _ := signals() // for good: gorun ends after this, and to let go of them takes half a millisecond
	options.Signals = received
	if c.Bool("exec") {
		story.begin()
		return host.Exec(c.Context, l.plan, options)
	}
	result, err := host.Run(c.Context, l.plan, options)
	if err != nil {
		return err
	}
	story.verdict(result)
	return exitStatus(result.Status.ExitCode())
}

// launch resolves what the command line asks for, and tells the warnings.
func (w *world) launch(c *cli.Context, inv *Invocation) (launch, error) {
	asked, err := request(c, inv)
	if err != nil {
		return launch{}, err
	}
	l, err := w.resolve(place(c, inv), asked)
	if err != nil {
		return l, err
	}
	for _, d := range l.warnings {
		w.ui.Diagnostic(withSource(d))
	}
	return l, nil
}

// replan is launch once more, after a file has changed. Warnings were told at the first time.
func (w *world) replan(c *cli.Context, inv *Invocation) (profiles.Plan, error) {
	asked, err := request(c, inv)
	if err != nil {
		return profiles.Plan{}, err
	}
	l, err := w.resolve(place(c, inv), asked)
	return l.plan, err
}

// hintAtFolder speaks up where a folder was named as go build takes it, without ./, which makes it an argument here.
func (w *world) hintAtFolder(inv *Invocation, l launch) {
	if slices.Contains(w.args, "--") || len(inv.Target) > 0 || len(inv.Args) == 0 || !strings.Contains(inv.Args[0], "/") || strings.HasPrefix(inv.Args[0], "-") {
		return
	}
	if info, err := os.Stat(w.abs(inv.Args[0])); err != nil || !info.IsDir() {
		return
	}
	w.ui.Diagnostic(diagnostic.Diagnostic{Code: "folder-argument", Severity: diagnostic.Warning,
		Message:    fmt.Sprintf("%q is handed to %s as an argument, although it is a folder", inv.Args[0], orDash(l.target.Name)),
		Suggestion: fmt.Sprintf("to run the program in it: `%s`; to silence this, put -- before the arguments", ui.ShellQuote([]string{"gorun", "./" + inv.Args[0]}))})
}

func (w *world) hostOptions(c *cli.Context, l launch, emit event.Emit) (host.Options, error) {
	options := host.Options{
		Target: l.target, NoBuild: c.Bool("no-build"), GoEnv: w.environ, From: w.dir,
		Stdin: w.stdin, Stdout: w.stdout, Stderr: w.stderr,
		Foreground: process.HasTerminal(),
		Emit:       emit, OpenBrowser: w.openBrowser,
		Broker: func(folder string) *broker.Launcher { return w.launcher(folder) },
	}
	var err error
	if l.plan.Builds() {
		if options.CacheDir, err = w.cacheDir(); err != nil {
			return options, err
		}
		options.SpareDir = spareDir()
	}
	if options.RunDir, err = w.runDir(); err != nil {
		w.ui.Diagnostic(diagnostic.Diagnostic{Code: "run-folder", Severity: diagnostic.Warning,
			Message: "gorun ps will not list this run: " + err.Error(), Suggestion: "set GORUN_RUN_DIR to a folder of your own"})
	}
	return options, nil
}
