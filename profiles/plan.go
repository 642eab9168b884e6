// Package profiles decides: out of settings and a request it makes a Plan, which says everything that will happen,
// with the origin of each value. After it no code asks what the user meant.
//
//	choice, err := Select(settings, request)  // which profile
//	path, named := choice.WebConfig(request)  // the web.config to read, if any, into request.WebConfig
//	needs := choice.Needs(request)            // what must be looked up on this machine
//	plan, warnings, err := choice.Resolve(request, facts)
//
// It is pure: no clock, no environment, no disk. The same input gives the same plan on every system, so the rules of
// Windows are tested on Linux. All values are plain and may be read by several goroutines at once.
//
// The rules for arguments, working directory and environment are those of `dotnet run` of SDK 10.0.401 (measured);
// docs/differences.md lists where gorun decides otherwise, and why.
package profiles

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/launchsettings"
	"github.com/gorun-dev/gorun/servers/endpoint"
)

// OriginKind says what sort of thing decided a value.
type OriginKind string

const (
	FromFlag        OriginKind = "flag"        // the command line
	FromFile        OriginKind = "file"        // a settings file
	FromEnvFile     OriginKind = "envFile"     // a .env file
	FromEnvironment OriginKind = "environment" // what gorun was started with
	FromDefault     OriginKind = "default"
)

// Origin says where a value comes from.
type Origin struct {
	Kind  OriginKind       `json:"kind"`
	Name  string           `json:"name,omitempty"` // the flag, the property or the variable that decided
	Place diagnostic.Place `json:"place,omitzero"` // for FromFile and FromEnvFile
}

func fromFlag(name string) Origin { return Origin{Kind: FromFlag, Name: name} }

func fromDefault() Origin { return Origin{Kind: FromDefault} }

func fromFile(property string, place diagnostic.Place) Origin {
	return Origin{Kind: FromFile, Name: property, Place: place}
}

// Setting is a decided value with its origin.
type Setting[T any] struct {
	Value  T      `json:"value"`
	Origin Origin `json:"origin"`
}

// decided is the Setting of a property that is set in the file, and otherwise the default.
func decided[T any](property string, v launchsettings.Value[T], otherwise T) Setting[T] {
	if v.Set {
		return Setting[T]{v.V, fromFile(property, v.Place)}
	}
	return Setting[T]{otherwise, fromDefault()}
}

// Plan is everything that will happen.
type Plan struct {
	Settings string           `json:"settings,omitempty"` // the settings file, absolute; "" without one
	Profile  Setting[string]  `json:"profile"`            // its name as the program sees it; "" without one
	Place    diagnostic.Place `json:"place,omitzero"`     // where the profile stands
	Applied  bool             `json:"applied"`            // whether a profile is applied at all
	Command  string           `json:"command"`            // Project, Executable, IISExpress or IIS

	Build   Build             `json:"build,omitzero"`   // of a plan that builds
	Program Setting[string]   `json:"program,omitzero"` // of a plan that builds nothing: the absolute path
	Args    Setting[[]string] `json:"args"`
	Dir     Setting[string]   `json:"dir"` // working directory, absolute
	Env     []EnvVar          `json:"env"` // the whole environment of the program

	Endpoints []Endpoint      `json:"endpoints,omitempty"` // where it, or the front, is going to listen, as far as that can be known
	Server    Setting[string] `json:"server"`              // kestrel, httpsys, module, nginx, apache, or the name of a server that the program brings itself
	Hosting   Setting[string] `json:"hosting,omitzero"`    // InProcess or OutOfProcess, with the module
	Module    Module          `json:"module,omitzero"`     // the module's settings, with the module
	Browser   Browser         `json:"browser"`
	Stop      Stop            `json:"stop"`
}

// Build says what is built and how.
type Build struct {
	Package           Setting[string]   `json:"package,omitzero"` // a folder, absolute; "" leaves the choice to the command line
	Configuration     Setting[string]   `json:"configuration,omitzero"`
	Flags             Setting[[]string] `json:"flags,omitzero"`
	DebugDependencies Setting[bool]     `json:"debugDependencies,omitzero"`
}

// EnvVar is a variable of the program's environment.
type EnvVar struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Origin Origin `json:"origin"`
}

// Endpoint is an address that the program is going to listen on.
type Endpoint struct {
	endpoint.Endpoint
	URL    string `json:"url"` // as written
	Origin Origin `json:"origin"`
}

// Wanted reports whether a flag or a profile asks for e. Otherwise e is only where a program would listen by itself
// that goes by the environment or the defaults of servers.Run: gorun tells when it does, and does not miss it.
func (e Endpoint) Wanted() bool {
	return e.Origin.Kind != FromEnvironment && e.Origin.Kind != FromDefault
}

// Browser says whether and where a browser is opened, once the first endpoint is ready.
type Browser struct {
	Open      Setting[bool]   `json:"open"`
	LaunchURL Setting[string] `json:"launchUrl,omitzero"`
	URL       string          `json:"url,omitempty"` // what is opened, unless the port is only known later
}

// Stop says how the program is asked to end when gorun is told to.
type Stop struct {
	Signal  Setting[string]        `json:"signal"`  // "" passes on the signal that gorun got
	Timeout Setting[time.Duration] `json:"timeout"` // in JSON nanoseconds; 0 means no limit
}

// Builds reports whether the program is a Go program, which is built; otherwise Program is started.
func (p Plan) Builds() bool {
	return p.Command != launchsettings.CommandExecutable && p.Program == Setting[string]{}
}

// Environ is the environment in the form that the system takes.
func (p Plan) Environ() []string {
	env := make([]string, len(p.Env))
	for i, v := range p.Env {
		env[i] = v.Name + "=" + v.Value
	}
	return env
}

// Hidden stands for a value that is not shown.
const Hidden = "(hidden)"

// Masked is p with the values from .env files hidden.
func (p Plan) Masked() Plan {
	env := make([]EnvVar, len(p.Env))
	for i, v := range p.Env {
		if v.Origin.Kind == FromEnvFile {
			v.Value = Hidden
		}
		env[i] = v
	}
	p.Env = env
	return p
}

// BrowserURL is what a browser opens for a profile's launchUrl, once the program listens on e.
// An absolute launchUrl is opened as it is, another is a path below e.
func BrowserURL(launchURL string, e endpoint.Endpoint) string {
	if isAbsURL(launchURL) {
		return launchURL
	}
	base := strings.TrimSuffix(e.Browse(), "/")
	if launchURL == "" {
		return base
	}
	return base + "/" + strings.TrimPrefix(launchURL, "/")
}

func isAbsURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.IsAbs() && u.Host != ""
}

// shown is a value for a message: those of .env files are not shown.
func (o Origin) shown(value string) string {
	if o.Kind == FromEnvFile {
		return Hidden
	}
	return value
}

// String says where a value comes from in a few words: the flag, or the property and its place.
func (o Origin) String() string {
	switch o.Kind {
	case FromFile, FromEnvFile:
		return fmt.Sprintf("%s, %s", o.Name, o.Place)
	case FromFlag, FromEnvironment:
		return o.Name
	}
	return "default"
}
