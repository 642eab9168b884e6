package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/gorun-dev/gorun/internal/gobuild"
	"github.com/gorun-dev/gorun/internal/runs"
)

// cleanCommand removes what gorun built.
func (w *world) cleanCommand(*Invocation) *cli.Command {
	return &cli.Command{
		Name:  "clean",
		Usage: "remove all binaries that gorun keeps",
		Description: `They lie in the user's cache folder, or in GORUN_CACHE; the next run builds again. Go's own cache is left alone.
What --unused removes also goes by itself, about once a day.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "unused", Usage: "only those of programs that are gone, and those that were not started for 30 days"},
		},
		Action: func(c *cli.Context) error {
			dir, err := w.cacheDir()
			if err != nil {
				return err
			}
			clean := gobuild.Clean
			if c.Bool("unused") {
				clean = gobuild.CleanUnused
			}
			removed, bytes, err := clean(dir)
			// What others could have put into the spare folder is not touched.
			if _, none := os.Lstat(spareDir()); none == nil && runs.EnsureFolder(spareDir()) == nil {
				spare, spareBytes, spareErr := clean(spareDir())
				removed, bytes, err = append(removed, spare...), bytes+spareBytes, errors.Join(err, spareErr)
			}
			if err != nil {
				return err
			}
			w.ui.Say("removed the binaries of %s, %.1f MB", count(len(removed), "program", "programs"), float64(bytes)/(1<<20))
			return nil
		},
	}
}

// count is a number with its noun.
func count(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}
