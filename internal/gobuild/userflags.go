package gobuild

import (
	"slices"
	"strings"
)

// flag is one flag for go build that somebody gave.
type flag struct {
	name  string   // without dashes; "" for what is no flag
	value string   // "true" for a boolean flag without one
	args  []string // as it stood on the command line: one element, or name and value
}

// goflags returns the flags of GOFLAGS; none where it is malformed, which the go command reports.
func goflags(env environment) []flag {
	words, ok := splitWords(env.get("GOFLAGS"))
	if !ok {
		return nil
	}
	var flags []flag
	for _, w := range words { // here a value always stands behind =
		flags = append(flags, parseFlags([]string{w})...)
	}
	return flags
}

// splitWords splits GOFLAGS as cmd/go does: at white space, with ” or "" around whole words, without escapes.
func splitWords(s string) (words []string, ok bool) {
	const space = " \t\r\n"
	for s = strings.TrimLeft(s, space); s != ""; s = strings.TrimLeft(s, space) {
		if q := s[:1]; q == `"` || q == "'" {
			word, rest, ok := strings.Cut(s[1:], q)
			if !ok {
				return nil, false
			}
			words, s = append(words, word), rest
			continue
		}
		end := strings.IndexAny(s, space)
		if end < 0 {
			end = len(s)
		}
		words, s = append(words, s[:end]), s[end:]
	}
	return words, true
}

// switches are the flags of go build that take no value of their own. Every other one does; only -ldflags and its
// kind take one that begins with a dash, so that a switch that is not known here hides nothing.
var switches = []string{
	"a", "asan", "buildvcs", "cover", "i", "json", "linkshared", "modcacherw", "msan", "n", "race", "trimpath", "v", "work", "x",
}

// parseFlags takes the elements of a command line apart.
func parseFlags(args []string) []flag {
	var flags []flag
	for i := 0; i < len(args); i++ {
		f := flag{args: args[i : i+1]}
		name, isFlag := strings.CutPrefix(args[i], "-")
		if isFlag {
			var hasValue bool
			f.name, f.value, hasValue = strings.Cut(strings.TrimPrefix(name, "-"), "=")
			switch {
			case hasValue:
			case slices.Contains(switches, f.name):
				f.value = "true"
			case i+1 < len(args) && (args[i+1] == "" || args[i+1][0] != '-' || strings.HasSuffix(f.name, "flags")):
				f.value, f.args = args[i+1], args[i:i+2]
				i++
			}
		}
		flags = append(flags, f)
	}
	return flags
}

// refused are the flags that would break a promise of this package.
var refused = map[string]string{
	"o":    "gorun decides where the binary lies",
	"C":    "gorun decides where the go command runs",
	"n":    "it only prints commands, and there would be nothing to run",
	"json": "gorun reads what the compiler prints for people",
}

// checkFlags returns a *FlagError for the first build flag that cannot be passed on, or that GOFLAGS must not hold.
func checkFlags(buildFlags []string, fromEnv []flag) error {
	for _, f := range append(parseFlags(buildFlags), fromEnv...) {
		if f.name == "" {
			return &FlagError{Flag: f.args[0], Reason: "it does not begin with a dash and a name"}
		}
		if reason := refused[f.name]; reason != "" {
			return &FlagError{Flag: "-" + f.name, Reason: reason}
		}
		if f.name == "buildmode" && !slices.Contains([]string{"default", "exe", "pie"}, f.value) {
			return &FlagError{Flag: "-buildmode=" + f.value, Reason: "it does not make a program"}
		}
	}
	return nil
}

func has(flags []flag, name string) bool {
	return slices.ContainsFunc(flags, func(f flag) bool { return f.name == name })
}

// last returns the value that the go command would use, "" when the flag was not given.
func last(flags []flag, name string) string {
	value := ""
	for _, f := range flags {
		if f.name == name {
			value = f.value
		}
	}
	return value
}

// tags joins all build tags; an empty -tags= forgets those before it.
func tags(lists ...[]flag) []string {
	var out []string
	for _, f := range slices.Concat(lists...) {
		if f.name != "tags" {
			continue
		}
		words := strings.FieldsFunc(f.value, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
		if len(words) == 0 {
			out = nil
		}
		for _, w := range words {
			if !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	return out
}
