package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/gorun-dev/gorun/internal/gobuild"
	"github.com/gorun-dev/gorun/internal/ui"
	"github.com/gorun-dev/gorun/launchsettings"
)

// initCommand writes a first settings file.
func (w *world) initCommand(inv *Invocation) *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "write Properties/launchSettings.json with profiles for http and https",
		ArgsUsage: "[FOLDER]",
		Description: `The ports are free ones. A file that is there is never overwritten. The personal file, launchSettings.user.json,
is added to .gitignore.

With --web-config it writes a web.config instead, with which IIS runs the program, and which gorun reads too.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "web-config", Usage: "write a web.config for IIS instead"},
			&cli.StringFlag{Name: "launch-settings", Usage: "`FILE` the settings to read; without it the nearest ones"},
			&cli.StringFlag{Name: "launch-profile", Aliases: []string{"lp"}, Usage: "`NAME` whose variables go into the web.config; without it none do"},
		},
		Action: func(c *cli.Context) error {
			if c.Bool("web-config") {
				return w.initWebConfig(c, inv)
			}
			for _, flag := range []string{"launch-profile", "launch-settings"} {
				if c.String(flag) != "" {
					return usage("gorun init takes --"+flag+" only with --web-config", "leave it out, or add --web-config")
				}
			}
			return w.init(inv)
		},
	}
}

// settingsExistError is a folder that has settings already.
type settingsExistError struct{ path string }

func (e *settingsExistError) Error() string {
	return e.path + " is there already, and is left as it is"
}

// Hint says how to see what is in it.
func (e *settingsExistError) Hint() string { return `"gorun profiles" lists what it holds` }

func (w *world) init(inv *Invocation) error {
	at := where{target: inv.Target}
	dir := w.folder(at)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return usage("there is no folder "+w.ui.Path(dir), "gorun init wants a folder, or none for this one")
	}
	target, err := w.find(at, nil)
	if several, ok := errors.AsType[*gobuild.SeveralProgramsError](err); ok {
		// A file for all of them would start none.
		return &initSeveralError{several, []string{"gorun", "init"}}
	}
	for _, path := range launchsettings.Candidates(dir, "") {
		if _, err := os.Lstat(path); err == nil {
			return &settingsExistError{w.ui.Path(path)}
		}
	}
	http, https := freePort(5000, 5300), freePort(7000, 7300)
	path := launchsettings.Candidates(dir, "")[0]
	if err := writeNew(path, fmt.Appendf(nil, initial, http, https, http)); err != nil {
		return err
	}
	w.ui.Say("wrote %s", w.ui.Path(path))
	ignored, ignoreErr := ignore(filepath.Join(dir, ".gitignore"), launchsettings.PersonalName)
	if ignoreErr != nil {
		return ignoreErr
	}
	if ignored {
		w.ui.Say("added %s to %s", launchsettings.PersonalName, w.ui.Path(filepath.Join(dir, ".gitignore")))
	}
	if err != nil { // of the search for a program: there is none yet
		w.ui.Say("there is no Go program here yet: %v", err)
		return nil
	}
	words := []string{"gorun", "--launch-profile", "http"}
	if dir != w.dir {
		words = append(words, w.targetName(target))
	}
	w.ui.Say("run it with: %s", ui.ShellQuote(words))
	return nil
}

// initSeveralError is a folder with several programs below it.
type initSeveralError struct {
	several *gobuild.SeveralProgramsError
	command []string // that each of them is added to
}

func (e *initSeveralError) Error() string { return "there are several programs here; choose one:" }

// Details lists the commands to choose from.
func (e *initSeveralError) Details() []string {
	return mapped(e.several.Programs, func(p string) string { return ui.ShellQuote(append(slices.Clone(e.command), p)) })
}

// initial is the first settings file. The ports are those of http, https and http again.
const initial = `{
  "profiles": {
    "http": {
      "commandName": "Project",
      "applicationUrl": "http://localhost:%d",
      "environmentVariables": {
        "ASPNETCORE_ENVIRONMENT": "Development"
      }
    },
    "https": {
      "commandName": "Project",
      "applicationUrl": "https://localhost:%d;http://localhost:%d",
      "environmentVariables": {
        "ASPNETCORE_ENVIRONMENT": "Development"
      }
    }
  }
}
`

// writeNew writes a file that must not be there yet.
func writeNew(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return &notWrittenError{filepath.Dir(path), reason(err)}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return &settingsExistError{path}
	}
	if err != nil {
		return &notWrittenError{path, reason(err)}
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// notWrittenError is a place that cannot be written to.
type notWrittenError struct {
	path string
	err  error
}

func (e *notWrittenError) Error() string {
	return fmt.Sprintf("%s cannot be written: %v", e.path, e.err)
}

// Hint says what to look at.
func (e *notWrittenError) Hint() string {
	return "look at the folder's permissions, or name another folder: gorun init FOLDER"
}

// ignore adds a name to a .gitignore, unless a line has it.
func ignore(path, name string) (added bool, err error) {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	for line := range bytes.Lines(data) {
		if string(bytes.TrimSpace(line)) == name {
			return false, nil
		}
	}
	if len(data) > 0 && !bytes.HasSuffix(data, []byte("\n")) {
		data = append(data, '\n')
	}
	return true, os.WriteFile(path, append(data, name+"\n"...), 0o666)
}

// freePort is a port from low up to, not including, high that nobody listens on now. The ranges are those of
// dotnet's templates: they lie below the ports that systems hand out for outgoing connections, so that a file that is
// committed does not clash with one some day.
func freePort(low, high int) int {
	for range 100 {
		port := low + rand.IntN(high-low)
		l, err := net.Listen("tcp", net.JoinHostPort("localhost", strconv.Itoa(port)))
		if err == nil {
			_ = l.Close() // it has served its purpose
			return port
		}
	}
	return low
}
