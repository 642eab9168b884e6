package profiles

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/launchsettings"
)

// Resolve decides everything. The warnings are what the user should hear beside the plan; the error is a
// *ProfileError with all that cannot work.
func (c Choice) Resolve(request Request, facts Facts) (Plan, diagnostic.List, error) {
	r := &resolver{Choice: c, request: request, facts: facts, warnings: slices.Clip(c.Warnings)}
	plan := r.plan()
	if len(r.errors) > 0 {
		return Plan{}, r.warnings, &ProfileError{Profile: c.Profile.Name, Problems: r.errors}
	}
	return plan, r.warnings, nil
}

// resolver is one call of Resolve.
type resolver struct {
	Choice
	request  Request
	facts    Facts
	warnings diagnostic.List
	errors   diagnostic.List
}

func (r *resolver) fail(code string, at diagnostic.Place, message, suggestion string) {
	r.errors = append(r.errors, diagnostic.Diagnostic{
		Code: code, Severity: diagnostic.Error, Place: at, Message: message, Suggestion: suggestion})
}

func (r *resolver) warn(code string, at diagnostic.Place, message, suggestion string) {
	r.warnings = append(r.warnings, diagnostic.Diagnostic{
		Code: code, Severity: diagnostic.Warning, Place: at, Message: message, Suggestion: suggestion})
}

func (r *resolver) plan() Plan {
	plan := Plan{
		Settings: r.Settings.Path,
		Applied:  r.Applied,
		Command:  launchsettings.CommandProject,
		Server:   r.server(),
		Stop:     r.stop(),
	}
	if r.Applied {
		plan.Profile = r.profileName()
		plan.Place = r.Profile.Place
		plan.Command = r.Profile.CommandName.V
	}
	if plan.Server.Value == serverModule {
		plan.Hosting = r.hosting()
	}
	plan.Args = r.args(plan)
	plan.Dir = r.dir(plan)
	if r.builds() {
		plan.Build = r.build()
	} else {
		plan.Program = r.program()
	}
	r.inFront(&plan)
	r.environment(&plan)
	plan.Browser = r.browser(plan)
	return plan
}

// builds reports whether the program is a Go program, which is built.
func (r *resolver) builds() bool {
	return !r.Applied || r.Profile.CommandName.V != launchsettings.CommandExecutable && r.processPath(r.request).Value == ""
}

// inFront decides what stands in front of the program, where something does.
func (r *resolver) inFront(plan *Plan) {
	r.checkServer(*plan)
	r.checkModule(*plan)
	if !plan.Fronted() {
		return
	}
	var path Setting[string]
	plan.Endpoints, path = r.front(*plan)
	if plan.Server.Value == serverModule {
		plan.Module = r.module(*plan, path)
	}
}

// checkServer warns of a server that an IISExpress or IIS profile names in vain.
func (r *resolver) checkServer(plan Plan) {
	own := r.Profile.Gorun.Server
	if r.forIIS() && own.Set && plan.Server.Origin.Name == "commandName" {
		r.warn("server", own.Place, fmt.Sprintf("%q is not used: an %s profile has the module in front", own.V, plan.Command),
			`write "nginx" or "apache" for one of these; a Project profile runs on other servers`)
	}
}

// profileName is the name as typed where one was named, and the file's spelling by default selection.
func (r *resolver) profileName() Setting[string] {
	if r.request.Profile != "" {
		return Setting[string]{r.request.Profile, fromFlag("--launch-profile")}
	}
	return Setting[string]{r.Profile.Name, Origin{Kind: FromFile, Name: "the first profile that runs", Place: r.Profile.Place}}
}

// args are those of the command line, or, when it has none, the profile's.
func (r *resolver) args(plan Plan) Setting[[]string] {
	if r.request.ArgsGiven {
		return Setting[[]string]{r.request.Args, fromFlag("command line")}
	}
	own := r.Profile.CommandLineArgs
	if r.forIIS() && plan.Server.Value == serverModule {
		if args, _ := r.request.lookup(launcherArgs); args != "" {
			return Setting[[]string]{launchsettings.SplitArgs(args), Origin{Kind: FromEnvironment, Name: launcherArgs}}
		}
		if own.V == "" {
			return r.moduleArgs(plan)
		}
	}
	if !own.Set {
		return Setting[[]string]{nil, fromDefault()}
	}
	return Setting[[]string]{launchsettings.SplitArgs(r.expandArgs(plan, own.V)), fromFile("commandLineArgs", own.Place)}
}

// dir is where gorun was started for a Project profile, which ignores workingDirectory as dotnet run does, and the
// project folder behind a front, as the module has it (reference: servers.md, 1.3).
func (r *resolver) dir(plan Plan) Setting[string] {
	switch {
	case plan.Command == launchsettings.CommandExecutable:
	case plan.Fronted():
		return r.dirBehind(plan)
	default:
		return Setting[string]{r.request.Dir, fromDefault()}
	}
	v := r.Profile.WorkingDirectory
	dir := decided("workingDirectory", v, "")
	dir.Value = r.workingDirectory(r.request)
	if r.facts.DirErr != nil {
		at := v.Place
		if !v.Set {
			at = r.Profile.Place
		}
		r.fail("no-directory", at, fmt.Sprintf("the working directory %s cannot be used: %v", dir.Value, r.facts.DirErr),
			"make the folder, or change workingDirectory, which is relative to the folder of the settings file")
	}
	return dir
}

func (r *resolver) program() Setting[string] {
	if path := r.processPath(r.request); path.Value != "" {
		if r.facts.ProgramErr != nil {
			r.fail("no-program", path.Origin.Place, fmt.Sprintf(`the program "%s" of %s cannot be started: %v`, path.Value, path.Origin.Name, r.facts.ProgramErr),
				"a relative path is looked for in the project folder, then a bare name in PATH")
		}
		return Setting[string]{r.facts.Program, path.Origin}
	}
	own := r.Profile.ExecutablePath
	if r.request.expand(own.V) == "" {
		r.fail("no-executable", own.Place, fmt.Sprintf("%q is empty once its variables are replaced", own.V), "set the variable, or write the program to start")
	} else if r.facts.ProgramErr != nil {
		r.fail("no-program", own.Place, fmt.Sprintf("the program %q cannot be started: %v", own.V, r.facts.ProgramErr),
			"a bare name is looked up in PATH; a path with a slash is relative to the folder where gorun is started")
	}
	return Setting[string]{r.facts.Program, fromFile("executablePath", own.Place)}
}

func (r *resolver) build() Build {
	g := r.Profile.Gorun
	build := Build{
		Package:           decided("gorun.package", g.Package, ""),
		Configuration:     decided("gorun.configuration", g.Configuration, "Debug"),
		Flags:             decided("gorun.buildFlags", g.BuildFlags, nil),
		DebugDependencies: decided("gorun.debugDependencies", g.DebugDependencies, false),
	}
	switch {
	case r.request.Program != "":
		build.Package = Setting[string]{r.request.Program, fromFlag("command line")}
	case g.Package.Set:
		build.Package.Value = r.Needs(r.request).Package
	}
	if r.request.Configuration != "" {
		build.Configuration = Setting[string]{r.request.Configuration, fromFlag("--configuration")}
	}
	return build
}

func (r *resolver) stop() Stop {
	stop := r.Profile.Gorun.Stop
	return Stop{Signal: decided("gorun.stop.signal", stop.Signal, ""), Timeout: decided("gorun.stop.timeout", stop.Timeout, 0)}
}

// browser decides whether one is opened: when the profile wants it and a person is there to see it.
func (r *resolver) browser(plan Plan) Browser {
	b := Browser{
		Open:      decided("launchBrowser", r.Profile.LaunchBrowser, false),
		LaunchURL: decided("launchUrl", r.Profile.LaunchURL, ""),
	}
	b.LaunchURL.Value = belowPath(plan.Module.ApplicationPath.Value, r.request.expand(b.LaunchURL.Value))
	first := firstReachable(plan)
	if first != nil && first.Port != 0 {
		b.URL = BrowserURL(b.LaunchURL.Value, first.Endpoint)
	} else if isAbsURL(b.LaunchURL.Value) {
		b.URL = b.LaunchURL.Value
	}
	switch {
	case !b.Open.Value:
	case first == nil:
		r.warn("browser-without-url", b.Open.Origin.Place, `"launchBrowser" has no effect: there is no address to wait for`, `add "applicationUrl"`)
		b.Open.Value = false
	case r.request.NoBrowser:
		b.Open = Setting[bool]{false, fromFlag("--no-browser")}
	case !r.request.Interactive:
		b.Open = Setting[bool]{false, Origin{Kind: FromEnvironment, Name: "no terminal, or under CI"}}
	}
	return b
}

// belowPath is a launchUrl that is relative to the application's path, as Visual Studio reads it.
func belowPath(applicationPath, launchURL string) string {
	if applicationPath == "" || applicationPath == "/" || isAbsURL(launchURL) {
		return launchURL
	}
	return strings.TrimSuffix(applicationPath+"/"+strings.TrimPrefix(launchURL, "/"), "/")
}

// firstReachable is the first endpoint that a browser could open.
func firstReachable(plan Plan) *Endpoint {
	for i, e := range plan.Endpoints {
		if e.Unix == "" {
			return &plan.Endpoints[i]
		}
	}
	return nil
}
