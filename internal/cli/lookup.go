package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/dotenv"
	"github.com/gorun-dev/gorun/internal/gobuild"
	"github.com/gorun-dev/gorun/launchsettings"
	"github.com/gorun-dev/gorun/launchsettings/webconfig"
	"github.com/gorun-dev/gorun/profiles"
)

// lookUp finds out on this machine what the choice needs to know.
func (w *world) lookUp(needs profiles.Needs) profiles.Facts {
	var facts profiles.Facts
	for _, path := range needs.EnvFiles {
		facts.EnvFiles = append(facts.EnvFiles, readEnvFile(path))
	}
	if len(needs.Programs) > 0 {
		facts.Program, facts.ProgramErr = w.firstProgram(needs.Programs)
	}
	if needs.Dir != "" {
		info, err := os.Stat(needs.Dir)
		if err == nil && !info.IsDir() {
			err = errors.New("it is not a folder")
		}
		facts.DirErr = reason(err)
	}
	return facts
}

// noGoProgram reports whether a search ended because there is no Go program, so that a web.config may name another.
func noGoProgram(err error) bool {
	_, module := errors.AsType[*gobuild.NoModuleError](err)
	_, program := errors.AsType[*gobuild.NoProgramError](err)
	_, library := errors.AsType[*gobuild.NotMainError](err)
	return module || program || library
}

// webConfig reads the web.config that the profile goes by. One that cannot be read is so reported in its place, but for
// one that need not be there.
func (w *world) webConfig(choice profiles.Choice, request profiles.Request) launchsettings.WebConfig {
	path, named := choice.WebConfig(request)
	if path == "" {
		return launchsettings.WebConfig{}
	}
	config, err := webconfig.Load(path)
	switch {
	case err == nil:
		return config
	case named.IsZero() && errors.Is(err, fs.ErrNotExist):
		return launchsettings.WebConfig{}
	case named.IsZero():
		named.File = path
	}
	config.Diagnostics = diagnostic.List{{Code: "unreadable", Severity: diagnostic.Error, Place: named,
		Message:    fmt.Sprintf("%s is not read: %v", w.ui.Path(path), err),
		Suggestion: `"webConfig" of "module" names another one, relative to the project folder; an empty "webConfig" reads none`}}
	return config
}

// firstProgram finds the first of several executables that is there. Where none is, what is wrong with one that is
// there tells more than what is not.
func (w *world) firstProgram(names []string) (string, error) {
	var unusable, absent error
	for _, name := range names {
		path, err := w.program(name)
		switch {
		case err == nil:
			return path, nil
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotInPath):
			absent = err
		case unusable == nil:
			unusable = err
		}
	}
	if unusable != nil {
		return "", unusable
	}
	return "", absent
}

var errNotInPath = errors.New("it is not in PATH")

// readEnvFile reads a .env file. The values in it are secrets, which no message shows.
func readEnvFile(path string) profiles.EnvFile {
	data, err := os.ReadFile(path)
	if err != nil {
		return profiles.EnvFile{Path: path, Err: reason(err)}
	}
	file := profiles.EnvFile{Path: path}
	entries, err := dotenv.Parse(data)
	for _, err := range separate(err) {
		d := diagnostic.Diagnostic{Code: "env-file", Severity: diagnostic.Error, Message: err.Error(), Place: diagnostic.Place{File: path}}
		if bad, ok := errors.AsType[*dotenv.ParseError](err); ok {
			d.Message, d.Suggestion = bad.Reason, bad.Advice
			d.Place.Start = diagnostic.Position{Line: bad.Line, Column: 1}
		}
		file.Bad = append(file.Bad, d)
	}
	file.Entries = mapped(entries, func(e dotenv.Entry) profiles.EnvEntry { return profiles.EnvEntry(e) })
	return file
}

// separate takes apart what errors.Join put together.
func separate(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// program finds an executable: a bare name in PATH, anything else as it is.
func (w *world) program(name string) (string, error) {
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) {
		return "", errNotInPath
	}
	if err != nil {
		return "", reason(err)
	}
	return w.abs(path), nil
}

// reason drops from an error of package os what its message says already.
func reason(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*exec.Error](err); ok {
		return reason(e.Err)
	}
	return err
}
