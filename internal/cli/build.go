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
