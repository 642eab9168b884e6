package profiles

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/launchsettings"
	"github.com/gorun-dev/gorun/servers/endpoint"
)

const (
	serverKestrel = "kestrel"
	serverModule  = "module"
)

// fronts are the servers that own the addresses, with the program behind them.
var fronts = []string{serverModule, "nginx", "apache"}

// Fronted reports whether a front listens on the Endpoints, and the program stands behind it.
func (p Plan) Fronted() bool { return slices.Contains(fronts, p.Server.Value) }

// server is the server that the profile asks for. IISExpress and IIS mean the module unless another front is named.
func (c Choice) server() Setting[string] {
	own := decided("gorun.server", c.Profile.Gorun.Server, serverKestrel)
	for _, front := range fronts {
		if strings.EqualFold(own.Value, front) {
			return Setting[string]{front, own.Origin}
		}
	}
	if strings.EqualFold(own.Value, serverHTTPSys) || strings.EqualFold(own.Value, "http.sys") {
		own.Value = serverHTTPSys
	}
	if c.forIIS() {
		return Setting[string]{serverModule, fromFile("commandName", c.Profile.CommandName.Place)}
	}
	return own
}

// forIIS reports whether the profile is one that was made for IIS Express or IIS.
func (c Choice) forIIS() bool {
	command := c.Profile.CommandName.V
	return command == launchsettings.CommandIISExpress || command == launchsettings.CommandIIS
}

// WebConfig is the web.config that must be read before Needs and Resolve, and put into the request: its absolute path,
// or "". With the place of a setting that names it, it must be there; with the zero Place it need not.
func (c Choice) WebConfig(request Request) (path string, named diagnostic.Place) {
	if !c.Applied || c.server().Value != serverModule {
		return "", named
	}
	own := c.Profile.Gorun.Module.WebConfig
	if own.Set && own.V == "" {
		return "", named
	}
	name := "web.config"
	if own.Set {
		name, named = request.expand(own.V), own.Place
	}
	paths := pathRules(request.GOOS)
	return paths.join(request.Project, paths.separators(name)), named
}

// processPath is the program of an IISExpress or IIS profile that is no Go program: the one that a debugger or an
// editor put into the environment (reference: servers.md, S27), else the profile's, else, where there is no Go program,
// web.config's. "" means the Go program.
func (c Choice) processPath(request Request) Setting[string] {
	if !c.forIIS() || c.server().Value != serverModule || request.Program != "" {
		return Setting[string]{}
	}
	if path, _ := request.lookup(launcherPath); path != "" {
		return Setting[string]{path, Origin{Kind: FromEnvironment, Name: launcherPath}}
	}
	own, web := c.Profile.Gorun.Module.ProcessPath, request.WebConfig.Module.ProcessPath
	if path := request.expandModule(own.V); path != "" {
		return Setting[string]{path, fromFile("gorun.module.processPath", own.Place)}
	}
	if path := request.expandModule(web.V); path != "" && request.NoGoProgram && !c.Profile.Gorun.Package.Set {
		return Setting[string]{path, fromFile("processPath", web.Place)}
	}
	return Setting[string]{}
}

// What an editor sets to start another program than the one that is configured.
const (
	launcherPath = "ANCM_LAUNCHER_PATH"
	launcherArgs = "ANCM_LAUNCHER_ARGS"
)

// expandModule is expand for the module's settings, in which Visual Studio leaves two names that it alone sets.
func (r Request) expandModule(s string) string { return launchsettings.Expand(s, r.lookupModule) }

func (r Request) lookupModule(name string) (string, bool) {
	value, ok := r.lookup(name)
	switch strings.ToUpper(name) {
	case "LAUNCHER_PATH", "LAUNCHER_ARGS", launcherPath, launcherArgs:
		ok = true
	}
	return value, ok
}

// expandArgs replaces %NAME% in arguments. Behind a front %PORT% and %ASPNETCORE_PORT% stay: the port is chosen when
// the program is started, and the shell's is none of its business.
func (r *resolver) expandArgs(plan Plan, s string) string {
	return launchsettings.Expand(s, func(name string) (string, bool) {
		if !plan.accepts() && slices.Contains(PortNames(), name) {
			return "", false
		}
		if plan.Server.Value == serverModule && r.forIIS() {
			return r.request.lookupModule(name)
		}
		return r.request.lookup(name)
	})
}

// PortNames are the variables that tell a program behind a front its private port. As %NAME% they stay in Plan.Args,
// for whoever chooses the port to put it there: many programs take it as an argument alone.
func PortNames() []string { return []string{portVariable, "ASPNETCORE_PORT"} }

// moduleArgs are the arguments of an IISExpress or IIS profile that has none of its own.
func (r *resolver) moduleArgs(plan Plan) Setting[[]string] {
	own, web := r.Profile.Gorun.Module.Arguments, r.request.WebConfig.Module.Arguments
	if own.Set {
		return Setting[[]string]{launchsettings.SplitArgs(r.expandArgs(plan, own.V)), fromFile("gorun.module.arguments", own.Place)}
	}
	args := launchsettings.SplitArgs(r.expandArgs(plan, web.V))
	if len(args) == 0 {
		return Setting[[]string]{nil, fromDefault()}
	}
	paths := pathRules(r.request.GOOS)
	for i, arg := range args {
		if strings.HasPrefix(arg, `.\`) { // the file that `dotnet publish` names
			args[i] = paths.separators(arg)
		}
	}
	return Setting[[]string]{args, fromFile("arguments", web.Place)}
}

// dirBehind is the project folder. In-process the handler setting setCurrentDirectory=false leaves the program where its host is,
// which here is where gorun was started (reference: servers.md, S20).
func (r *resolver) dirBehind(plan Plan) Setting[string] {
	project := Setting[string]{r.request.Project, fromDefault()}
	if plan.Server.Value != serverModule || plan.Hosting.Value != launchsettings.InProcess {
		return project
	}
	for _, s := range handlerSettings(r.Profile.Gorun.Module, r.request.WebConfig.Module) {
		if s.Name == "setCurrentDirectory" && strings.EqualFold(s.Value, "false") {
			return Setting[string]{r.request.Dir, s.Origin}
		}
	}
	return project
}

// front decides where the front listens, and the path of the application that the addresses name.
func (r *resolver) front(plan Plan) ([]Endpoint, Setting[string]) {
	out := r.frontURLs()
	if len(out) == 0 && len(r.errors) == 0 {
		out = r.parse(defaultURL, fromDefault())
	}
	var path Setting[string]
	for i := range out {
		e := &out[i]
		switch {
		case e.Path == "" || e.Path == path.Value:
		case plan.Server.Value != serverModule:
			r.warn("url-path", e.Origin.Place, fmt.Sprintf("%s cannot listen on the path of %s", plan.Server.Value, e.URL), `leave out the path; "launchUrl" can name it for the browser`)
		case path.Value == "":
			path = Setting[string]{e.Path, e.Origin}
		default:
			r.warn("url-path", e.Origin.Place, fmt.Sprintf("the path of %s is not used: the application has one, %s", e.URL, path.Value), "")
		}
		e.Path = ""
		r.checkPort(out[:i], *e)
	}
	return out, path
}

// frontURLs are the addresses that are asked for.
func (r *resolver) frontURLs() []Endpoint {
	site, name := r.Settings.IIS.Express, "iisExpress"
	switch {
	case r.request.URLs != "":
		return r.listenOn(r.request.URLs, fromFlag("--urls"))
	case !r.forIIS():
		url := r.Profile.ApplicationURL
		return r.listenOn(url.V, fromFile("applicationUrl", url.Place))
	case r.Profile.CommandName.V == launchsettings.CommandIIS:
		site, name = r.Settings.IIS.Site, "iis"
	}
	out := r.listenOn(site.ApplicationURL.V, fromFile(name+".applicationUrl", site.ApplicationURL.Place))
	if site.SSLPort.V == 0 {
		return out
	}
	url := fmt.Sprintf("https://localhost:%d", site.SSLPort.V)
	for _, e := range r.listenOn(url, fromFile(name+".sslPort", site.SSLPort.Place)) {
		if !slices.ContainsFunc(out, func(o Endpoint) bool { return o.Scheme == e.Scheme && o.Port == e.Port }) {
			out = append(out, e)
		}
	}
	return out
}

// listenOn reads a list of URLs that gorun's own front has to listen on, so that one that is none is an error.
func (r *resolver) listenOn(urls string, from Origin) []Endpoint {
	var out []Endpoint
	for s := range strings.SplitSeq(urls, ";") {
		s = strings.TrimSpace(s)
		if s == "" {
			continue
		}
		e, err := endpoint.Parse(s)
		if err != nil {
			r.fail("url", from.Place, err.Error(), "an address looks like http://localhost:5000; a semicolon separates several")
			continue
		}
		if !slices.ContainsFunc(out, func(o Endpoint) bool { return o.Endpoint == e }) {
			out = append(out, Endpoint{Endpoint: e, URL: s, Origin: from})
		}
	}
	return out
}

// checkPort refuses http and https on one port.
func (r *resolver) checkPort(others []Endpoint, e Endpoint) {
	for _, o := range others {
		if o.Port == e.Port && o.Port != 0 && o.Host == e.Host && o.Scheme != e.Scheme {
			r.fail("same-port", e.Origin.Place, fmt.Sprintf("%s and %s have the same port", o.Endpoint, e.Endpoint), "give https a port of its own")
		}
	}
}

// ofFronts are variables that say where a program listens, or that a front stands before it. Inherited by a program
// behind a front they would speak of somebody else: of gorun's own front, or of the shell's.
var ofFronts = []string{
	urlsVariable, "DOTNET_URLS", portVariable, serverVariable,
	"HTTP_PORTS", "ASPNETCORE_HTTP_PORTS", "DOTNET_HTTP_PORTS", "HTTPS_PORTS", "ASPNETCORE_HTTPS_PORTS", "DOTNET_HTTPS_PORTS",
	"ASPNETCORE_PORT", "ASPNETCORE_APPL_PATH", "ASPNETCORE_TOKEN",
	"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "GORUN_LISTEN_FDS", "GORUN_LISTEN_FDNAMES", "NOTIFY_SOCKET",
}

// ofFront reports whether a variable is one of them.
func (r *resolver) ofFront(name string) bool {
	return slices.ContainsFunc(ofFronts, func(f string) bool { return r.request.sameName(f, name) })
}

// fromModule sets the variables that the module's settings have for the program: web.config's, then the profile's.
// ANCM_PREFER_ENVIRONMENT_VARIABLES makes inherited ones win over web.config's (reference: servers.md, S37).
func (r *resolver) fromModule(env *environment, set func(EnvVar)) {
	value, _ := r.request.lookup("ANCM_PREFER_ENVIRONMENT_VARIABLES")
	prefer := isTrue(value)
	for _, v := range r.request.WebConfig.Module.EnvironmentVariables {
		if earlier, ok := env.find(v.Name); ok && prefer && earlier.Origin.Kind == FromEnvironment {
			continue
		}
		set(EnvVar{v.Name, r.request.expandModule(v.Value.V), fromFile("environmentVariables", v.Value.Place)})
	}
	for _, v := range r.Profile.Gorun.Module.EnvironmentVariables {
		set(EnvVar{v.Name, r.request.expandModule(v.Value.V), fromFile("gorun.module.environmentVariables", v.Value.Place)})
	}
}
