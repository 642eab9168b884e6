package gobuild

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// environment answers what the go command would see for a variable: the process environment first, then the file
// that `go env -w` writes. As in cmd/go, a variable that is set to nothing counts as not set.
// The defaults that a distributor puts into GOROOT/go.env are not read: they hold proxies, and where they hold flags, the
// go command is asked each time.
type environment struct {
	vars []string
	file map[string]string
}

// newEnvironment makes the environment of the given variables; nil means those of this process.
func newEnvironment(vars []string) environment {
	if vars == nil {
		vars = os.Environ()
	}
	e := environment{vars: vars}
	if path := e.filePath(); path != "" {
		if data, err := os.ReadFile(path); err == nil {
			e.file = parseGoEnv(string(data))
		}
	}
	return e
}

// get returns the value that the go command would use, "" where it is not set.
func (e environment) get(key string) string {
	if v := e.process(key); v != "" {
		return v
	}
	return e.file[key]
}

// process looks into the process environment alone; the last of several values holds, as in os/exec.
func (e environment) process(key string) string {
	for i := len(e.vars) - 1; i >= 0; i-- {
		k, v, ok := strings.Cut(e.vars[i], "=")
		if ok && (k == key || runtime.GOOS == "windows" && strings.EqualFold(k, key)) {
			return v
		}
	}
	return ""
}

// filePath is where `go env -w` writes for this environment; "" when GOENV=off or there is no home.
func (e environment) filePath() string {
	if p := e.process("GOENV"); p == "off" {
		return ""
	} else if p != "" {
		return p
	}
	base, rest := "", "go/env"
	switch runtime.GOOS {
	case "windows":
		base = e.process("AppData")
	case "darwin", "ios":
		base, rest = e.process("HOME"), "Library/Application Support/go/env"
	default:
		if base = e.process("XDG_CONFIG_HOME"); base == "" {
			base, rest = e.process("HOME"), ".config/go/env"
		}
	}
	if base == "" {
		return ""
	}
	return filepath.Join(base, filepath.FromSlash(rest))
}

// parseGoEnv reads the form of cmd/go's file: NAME=value lines, anything else is a comment, the first of two holds.
func parseGoEnv(text string) map[string]string {
	vars := make(map[string]string)
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
		if !ok || key == "" || key[0] < 'A' || key[0] > 'Z' {
			continue
		}
		if _, dup := vars[key]; !dup {
			vars[key] = value
		}
	}
	return vars
}

// platform returns the system that the go command builds for.
func (e environment) platform() (goos, goarch string) {
	goos, goarch = e.get("GOOS"), e.get("GOARCH")
	if goos == "" {
		goos = runtime.GOOS
	}
	if goarch == "" {
		goarch = runtime.GOARCH
	}
	return goos, goarch
}

// cgoEnabled decides as cmd/go does: CGO_ENABLED, or a native build with a C compiler at hand.
func (e environment) cgoEnabled() bool {
	switch e.get("CGO_ENABLED") {
	case "1":
		return true
	case "0":
		return false
	}
	if goos, goarch := e.platform(); goos != runtime.GOOS || goarch != runtime.GOARCH {
		return false
	}
	if e.get("CC") != "" {
		return true
	}
	return e.lookPath(cCompiler("gcc", "clang")) != ""
}

// lookPath finds a program on the PATH of this environment, which need not be that of the process; "" when it is
// not there. Relative entries are passed over, as os/exec does, so that a folder cannot slip in its own go.
func (e environment) lookPath(name string) string {
	for _, dir := range filepath.SplitList(e.process("PATH")) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	return ""
}
