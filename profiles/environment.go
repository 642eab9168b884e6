package profiles

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/launchsettings"
	"github.com/gorun-dev/gorun/servers/endpoint"
)

// The variables that gorun gives a meaning to.
const (
	urlsVariable    = "ASPNETCORE_URLS"
	profileVariable = "DOTNET_LAUNCH_PROFILE"
	serverVariable  = "GORUN_SERVER"
	portVariable    = "PORT"
	httpsysVariable = "GORUN_HTTPSYS"

	// What the front would do with TLS, and the program does where it speaks TLS itself.
	clientsVariable   = "Kestrel__EndpointDefaults__ClientCertificateMode"
	protocolsVariable = "Kestrel__EndpointDefaults__Protocols"
)

// environment decides the variables of the program and, from them, where it is going to listen.
//
// From the weakest to the strongest:
//
//	what gorun was started with
//	web.config, and gorun.module.environmentVariables, with the module in front
//	applicationUrl as ASPNETCORE_URLS, and DOTNET_LAUNCH_PROFILE
//	gorun.envFile, file by file
//	environmentVariables
//	-e
//	--urls as ASPNETCORE_URLS
//
// With "gorun": {"env": "shell"} what gorun was started with is stronger than the profile. GORUN_SERVER and PORT are
// added at the end, where nothing has set them.
//
// Behind a front the program is not told the addresses of the front, unless it accepts there itself (InProcess), and
// does not inherit what says where to listen. What a flag or the profile sets of those it gets: ASPNETCORE_PORT is then
// the port that the module uses.
func (r *resolver) environment(plan *Plan) {
	env := &environment{same: r.request.sameName}
	for _, kv := range r.request.Environ {
		if name, value, ok := cutVariable(kv); ok && !(plan.Fronted() && r.ofFront(name)) {
			env.set(EnvVar{name, value, Origin{Kind: FromEnvironment, Name: name}})
		}
	}
	if r.Applied {
		r.fromProfile(env, *plan)
	}
	for _, v := range r.request.Variables {
		env.set(EnvVar{v.Name, v.Value, fromFlag("--environment")})
	}
	if r.request.URLs != "" && plan.accepts() {
		env.set(EnvVar{urlsVariable, r.request.URLs, fromFlag("--urls")})
	}
	if !plan.Fronted() {
		plan.Server = r.ownServer(env, *plan)
		plan.Endpoints = r.endpoints(env, plan.Command)
		if plan.SharesPorts() {
			plan.Endpoints = r.prefixes(plan.Endpoints)
		} else {
			r.checkPaths(plan.Endpoints)
		}
	}
	r.addOwn(env, plan)
	if plan.Server.Value == serverModule {
		plan.Module.DetailedErrors = r.detailedErrors(env)
		r.checkURLs(env, *plan)
	}
	plan.Env = env.vars
}

// accepts reports whether the program itself accepts connections on the Endpoints.
func (p Plan) accepts() bool { return !p.Fronted() || p.Hosting.Value == launchsettings.InProcess }

// checkURLs warns where the profile gives the program an address that the front will not listen on.
func (r *resolver) checkURLs(env *environment, plan Plan) {
	v, ok := env.find(urlsVariable)
	if ok && v.Value != "" && !plan.accepts() {
		r.warn("front-url", v.Origin.Place, "ASPNETCORE_URLS does not say where the front listens; the program behind it gets it as it is", "name the front's addresses in applicationUrl, or with --urls")
	}
}

// fromProfile lets the profile set its variables; where the shell is to win, only those that it has not set.
func (r *resolver) fromProfile(env *environment, plan Plan) {
	shell := r.Profile.Gorun.Env.V == "shell"
	set := func(v EnvVar) {
		if earlier, ok := env.find(v.Name); !ok || !shell || earlier.Origin.Kind != FromEnvironment {
			env.set(v)
		}
	}
	if plan.Server.Value == serverModule {
		r.fromModule(env, set)
	}
	switch url := r.Profile.ApplicationURL; {
	case plan.Fronted() && plan.accepts() && len(plan.Endpoints) > 0:
		set(EnvVar{urlsVariable, addresses(plan.Endpoints), plan.Endpoints[0].Origin})
	case !plan.Fronted() && url.V != "" && (plan.Command == launchsettings.CommandProject || plan.SharesPorts()):
		set(EnvVar{urlsVariable, url.V, fromFile("applicationUrl", url.Place)})
	}
	env.set(EnvVar{profileVariable, plan.Profile.Value, plan.Profile.Origin})
	for i, file := range r.facts.EnvFiles {
		if file.Err != nil {
			r.fail("env-file", r.Profile.Gorun.EnvFile.Place, fmt.Sprintf("%s: %v", r.Profile.Gorun.EnvFile.V[i], file.Err),
				"envFile is relative to the project folder")
			continue
		}
		r.errors = append(r.errors, file.Bad...)
		for _, e := range file.Entries {
			at := diagnostic.Place{File: file.Path, Start: diagnostic.Position{Line: e.Line, Column: 1}}
			set(EnvVar{e.Name, e.Value, Origin{Kind: FromEnvFile, Name: "envFile", Place: at}})
		}
	}
	for _, v := range r.Profile.EnvironmentVariables {
		set(EnvVar{v.Name, r.request.expand(v.Value.V), fromFile("environmentVariables", v.Value.Place)})
	}
}

// addresses is a list of URLs as ASPNETCORE_URLS has it.
func addresses(endpoints []Endpoint) string {
	urls := make([]string, len(endpoints))
	for i, e := range endpoints {
		urls[i] = e.Endpoint.String()
	}
	return strings.Join(urls, ";")
}

// addOwn adds what is gorun's own, never over a value that somebody set.
//
// GORUN_SERVER tells the program that gorun says where it listens. Without a profile and addresses gorun has nothing
// to say, and the program runs as it would without gorun.
func (r *resolver) addOwn(env *environment, plan *Plan) {
	if r.Applied || len(plan.Endpoints) > 0 {
		server := plan.Server
		if plan.Fronted() && server.Value != serverModule {
			server.Value = serverKestrel // which is what the front speaks to
		}
		env.add(EnvVar{serverVariable, server.Value, server.Origin})
	}
	if plan.SharesPorts() && r.request.HTTPSys != "" {
		env.add(EnvVar{httpsysVariable, r.request.HTTPSys, fromDefault()})
	}
	if !plan.accepts() {
		return
	}
	if mode := plan.Module.ClientCertificateMode; plan.Fronted() && mode.Value != noCertificate {
		env.add(EnvVar{clientsVariable, mode.Value, mode.Origin})
	}
	if p := plan.Module.Protocols; plan.Fronted() && p.Origin.Kind != FromDefault {
		env.add(EnvVar{protocolsVariable, p.Value, p.Origin})
	}
	for _, e := range plan.Endpoints {
		if e.Wanted() && e.Scheme == "http" && e.Unix == "" {
			env.add(EnvVar{portVariable, strconv.Itoa(int(e.Port)), e.Origin})
			return
		}
	}
}

// endpoints are the addresses that the program is going to listen on. The variables and their order are those of
// servers.Run: ASPNETCORE_URLS, whoever set it, DOTNET_URLS, HTTP_PORTS and HTTPS_PORTS, PORT, and its default.
//
// Those that nobody but gorun's own environment or the default names count only where a profile is applied: many
// programs run in a shell that has PORT set, and listen nowhere.
func (r *resolver) endpoints(env *environment, command string) []Endpoint {
	for _, name := range []string{urlsVariable, "DOTNET_URLS"} {
		if urls, ok := env.find(name); ok && urls.Value != "" {
			if !r.counts(urls) {
				return nil
			}
			return r.parse(urls.Value, urls.Origin)
		}
	}
	if command == launchsettings.CommandExecutable { // which is not told its applicationUrl, but may well listen there
		url := r.Profile.ApplicationURL
		return r.parse(url.V, fromFile("applicationUrl", url.Place))
	}
	out := append(r.ports(env, "HTTP_PORTS", "http"), r.ports(env, "HTTPS_PORTS", "https")...)
	if out == nil {
		out = r.portList(env, portVariable, "http")
	}
	if out == nil && r.Applied {
		out = r.parse(defaultURL, fromDefault())
	}
	return out
}

// checkPaths warns of addresses with a path, which the program gets all the same.
func (r *resolver) checkPaths(endpoints []Endpoint) {
	for _, e := range endpoints {
		if e.Path != "" {
			r.warn("url-path", e.Origin.Place, fmt.Sprintf("a server cannot listen on the path of %s", e.Origin.shown(e.URL)),
				`leave out the path, which "launchUrl" can name for the browser, or have the program share its port: "gorun": {"server": "httpsys"}`)
		}
	}
}

// counts reports whether an address from this variable is one to watch.
func (r *resolver) counts(v EnvVar) bool { return r.Applied || v.Origin.Kind != FromEnvironment }

// defaultURL is where servers.Run listens when nobody says where.
const defaultURL = "http://localhost:5000"

// ports are the addresses of HTTP_PORTS or HTTPS_PORTS, under the first of the names that .NET has for them.
func (r *resolver) ports(env *environment, name, scheme string) []Endpoint {
	for _, prefix := range []string{"ASPNETCORE_", "DOTNET_", ""} {
		if v, ok := env.find(prefix + name); ok && v.Value != "" {
			return r.portList(env, prefix+name, scheme)
		}
	}
	return nil
}

// portList are the addresses of a variable that holds port numbers.
func (r *resolver) portList(env *environment, variable, scheme string) []Endpoint {
	v, ok := env.find(variable)
	if !ok || v.Value == "" || !r.counts(v) {
		return nil
	}
	var urls []string
	for port := range strings.SplitSeq(v.Value, ";") {
		port = strings.TrimSpace(port)
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			r.warn("port", v.Origin.Place, fmt.Sprintf("%s wants a port from 0 to 65535, not %s; the program gets it as it is", variable, v.Origin.shown(strconv.Quote(port))), "")
			continue
		}
		urls = append(urls, scheme+"://*:"+port)
	}
	return r.parse(strings.Join(urls, ";"), v.Origin)
}

// parse reads a list of URLs. One that is none is a warning: the program gets it all the same, as with dotnet run.
func (r *resolver) parse(urls string, from Origin) []Endpoint {
	var out []Endpoint
	for s := range strings.SplitSeq(urls, ";") {
		s = strings.TrimSpace(s)
		if s == "" {
			continue
		}
		e, err := endpoint.Parse(s)
		if err != nil {
			message := fmt.Sprintf("%v; the program gets it as it is", err)
			if from.Kind == FromEnvFile {
				message = "an address in this file is no URL; the program gets it as it is"
			}
			r.warn("url", from.Place, message, "an address looks like http://localhost:5000; a semicolon separates several")
			continue
		}
		if !slices.ContainsFunc(out, func(o Endpoint) bool { return o.Endpoint == e }) {
			out = append(out, Endpoint{Endpoint: e, URL: s, Origin: from})
		}
	}
	return out
}

// environment is an ordered set of variables.
type environment struct {
	same func(a, b string) bool
	vars []EnvVar
}

func (env *environment) index(name string) int {
	return slices.IndexFunc(env.vars, func(v EnvVar) bool { return env.same(v.Name, name) })
}

func (env *environment) find(name string) (EnvVar, bool) {
	if i := env.index(name); i >= 0 {
		return env.vars[i], true
	}
	return EnvVar{}, false
}

// set gives a variable a value, in its old place if it has one.
func (env *environment) set(v EnvVar) {
	if i := env.index(v.Name); i >= 0 {
		env.vars[i] = v
		return
	}
	env.vars = append(env.vars, v)
}

// add gives a variable a value unless it has one.
func (env *environment) add(v EnvVar) {
	if env.index(v.Name) < 0 {
		env.vars = append(env.vars, v)
	}
}
