package profiles

import (
	"github.com/gorun-dev/gorun/launchsettings"
)

// Needs says what must be looked up on this machine before Resolve: see Facts. Empty fields need nothing.
type Needs struct {
	EnvFiles []string // .env files to read, absolute
	Programs []string // executables, of which the first that is there is meant: a bare name to look up in PATH, or an absolute path
	Dir      string   // a working directory, absolute, that must be there
	Package  string   // the folder of the main package, absolute; "" leaves the choice to the command line
	Target   bool     // whether a Go program is built at all
}

// Needs says what c needs to be resolved. The request has its WebConfig by then.
func (c Choice) Needs(request Request) Needs {
	if !c.Applied {
		return Needs{Target: true}
	}
	p, paths := c.Profile, pathRules(request.GOOS)
	var needs Needs
	for _, file := range p.Gorun.EnvFile.V {
		needs.EnvFiles = append(needs.EnvFiles, paths.join(request.Project, file))
	}
	if p.CommandName.V == launchsettings.CommandExecutable {
		needs.Programs = []string{c.executable(request)}
		needs.Dir = c.workingDirectory(request)
		return needs
	}
	if path := c.processPath(request); path.Value != "" {
		needs.Programs = paths.processPath(request.Project, path.Value)
		return needs
	}
	needs.Target = true
	if p.Gorun.Package.Set {
		needs.Package = paths.join(request.Project, p.Gorun.Package.V)
	}
	return needs
}

// executable is the program of an Executable profile: relative to where gorun was started when it has a slash,
// otherwise a bare name.
func (c Choice) executable(request Request) string {
	paths := pathRules(request.GOOS)
	name := request.expand(c.Profile.ExecutablePath.V)
	if paths.isBare(name) {
		return name
	}
	return paths.join(request.Dir, name)
}

// workingDirectory is relative to the folder that holds the settings file in which it stands, so "sub" of
// Properties/launchSettings.json means Properties/sub.
func (c Choice) workingDirectory(request Request) string {
	v := c.Profile.WorkingDirectory
	if !v.Set || v.V == "" {
		return request.Project
	}
	paths := pathRules(request.GOOS)
	return paths.join(paths.dir(c.Settings.Path), request.expand(v.V))
}
