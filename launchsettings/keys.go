package launchsettings

import (
	"slices"
	"strings"
)

// Key documents one property of the file. The JSON Schema, the settings reference and the parser's lists of known
// names are all made from the same keys.
type Key struct {
	Name    string
	Type    string   // string, boolean, integer, strings (a list, or one string split at spaces), variables, object
	Enum    []string // the values that a string may have; empty means any
	Default string   // in words, or as JSON
	Doc     string   // what it does, in full sentences
	Min     int64    // of an integer, the least that it may be
	Max     int64    // of an integer, the most
	Keys    []Key    // of an object
}

// servers are the names that gorun itself knows; an app may register others.
var servers = []string{"kestrel", "httpsys", "module", "nginx", "apache"}

// stopSignals are the signals that a program may be asked to stop with.
var stopSignals = []string{"SIGINT", "SIGTERM", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2"}

// ProfileKeys are the properties of a profile that gorun gives a meaning, in the order of the reference.
func ProfileKeys() []Key {
	return []Key{
		{Name: "commandName", Type: "string", Default: "none; required",
			Doc: "What the profile starts. Project builds and runs a Go program, Executable runs any program, IISExpress and IIS put the module in front. Profiles with other command names (Docker, WSL2, ...) belong to other tools: they are listed and never chosen. Compared exactly."},
		{Name: "commandLineArgs", Type: "string", Default: "none",
			Doc: "Arguments for the program, split in the Windows manner: spaces and tabs separate, double quotes group, \\\" is a quote, a single quote is an ordinary character. %NAME% is replaced from the environment that gorun was started with, before splitting. Arguments on the command line replace all of these."},
		{Name: "executablePath", Type: "string", Default: "none; required for Executable",
			Doc: "The program of an Executable profile. A bare name is looked up in PATH; a path with a slash is relative to the folder where gorun is started. %NAME% is replaced."},
		{Name: "workingDirectory", Type: "string", Default: "the project folder",
			Doc: "The working directory of an Executable profile, relative to the folder that holds the settings file. %NAME% is replaced. Other profiles ignore it: Project runs in the folder where gorun is started, and what stands behind a front in the project folder."},
		{Name: "environmentVariables", Type: "variables", Default: "none",
			Doc: "Variables for the program. They win over the environment that gorun was started with, and over ASPNETCORE_URLS from applicationUrl; -e wins over them. %NAME% in a value is replaced from the environment that gorun was started with."},
		{Name: "applicationUrl", Type: "string", Default: "none",
			Doc: "Where the program listens: URLs separated by semicolons. A Project profile gets it, unchanged, as ASPNETCORE_URLS, an Executable one only with \"httpsys\". With a front (\"gorun\": {\"server\": \"module\"}, nginx or apache) it is where the front listens. With \"httpsys\" each URL is a prefix, which may have a path, and whose port other programs may have, too. gorun prints each address when the program listens on it."},
		{Name: "launchBrowser", Type: "boolean", Default: "false",
			Doc: "Open the browser when the first address answers. Only on a terminal, and not under CI."},
		{Name: "launchUrl", Type: "string", Default: "the first address",
			Doc: "What the browser opens: a URL, or a path below the first address. %NAME% is replaced."},
		{Name: "dotnetRunMessages", Type: "boolean", Default: "false",
			Doc: "Accepted and without effect: gorun always says when it builds for more than a moment. The strings \"true\" and \"false\" are accepted too."},
		{Name: "ancmHostingModel", Type: "string", Enum: []string{"InProcess", "OutOfProcess"}, Default: "OutOfProcess",
			Doc: "How the module hosts the program, where the module stands in front of it (IISExpress, IIS, or \"gorun\": {\"server\": \"module\"}). OutOfProcess passes requests on, to any program; InProcess hands the listening sockets over, to a program that takes them, as one with servers.Run does. In any case of letters."},
		{Name: "gorun", Type: "object", Default: "none", Keys: GorunKeys(),
			Doc: "gorun's own settings for this profile. .NET ignores them."},
	}
}

// GorunKeys are the properties of a profile's "gorun" object.
func GorunKeys() []Key {
	return []Key{
		{Name: "package", Type: "string", Default: "the program in the folder, or the only one in the module",
			Doc: "The main package that a Project profile runs: a folder relative to the project folder, such as ./cmd/api. A program that is named on the command line wins."},
		{Name: "server", Type: "string", Default: "kestrel; module for IISExpress and IIS",
			Doc: "The server that the program runs on: " + joinWords(servers) + ", or another name, for a server that the program brings itself. The program gets it as GORUN_SERVER. module, nginx and apache stand in front of the program and listen where the profile says; behind nginx and apache the program's own server is kestrel. httpsys shares ports among programs, by host and path."},
		{Name: "configuration", Type: "string", Enum: []string{"Debug", "Release"}, Default: "Debug",
			Doc: "Debug compiles the module's own packages without optimisation and keeps what a debugger needs; Release is small, fast and stamped with the revision. -c on the command line wins."},
		{Name: "buildFlags", Type: "strings", Default: "none",
			Doc: "Flags for go build, added after gorun's own, such as [\"-tags=integration\", \"-race\"]. GOFLAGS stays in force."},
		{Name: "debugDependencies", Type: "boolean", Default: "false",
			Doc: "In Debug, compile dependencies and the standard library without optimisation too, so that a debugger sees all their variables. The first build takes longer."},
		{Name: "envFile", Type: "strings", Default: "none",
			Doc: "Files of NAME=value lines, relative to the project folder. A later file wins over an earlier one, and environmentVariables win over all of them. Their values are hidden by \"gorun plan\"."},
		{Name: "env", Type: "string", Enum: []string{"profile", "shell"}, Default: "profile",
			Doc: "Who wins where the profile (environmentVariables, envFile, applicationUrl) and the environment that gorun was started with both set a variable: the profile, as with dotnet run, or the shell."},
		{Name: "stop", Type: "object", Default: "none", Keys: StopKeys(),
			Doc: "How the program is asked to end."},
		{Name: "module", Type: "object", Default: "none", Keys: ModuleKeys(),
			Doc: "The settings of the module, where it stands in front of the program. They win over web.config's, one by one."},
	}
}

// StopKeys are the properties of the "stop" object in "gorun".
func StopKeys() []Key {
	return []Key{
		{Name: "signal", Type: "string", Enum: slices.Clone(stopSignals), Default: "the signal that gorun itself got",
			Doc: "The signal that asks the program to stop when gorun is told to (Unix). Ctrl+C on a terminal always reaches the program as SIGINT."},
		{Name: "timeout", Type: "string", Default: "no limit; 5s when the terminal was closed",
			Doc: "How long the program may take to stop once it was asked, as a Go duration such as \"10s\". Then its whole process tree is killed."},
	}
}

// IISKeys are the properties of the file's "iisSettings" object.
func IISKeys() []Key {
	site := []Key{
		{Name: "applicationUrl", Type: "string", Default: "none", Doc: "Where the front listens for http. A path in it is the applicationPath of the module."},
		{Name: "sslPort", Type: "integer", Default: "0, none", Max: 65535, Doc: "The port of localhost on which the front listens for https; 0 is none."},
	}
	return []Key{
		{Name: "windowsAuthentication", Type: "boolean", Default: "false", Doc: "Accepted and without effect, with a warning when it is true: gorun's front knows no Windows authentication."},
		{Name: "anonymousAuthentication", Type: "boolean", Default: "true", Doc: "Whether the front lets requests without a user pass. gorun's always does; false is a warning."},
		{Name: "iisExpress", Type: "object", Default: "none", Keys: site, Doc: "Where the front of an IISExpress profile listens."},
		{Name: "iis", Type: "object", Default: "none", Keys: site, Doc: "Where the front of an IIS profile listens."},
	}
}

// joinWords is "a, b or c".
func joinWords(words []string) string { return join(words, " or ") }

// joinAnd is "a, b and c".
func joinAnd(words []string) string { return join(words, " and ") }

func join(words []string, last string) string {
	n := len(words) - 1
	if n < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n], ", ") + last + words[n]
}
