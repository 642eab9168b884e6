package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/gorun-dev/gorun/internal/runs"
)

// psCommand lists what gorun runs now.
func (w *world) psCommand(*Invocation) *cli.Command {
	return &cli.Command{
		Name:  "ps",
		Usage: "list what gorun runs now",
		Flags: []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			dir, err := w.runDir()
			if err != nil {
				return err
			}
			records, err := runs.List(dir)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return w.ui.JSON(nonNil(records))
			}
			if len(records) == 0 {
				w.ui.Say("nothing runs")
				return nil
			}
			return w.ui.Table([]string{"NAME", "PROFILE", "STATE", "PID", "SINCE", "URLS", "FOLDER"}, mapped(records, w.runCells))
		},
	}
}

func (w *world) runCells(r runs.Record) []string {
	pid := "-"
	if r.ProgramPID != 0 {
		pid = strconv.Itoa(r.ProgramPID)
	}
	return []string{
		r.Name, orDash(r.Profile), string(r.State), pid, brief(time.Since(r.Started)),
		orDash(strings.Join(r.URLs, " ")), w.ui.Path(r.Dir),
	}
}
