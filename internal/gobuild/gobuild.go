// Package gobuild makes a Go program ready to run: Find says which program is meant, Flags how it is built, Output
// where the binary lies, and Build makes it or gives the compiler's errors with their places.
//
// Build decides by the stamp of the last build whether anything has changed, and calls the go command only then. Beside it
// the package starts git, where the state of version control is part of a build, and the go command of a version manager,
// to ask which toolchain it would call. Finding a program reads folders and files by itself, because a start has ten
// milliseconds for everything. It knows nothing of launch profiles, prints nothing, and never writes into the source tree.
//
// All values are plain and may be copied. Every function may be called from several goroutines and processes at once,
// also for the same target: one of them builds at a time, in a folder of its own, and puts its binary in place with one
// rename.
package gobuild

// Configuration says what a binary is made for. Its values are the words of launchSettings.json and the command line.
type Configuration string

const (
	Debug   Configuration = "Debug"   // own packages without optimisation, so that a debugger sees every variable
	Release Configuration = "Release" // trimmed, stripped, stamped with the state of version control
)

// Options is what decides, beside the Target, how a program is built.
// The zero value builds in Debug with the environment of this process.
type Options struct {
	Configuration     Configuration // "" is Debug
	BuildFlags        []string      // for go build, after gorun's own; see Flags for those that are merged
	DebugDependencies bool          // in Debug, dependencies and the standard library without optimisation too
	Env               []string      // the environment of the go command; nil is this process's own
	From              string        // the folder where the user stands, for paths in messages; "" is the target's folder
}

func (o Options) environment() environment { return newEnvironment(o.Env) }

func (o Options) configuration() Configuration {
	if o.Configuration == "" {
		return Debug
	}
	return o.Configuration
}
