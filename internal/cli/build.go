package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/gorun-dev/gorun/internal/host"
)

// buildCommand builds what run would start, and prints where the binary lies.
func (w *world) buildCommand(inv *Invocation) *cli.Command {
	return &cli.Command{
		Name:      "build",
		Usage:     "build what a run would start, and print the path of the binary",
		ArgsUsage: "[PATH]",
		Flags: append(launchFlags(),
			&cli.BoolFlag{Name: "why", Usage: "say on stderr why the build is needed, or that it is not"},
			eventsFlag(),
		),
		Action: func(c *cli.Context) error { return w.build(c, inv) },
	}
}

func (w *world) build(c *cli.Context, inv *Invocation) error {
	l, err := w.launch(c, inv)
	if err != nil {
		return err
	}
	story, err := w.tell(c)
	if err != nil {
		return err
	}
	defer story.end()
	story.launch = l
	options, err := w.hostOptions(c, l, story.hear)
	if err != nil {
		return err
	}
	if c.Bool("why") {
		view, err := w.planView(c.Context, l)
		if err != nil {
			return err
		}
		w.ui.Say("a build of %s is %s", story.name(), needed(view.Needed))
	}
	received, stop := signals()
	defer stop()
	options.Signals = received
	path, err := host.Build(c.Context, l.plan, options)
	if err != nil {
		return err
	}
	fmt.Fprintln(w.stdout, path)
	return nil
}
