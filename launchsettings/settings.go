// Package launchsettings reads launchSettings.json, the file in which a project says how it is started: it finds the
// file, parses it with the place of every value, lays the personal file over it, and says what is wrong in it.
//
// The format is that of .NET (reference: `dotnet run` of SDK 10.0.401, measured), read as editors read it: comments
// and trailing commas are accepted everywhere, UTF-8 with and without a byte order mark, and UTF-16. What gorun adds
// stands in one object for each profile, "gorun", which .NET ignores.
//
// The package decides nothing (package profiles does), starts nothing and opens no socket. All its values are plain:
// they may be copied, compared with go-cmp, and read by several goroutines at once.
package launchsettings

import (
	"strings"
	"time"

	"github.com/gorun-dev/gorun/internal/diagnostic"
)

// Diagnostic is one thing that is wrong in a settings file, with its place.
type Diagnostic = diagnostic.Diagnostic

// Place is a range of text in a settings file.
type Place = diagnostic.Place

// Settings is one launchSettings.json, or several laid over each other.
type Settings struct {
	Path     string    `json:"path"` // the file, absolute
	Personal string    `json:"personal,omitempty"`
	Profiles []Profile `json:"profiles"` // in the order of the file
	IIS      IIS       `json:"iisSettings,omitzero"`

	// Diagnostics are those of the file as a whole. An error among them means that no profile can be relied on.
	Diagnostics diagnostic.List `json:"diagnostics,omitempty"`
}

// Value is a setting of type T and the place where it stands. The zero Value is a setting that is not there;
// a JSON null counts as not there too, where null is accepted.
type Value[T any] struct {
	V     T     `json:"value"`
	Place Place `json:"place,omitzero"`
	Set   bool  `json:"set"`
}

// Or returns v, or other where v is not set.
func (v Value[T]) Or(other Value[T]) Value[T] {
	if v.Set {
		return v
	}
	return other
}

// Variable is one entry of environmentVariables. Value is kept as written: `%NAME%` is not expanded here.
type Variable struct {
	Name  string        `json:"name"`
	Value Value[string] `json:"value"`
}

// The command names that gorun knows. They are compared exactly, as `dotnet run` does.
const (
	CommandProject    = "Project"
	CommandExecutable = "Executable"
	CommandIISExpress = "IISExpress"
	CommandIIS        = "IIS"
)

// Property is a property that gorun gives no meaning, as it stands in the file. Other tools may.
type Property struct {
	Name  string `json:"name"`
	JSON  string `json:"json"`  // its value, comments and trailing commas blanked out
	Place Place  `json:"place"` // of the value
}

// Profile is one entry of "profiles".
type Profile struct {
	Name   string `json:"name"`
	Place  Place  `json:"place"`  // of the name
	Object bool   `json:"object"` // whether the profile is a JSON object at all; if not, the rest is zero

	CommandName          Value[string] `json:"commandName,omitzero"`
	CommandLineArgs      Value[string] `json:"commandLineArgs,omitzero"`
	ExecutablePath       Value[string] `json:"executablePath,omitzero"`
	WorkingDirectory     Value[string] `json:"workingDirectory,omitzero"`
	ApplicationURL       Value[string] `json:"applicationUrl,omitzero"`
	LaunchURL            Value[string] `json:"launchUrl,omitzero"`
	LaunchBrowser        Value[bool]   `json:"launchBrowser,omitzero"`
	DotnetRunMessages    Value[bool]   `json:"dotnetRunMessages,omitzero"`
	AncmHostingModel     Value[string] `json:"ancmHostingModel,omitzero"`
	EnvironmentVariables []Variable    `json:"environmentVariables,omitempty"` // in the order of the file; each name once, the last value

	Gorun Gorun      `json:"gorun,omitzero"`
	Other []Property `json:"other,omitempty"` // in the order of the file

	// Diagnostics are those of this profile, in the order of the file.
	Diagnostics diagnostic.List `json:"diagnostics,omitempty"`
}

// Runnable reports whether default selection may choose p: `dotnet run` takes the first profile whose command name
// is Project or Executable.
func (p Profile) Runnable() bool {
	return p.CommandName.Set && (p.CommandName.V == CommandProject || p.CommandName.V == CommandExecutable)
}

// Gorun is the "gorun" object of a profile. GorunKeys documents each key.
type Gorun struct {
	Package           Value[string]   `json:"package,omitzero"`
	Server            Value[string]   `json:"server,omitzero"`
	Configuration     Value[string]   `json:"configuration,omitzero"`
	BuildFlags        Value[[]string] `json:"buildFlags,omitzero"`
	DebugDependencies Value[bool]     `json:"debugDependencies,omitzero"`
	EnvFile           Value[[]string] `json:"envFile,omitzero"`
	Env               Value[string]   `json:"env,omitzero"`
	Stop              Stop            `json:"stop,omitzero"`
	Module            Module          `json:"module,omitzero"`
}

// Stop is the "stop" object of gorun's own settings: how the program is asked to end.
type Stop struct {
	Signal  Value[string]        `json:"signal,omitzero"` // SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1 or SIGUSR2
	Timeout Value[time.Duration] `json:"timeout,omitzero"`
}

// IIS is the "iisSettings" object of the file, which IISExpress and IIS profiles use.
type IIS struct {
	WindowsAuthentication   Value[bool] `json:"windowsAuthentication,omitzero"`
	AnonymousAuthentication Value[bool] `json:"anonymousAuthentication,omitzero"`
	Express                 IISSite     `json:"iisExpress,omitzero"`
	Site                    IISSite     `json:"iis,omitzero"`

	// Diagnostics are those of this object, which concern only profiles that use it.
	Diagnostics diagnostic.List `json:"diagnostics,omitempty"`
}

// IISSite says where a front listens.
type IISSite struct {
	ApplicationURL Value[string] `json:"applicationUrl,omitzero"`
	SSLPort        Value[int]    `json:"sslPort,omitzero"` // 0 means none
}

// Named returns the profiles whose name is name when case is ignored, as .NET matches them (also outside ASCII).
func (s Settings) Named(name string) []Profile {
	var out []Profile
	for _, p := range s.Profiles {
		if strings.EqualFold(p.Name, name) {
			out = append(out, p)
		}
	}
	return out
}

// Names returns the names of all profiles, in the order of the file.
func (s Settings) Names() []string {
	names := make([]string, len(s.Profiles))
	for i, p := range s.Profiles {
		names[i] = p.Name
	}
	return names
}
