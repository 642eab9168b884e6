package gobuild

import (
	"cmp"
	"context"
	"maps"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/gorun-dev/gorun/internal/stamp"
)

// vcsSetting is the name of what a build takes from version control.
const vcsSetting = "the state of version control"

// settings are what decides a build besides files, each by a name that a person can do something with.
func settings(ctx context.Context, tools toolchain, t Target, o Options) ([]stamp.Setting, error) {
	env := o.environment()
	list := []stamp.Setting{
		{Name: "gorun", Sum: stamp.SumOf(gorunVersion())},
		{Name: "the go command", Sum: stamp.SumOf(tools.path)},
		{Name: "the command line of go build", Sum: sumOfList(Flags(t, o))},
		{Name: "the program", Sum: sumOfList(append(t.patterns(), t.workDir()))},
		{Name: "the C compiler", Sum: sumOfList(env.compilers())},
	}
	if tools.isShim() {
		answer, err := tools.ask(ctx, t, o)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		} else if err != nil {
			answer = err.Error() // the build will say more
		}
		list = append(list, stamp.Setting{Name: "the toolchain", Sum: stamp.SumOf(answer)})
	}
	if stampsVCS(t, o) {
		state, err := vcsState(ctx, t, o)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		} else if err != nil {
			state = err.Error() // likewise
		}
		list = append(list, stamp.Setting{Name: vcsSetting, Sum: stamp.SumOf(state)},
			// Without a proxy the go command makes the version of what it finds in the module cache.
			stamp.Setting{Name: "GOPROXY", Sum: stamp.SumOf(env.get("GOPROXY"))})
	}
	for name, value := range env.forBuilds() {
		list = append(list, stamp.Setting{Name: name, Sum: stamp.SumOf(value)})
	}
	slices.SortFunc(list, func(a, b stamp.Setting) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

// sumOf returns the sum of the setting with that name.
func sumOf(settings []stamp.Setting, name string) stamp.Sum {
	for _, s := range settings {
		if s.Name == name {
			return s.Sum
		}
	}
	return stamp.Sum{}
}

func without(settings []stamp.Setting, name string) []stamp.Setting {
	return slices.DeleteFunc(slices.Clone(settings), func(s stamp.Setting) bool { return s.Name == name })
}

func sumOfList(words []string) stamp.Sum { return stamp.SumOf(strings.Join(words, "\x00")) }

// gorunVersion tells builds of gorun apart as far as they can be.
func gorunVersion() string {
	version := runtime.Version()
	if info, ok := debug.ReadBuildInfo(); ok {
		version += " " + info.Main.Version
	}
	return version
}

// irrelevant are variables of the go command, and of Go programs, that do not change what is built.
var irrelevant = []string{
	"GOAUTH", "GOBIN", "GOCACHE", "GOCACHEPROG", "GOCOVERDIR", "GOENV", "GOGC", "GOINSECURE", "GOMAXPROCS", "GOMEMLIMIT",
	"GONOPROXY", "GONOSUMDB", "GOPRIVATE", "GOPROXY", "GOSUMDB", "GOTELEMETRY", "GOTELEMETRYDIR", "GOTMPDIR",
	"GOTRACEBACK", "GOVCS",
}

// others are variables that change what is built and that neither begin with GO nor with CGO_: those of the go
// command, of C compilers and of pkg-config, and what the places of caches are derived from.
var others = []string{
	"AR", "CC", "COMPILER_PATH", "CPATH", "CPLUS_INCLUDE_PATH", "CXX", "C_INCLUDE_PATH", "FC", "GCCGO", "GCC_EXEC_PREFIX",
	"HOME", "LIBRARY_PATH", "MACOSX_DEPLOYMENT_TARGET", "OBJC_INCLUDE_PATH", "PKG_CONFIG", "PKG_CONFIG_LIBDIR",
	"PKG_CONFIG_PATH", "PKG_CONFIG_SYSROOT_DIR", "SDKROOT", "SOURCE_DATE_EPOCH", "USERPROFILE",
}

// forBuilds are the variables that may change what the go command builds, with the values that it would use. A name
// like those of the go command, of letters and digits with GO in front, that is not known here is taken to be one of them.
func (e environment) forBuilds() map[string]string {
	found := maps.Clone(e.file)
	if found == nil {
		found = make(map[string]string)
	}
	for _, v := range e.vars {
		name, value, ok := strings.Cut(v, "=")
		if runtime.GOOS == "windows" {
			name = strings.ToUpper(name)
		}
		if ok && value != "" {
			found[name] = value
		} else if from := e.file[name]; ok && from != "" {
			found[name] = from
		} else {
			delete(found, name)
		}
	}
	maps.DeleteFunc(found, func(name, _ string) bool { return !isForBuilds(name) })
	if debug := found["GODEBUG"]; debug != "" {
		found["GODEBUG"] = debugForBuilds(debug)
	}
	return found
}

// debugForBuilds are those settings in GODEBUG that are the go command's. Most are for the program, when it runs.
func debugForBuilds(value string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(value, ","), func(setting string) bool {
		name, _, _ := strings.Cut(setting, "=")
		return !slices.Contains([]string{"allowmultiplevcs", "embedfollowsymlinks", "goindex", "gotypesalias", "installgoroot"}, name)
	}), ",")
}

func isForBuilds(name string) bool {
	switch {
	case strings.HasPrefix(name, "CGO_"), name == "GO_EXTLINK_ENABLED":
		return true
	case strings.HasPrefix(name, "GO") && !strings.Contains(name, "_"):
		return !slices.Contains(irrelevant, name)
	}
	return slices.Contains(others, name)
}

// pgoFile is the profile that a flag names for the compiler; "" when none does. The usual one, default.pgo, is among
// the files of its package.
func pgoFile(t Target, o Options) string {
	path := last(append(goflags(o.environment()), parseFlags(o.BuildFlags)...), "pgo")
	switch {
	case path == "", path == "auto", path == "off":
		return ""
	case filepath.IsAbs(path):
		return path
	}
	return filepath.Join(t.workDir(), path)
}

// alwaysAsk says why the go command must be asked at each start, as a sentence; "" when it need not be.
func alwaysAsk(o Options) string {
	env := o.environment()
	flags := append(goflags(env), parseFlags(o.BuildFlags)...)
	for _, name := range []string{"overlay", "toolexec", "compiler", "linkshared"} {
		if v := last(flags, name); v != "" && v != "gc" && v != "false" {
			return "-" + name + " has a say in what is built"
		}
	}
	for _, name := range []string{"a", "v", "x", "work"} {
		if v := last(flags, name); v != "" && v != "false" {
			return "-" + name + " among the flags is for a go command that runs"
		}
	}
	if env.get("GO111MODULE") == "off" {
		return "GO111MODULE is off"
	}
	return ""
}
