package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/gobuild"
	"github.com/gorun-dev/gorun/launchsettings"
	"github.com/gorun-dev/gorun/profiles"
)

// launch is what every command that looks at one profile needs: the plan, and what it was made from.
type launch struct {
	plan     profiles.Plan
	warnings diagnostic.List
	target   gobuild.Target // of a plan that builds
	settings launchsettings.Settings
	project  string // the project folder
}

// where is what the command line says about the place of the program and of its settings.
type where struct {
	project  string   // --project, "" when not given
	target   []string // positionals that are paths
	settings string   // --launch-settings, "" when not given
}

// resolve makes the plan: target, settings, profile, what must be looked up, decisions.
func (w *world) resolve(at where, request profiles.Request) (launch, error) {
	request = w.inWorld(request)
	target, targetErr := w.find(at, nil)
	settings, project, warnings := w.settings(at, target, targetErr)
	request.Project = project

	choice, err := profiles.Select(settings, request)
	if err != nil {
		return launch{}, w.localise(err, at, target)
	}
	named := len(at.target) > 0 || at.project != ""
	if named && targetErr == nil {
		request.Program = target.Dir
	}
	request.NoGoProgram = noGoProgram(targetErr)
	request.WebConfig = w.webConfig(choice, request)
	needs := choice.Needs(request)
	switch flags := choice.Profile.Gorun.BuildFlags.V; {
	case needs.Package != "" && !named:
		target, targetErr = w.findPackage(choice, needs.Package)
	case len(flags) > 0: // which may decide what files belong to the program
		target, targetErr = w.find(at, flags)
	}
	if needs.Target && targetErr != nil {
		return launch{}, targetErr
	}
	if named && needs.Target {
		request.Program = target.Dir
	}
	plan, found, err := choice.Resolve(request, w.lookUp(needs))
	if err != nil {
		return launch{}, err
	}
	return launch{plan: plan, warnings: append(warnings, found...), target: target, settings: settings, project: project}, nil
}

// inWorld is a request with the world in it.
func (w *world) inWorld(r profiles.Request) profiles.Request {
	r.Environ, r.Dir, r.GOOS, r.Interactive, r.HTTPSys = w.environ, w.dir, runtime.GOOS, w.interactive(), w.brokerFolder()
	return r
}

// find looks for the program that the command line names, or for the only one there is.
func (w *world) find(at where, buildFlags []string) (gobuild.Target, error) {
	dir, args := w.dir, at.target
	if at.project != "" {
		if len(args) > 0 {
			return gobuild.Target{}, usage(fmt.Sprintf("--project %s and %s both name a program", at.project, args[0]), "give one of them")
		}
		args = []string{at.project}
	}
	return gobuild.Find(dir, args, w.environ, buildFlags...)
}

// findPackage finds the program that a profile names.
func (w *world) findPackage(choice profiles.Choice, dir string) (gobuild.Target, error) {
	target, err := gobuild.Find(w.dir, []string{dir}, w.environ, choice.Profile.Gorun.BuildFlags.V...)
	if err == nil {
		return target, nil
	}
	own := choice.Profile.Gorun.Package
	return target, &profiles.ProfileError{Profile: choice.Profile.Name, Problems: diagnostic.List{{
		Code: "package", Severity: diagnostic.Error, Place: own.Place,
		Message: fmt.Sprintf("the package %q cannot be used: %v", own.V, err), Suggestion: "it is relative to the project folder"}}}
}

// settings finds and loads the settings file: of the program's folder and its parents or, where there is no one
// program, of the folder that was named.
func (w *world) settings(at where, target gobuild.Target, targetErr error) (launchsettings.Settings, string, diagnostic.List) {
	if at.settings != "" {
		path := w.abs(at.settings)
		return launchsettings.Load(path), launchsettings.ProjectOf(path), nil
	}
	folder, root, program := target.Dir, target.ModuleDir, target.Name
	if targetErr != nil {
		folder = w.folder(at)
		root, program = moduleRoot(folder), filepath.Base(folder)
	}
	found := launchsettings.Find(folder, root, program)
	if found.Path == "" {
		return launchsettings.Settings{}, "", nil
	}
	var warnings diagnostic.List
	for _, path := range found.Unused {
		warnings = append(warnings, diagnostic.Diagnostic{Code: "unused-settings", Severity: diagnostic.Warning,
			Place:      diagnostic.Place{File: path},
			Message:    "this file is not used, because " + w.ui.Path(found.Path) + " comes before it",
			Suggestion: "remove one of the two, or name this one with --launch-settings"})
	}
	return launchsettings.Load(found.Path), found.Project, warnings
}

// folder is the folder that the command line names.
func (w *world) folder(at where) string {
	named := at.project
	if len(at.target) > 0 {
		named = at.target[0]
	}
	if named == "" {
		return w.dir
	}
	path := w.abs(named)
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return filepath.Dir(path)
	}
	return path
}

// moduleRoot is the nearest folder at or above dir that has a go.mod, or "".
func moduleRoot(dir string) string {
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// localise puts into the errors of selection what depends on where the user stands.
func (w *world) localise(err error, at where, target gobuild.Target) error {
	if unknown, ok := errors.AsType[*profiles.UnknownProfileError](err); ok {
		unknown.Path = w.ui.Path(unknown.Path)
	}
	if broken, ok := errors.AsType[*profiles.SettingsError](err); ok {
		broken.Path = w.ui.Path(broken.Path)
	}
	if missing, ok := errors.AsType[*profiles.NoSettingsError](err); ok {
		folder := target.Dir
		if folder == "" {
			folder = w.folder(at)
		}
		for _, path := range launchsettings.Candidates(folder, target.Name) {
			missing.Tried = append(missing.Tried, w.ui.Path(path))
		}
	}
	return err
}

// abs is a path of the command line, from where gorun was started.
func (w *world) abs(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(w.dir, path)
}
