package gobuild

import (
	"cmp"
	"slices"
	"strings"
)

// Flags returns the flags that go build is given for a target, in the order of the command line.
//
// Debug compiles the packages of the target's module, and of the other modules of its workspace, with -N -l;
// everything else stays as the toolchain has it, so that its build cache is shared with plain `go build`. What a
// debugger reads is not compressed, which takes the linker time at every build. Release strips and trims. Both are defaults: what GOFLAGS and o.BuildFlags say holds above them.
//
// The go command lets the last -ldflags, -gcflags or -tags win, so that gorun's own would silently drop the user's,
// and those of a profile the ones in GOFLAGS. So these three are merged: what gorun, GOFLAGS and the build flags give
// for the same packages is joined in that order, and an empty value forgets what GOFLAGS and earlier flags gave. All
// the other build flags follow unchanged. Because a later linker flag wins, -ldflags=-s=false keeps Release's symbols.
func Flags(t Target, o Options) []string {
	fromEnv, given := goflags(o.environment()), parseFlags(o.BuildFlags)
	debug := o.configuration() == Debug

	var out []string
	if debug || has(given, "gcflags") {
		out = append(out, gcflags(t, o, fromEnv, given)...)
	}
	if debug {
		out = append(out, "-buildvcs="+cmp.Or(last(fromEnv, "buildvcs"), "false"))
	} else if last(fromEnv, "trimpath") != "false" {
		out = append(out, "-trimpath")
	}
	out = append(out, ldflags(o, fromEnv, given)...)
	if has(given, "tags") {
		out = append(out, "-tags="+strings.Join(tags(fromEnv, given), ","))
	}
	for _, f := range given {
		if !slices.Contains([]string{"gcflags", "ldflags", "tags"}, f.name) {
			out = append(out, f.args...)
		}
	}
	return out
}

// gcflags merges what the compiler is given.
func gcflags(t Target, o Options, lists ...[]flag) []string {
	m := &packageFlags{name: "gcflags"}
	if o.configuration() == Debug {
		m.base, m.patterns = "-N -l", ownPatterns(t, o)
	}
	return m.merge(lists...)
}

// ldflags merges what the linker is given. It works on the program alone, so that every pattern can have -s -w.
func ldflags(o Options, lists ...[]flag) []string {
	base := "-s -w"
	if o.configuration() == Debug {
		base = "-compressdwarf=false"
	}
	return (&packageFlags{name: "ldflags", base: base, patterns: []string{""}, everywhere: true}).merge(lists...)
}

// ownPatterns are the packages that Debug compiles without optimisation.
func ownPatterns(t Target, o Options) []string {
	if o.DebugDependencies {
		return []string{"all"}
	}
	var patterns []string
	if len(t.Files) > 0 {
		patterns = append(patterns, "command-line-arguments")
	}
	for _, m := range append([]Module{{t.ModuleDir, t.ModulePath}}, t.Workspace...) {
		if p := m.Path + "/..."; m.Path != "" && !slices.Contains(patterns, p) {
			patterns = append(patterns, p)
		}
	}
	if len(patterns) == 0 { // a go.mod without a module line: the go command will say so
		patterns = []string{""}
	}
	return patterns
}

// packageFlags merges the values of -gcflags or -ldflags, each of which may begin with the pattern of packages that
// it is for. For a package, the go command uses the last value whose pattern matches it, and only that one.
type packageFlags struct {
	name       string
	base       string   // what gorun gives
	patterns   []string // to which packages; "" is the pattern of a value without one: the target itself
	everywhere bool     // base may stand in every value

	values []packageValue
}

type packageValue struct{ pattern, flags string }

// merge returns the flags for the command line: gorun's own first, then every value that was given, in order, with
// gorun's flags in front where the packages are those of gorun's patterns. A value for more than these (all,
// example.com/...) is followed by them again. A pattern that is neither inside nor around them is passed on as it is.
func (m *packageFlags) merge(lists ...[]flag) []string {
	for _, p := range m.patterns {
		m.set(p, "")
	}
	for _, f := range slices.Concat(lists...) {
		if f.name == m.name {
			m.add(splitPattern(f.value))
		}
	}
	out := make([]string, len(m.values))
	for i, v := range m.values {
		flags := v.flags
		if m.holds(v.pattern) {
			flags = strings.TrimSpace(m.base + " " + flags)
		}
		if v.pattern != "" {
			flags = v.pattern + "=" + flags
		}
		out[i] = "-" + m.name + "=" + flags
	}
	return out
}

func (m *packageFlags) add(pattern, flags string) {
	if i := slices.IndexFunc(m.values, func(v packageValue) bool { return v.pattern == pattern }); i >= 0 && flags != "" {
		flags = strings.TrimSpace(m.values[i].flags + " " + flags)
	}
	m.set(pattern, flags)
	if m.holds(pattern) {
		return
	}
	for _, own := range m.patterns {
		if covers(pattern, own) {
			m.set(own, flags)
		}
	}
}

// set puts a pattern last: the last one holds.
func (m *packageFlags) set(pattern, flags string) {
	m.values = slices.DeleteFunc(m.values, func(v packageValue) bool { return v.pattern == pattern })
	m.values = append(m.values, packageValue{pattern, flags})
}

// holds reports whether every package that the pattern matches is one of gorun's patterns.
func (m *packageFlags) holds(pattern string) bool {
	if len(m.patterns) == 0 {
		return false
	}
	if m.everywhere || pattern == "" || pattern == "command-line-arguments" || strings.HasPrefix(pattern, "./") {
		return true
	}
	return slices.ContainsFunc(m.patterns, func(own string) bool {
		root, ok := strings.CutSuffix(own, "/...")
		return own == "all" || own == pattern || ok && (pattern == root || strings.HasPrefix(pattern, root+"/"))
	})
}

// covers reports whether a pattern matches all that own matches.
func covers(pattern, own string) bool {
	prefix, ok := strings.CutSuffix(pattern, "...")
	return pattern == "all" || ok && !strings.Contains(prefix, "...") && strings.HasPrefix(own, prefix)
}

// splitPattern takes a value of -gcflags or -ldflags apart as the go command does.
func splitPattern(value string) (pattern, flags string) {
	value = strings.TrimSpace(value)
	if value == "" || value[0] == '-' {
		return "", value
	}
	pattern, flags, ok := strings.Cut(value, "=")
	if !ok {
		return "", value // wrong, and the go command will say so
	}
	return strings.TrimSpace(pattern), flags
}
