package profiles

import (
	"strings"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/launchsettings"
)

// Request is what the user asked for and the world in which it was asked, as data: Resolve reads nothing else.
type Request struct {
	// From the command line.
	Profile       string     // --launch-profile as typed; "" chooses the default
	NoProfile     bool       // --no-launch-profile: no profile at all
	Lenient       bool       // --lenient: where a profile cannot be applied, run without one, as dotnet run does
	Configuration string     // -c; "" leaves the choice to the profile
	Variables     []Variable // -e, in order
	URLs          string     // --urls; "" when not given
	Program       string     // the folder of the program that the command line names, absolute; "" leaves it to the profile
	Args          []string   // for the program
	ArgsGiven     bool       // whether Args replace the profile's arguments, even when they are empty
	NoBrowser     bool       // --no-browser

	// The world.
	Environ     []string // NAME=value, the environment that gorun was started with
	Dir         string   // the folder where gorun was started, absolute
	Project     string   // the project folder, absolute; "" without a settings file
	GOOS        string   // decides how names of variables are compared and what a path looks like
	Interactive bool     // a person watches: a terminal, and not under CI
	HTTPSys     string   // the folder of the broker that stands in for HTTP.sys, absolute; "" tells the program none

	NoGoProgram bool                     // there is no Go program here, so that a web.config may name what to start
	WebConfig   launchsettings.WebConfig // what Choice.WebConfig names, read; zero when there is none
}

// Variable is one variable of an environment.
type Variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Facts are what Needs asked for, looked up by the caller.
type Facts struct {
	EnvFiles   []EnvFile // in the order of Needs.EnvFiles
	Program    string    // absolute path of the first of Needs.Programs that is there
	ProgramErr error     // why there is none
	DirErr     error     // why Needs.Dir is no folder to run in
}

// EnvFile is a .env file that was read.
type EnvFile struct {
	Path    string // absolute
	Entries []EnvEntry
	Err     error           // why it could not be read
	Bad     diagnostic.List // what is wrong in it
}

// EnvEntry is one variable of a .env file. It has the fields of dotenv.Entry: the library behind that package can
// start programs, which nothing that only decides may depend on.
type EnvEntry struct {
	Name, Value string
	Line        int // from 1
}

// lookup finds a variable in the environment that gorun was started with.
func (r Request) lookup(name string) (string, bool) {
	value, found := "", false
	for _, kv := range r.Environ {
		if n, v, ok := cutVariable(kv); ok && r.sameName(n, name) {
			value, found = v, true // the last of equal names counts, as in os/exec
		}
	}
	return value, found
}

// sameName compares names of variables, which Windows does without regard to case.
func (r Request) sameName(a, b string) bool {
	return a == b || r.GOOS == "windows" && strings.EqualFold(a, b)
}

// expand replaces %NAME% by what gorun was started with.
func (r Request) expand(s string) string { return launchsettings.Expand(s, r.lookup) }

// cutVariable divides NAME=value. Windows has hidden variables whose names begin with "=".
func cutVariable(kv string) (name, value string, ok bool) {
	if kv == "" {
		return "", "", false
	}
	i := strings.IndexByte(kv[1:], '=')
	if i < 0 {
		if kv[0] == '=' { // an empty name, which .NET passes on
			return "", kv[1:], true
		}
		return "", "", false
	}
	if kv[0] == '=' && !isDrive(kv[1:i+1]) {
		return "", kv[1:], true
	}
	return kv[:i+1], kv[i+2:], true
}

// isDrive recognises the hidden variables of Windows: =C: and =ExitCode.
func isDrive(name string) bool {
	return len(name) == 2 && name[1] == ':' || name == "ExitCode"
}
