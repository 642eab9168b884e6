package gobuild

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gorun-dev/gorun/internal/diagnostic"
)

// NoModuleError reports that a folder lies in no Go module.
type NoModuleError struct {
	Dir     string   // absolute
	Modules []string // folders right below Dir that are modules, as the user would type them
}

func (e *NoModuleError) Error() string {
	return fmt.Sprintf("there is no go.mod in %s or a folder above it", e.Dir)
}

// Hint says how to get a module.
func (e *NoModuleError) Hint() string {
	if len(e.Modules) > 0 {
		return "cd " + quote(e.Modules[0])
	}
	return "go mod init " + moduleName(e.Dir)
}

// moduleName makes a module path of the name of a folder: what a path cannot hold becomes a dash.
func moduleName(dir string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_', r == '.', r == '-':
			return r
		}
		return '-'
	}, filepath.Base(dir))
	if name = strings.Trim(name, "-."); name == "" {
		return "example.com/app"
	}
	return name
}

// NoProgramError reports that there is no package main: in a folder that was named, or in a whole module.
type NoProgramError struct {
	Dir      string   // as the user would type it; absolute when Whole
	Whole    bool     // Dir is a module, and everything in it was searched
	Programs []string // programs below Dir, as the user would type them
}

func (e *NoProgramError) Error() string {
	if e.Whole {
		return fmt.Sprintf("there is no program (package main) in the module %s", e.Dir)
	}
	return fmt.Sprintf("there are no Go files in %s", e.Dir)
}

// Hint names a program that could have been meant.
func (e *NoProgramError) Hint() string {
	if len(e.Programs) > 0 {
		return "gorun " + quote(e.Programs[0])
	}
	return "a program needs a .go file that begins with package main"
}

// Details lists the commands for all programs below the folder, where there are several.
func (e *NoProgramError) Details() []string {
	if len(e.Programs) < 2 {
		return nil
	}
	return commands(e.Programs)
}

// SeveralProgramsError reports that nothing was named where there are several programs.
type SeveralProgramsError struct {
	Programs []string // folders as the user would type them: ./cmd/api; sorted
}

func (e *SeveralProgramsError) Error() string {
	return fmt.Sprintf("this module has %d programs; choose one:", len(e.Programs))
}

// Details lists the commands to choose from, ready to paste.
func (e *SeveralProgramsError) Details() []string { return commands(e.Programs) }

// Hint says how to choose once and for all.
func (e *SeveralProgramsError) Hint() string {
	return fmt.Sprintf(`or name it in a profile: "gorun": { "package": %q }`, e.Programs[0])
}

func commands(programs []string) []string {
	lines := make([]string, len(programs))
	for i, p := range programs {
		lines[i] = "gorun " + quote(p)
	}
	return lines
}

// NotMainError reports that a folder or file that was named is of another package than main.
type NotMainError struct {
	Dir     string // as the user would type it
	Package string // its name
	problem diagnostic.Diagnostic
}

func (e *NotMainError) Error() string {
	return fmt.Sprintf("package %s is not a program", e.Package)
}

// Hint says what to do instead.
func (e *NotMainError) Hint() string { return "name a folder or files of package main" }

// Diagnostics gives the place of the package clause.
func (e *NotMainError) Diagnostics() []diagnostic.Diagnostic {
	return []diagnostic.Diagnostic{e.problem}
}

// MixedPackagesError reports that the files of one folder belong to different packages.
type MixedPackagesError struct {
	Dir      string // as the user would type it
	problems diagnostic.List
}

func (e *MixedPackagesError) Error() string {
	return fmt.Sprintf("the files in %s are of different packages", e.Dir)
}

// Hint says what to do.
func (e *MixedPackagesError) Hint() string {
	return "move one of them to a folder of its own, or name the files of the program"
}

// Diagnostics gives the two package clauses that contradict each other.
func (e *MixedPackagesError) Diagnostics() []diagnostic.Diagnostic { return e.problems }

// ExcludedError reports that build constraints leave out every Go file of a folder.
type ExcludedError struct {
	Dir      string   // as the user would type it
	Files    []string // their names
	Platform string   // what they were judged for, such as linux/amd64
}

func (e *ExcludedError) Error() string {
	return fmt.Sprintf("build constraints leave out all Go files in %s for %s", e.Dir, e.Platform)
}

// Hint says what to do.
func (e *ExcludedError) Hint() string {
	return "give their build tags: GOFLAGS=-tags=NAME, or \"buildFlags\" in the profile"
}

// Details lists the files that were left out.
func (e *ExcludedError) Details() []string {
	lines := make([]string, len(e.Files))
	for i, f := range e.Files {
		lines[i] = "  " + f
	}
	return lines
}

// NoPathError reports that what was named as the program is not there, or cannot be reached.
type NoPathError struct {
	Arg  string // as the user typed it
	Path string // absolute
	Err  error
}

func (e *NoPathError) Error() string {
	if !errors.Is(e.Err, fs.ErrNotExist) {
		return e.Err.Error()
	}
	if e.Arg == e.Path {
		return "there is no " + e.Path
	}
	return fmt.Sprintf("there is no %s (%s)", e.Arg, e.Path)
}

// Unwrap gives what the system said.
func (e *NoPathError) Unwrap() error { return e.Err }

// FlagError reports a build flag that gorun cannot pass on.
type FlagError struct {
	Flag   string
	Reason string
}

func (e *FlagError) Error() string { return fmt.Sprintf("build flag %s: %s", e.Flag, e.Reason) }

// NoGoError reports that the go command is not on the PATH.
type NoGoError struct{}

func (e *NoGoError) Error() string { return "there is no go command on the PATH" }

// Hint says where Go comes from.
func (e *NoGoError) Hint() string {
	return "install Go from https://go.dev/dl/ or add its bin folder to PATH"
}

// NotBuiltError reports that a binary was asked for without building, and is not there.
type NotBuiltError struct {
	Name          string
	Configuration Configuration
	Path          string
}

func (e *NotBuiltError) Error() string {
	return fmt.Sprintf("%s has not been built in %s yet", e.Name, e.Configuration)
}

// Hint says how to build it.
func (e *NotBuiltError) Hint() string { return "run once without --no-build" }

// CacheError reports that the folder for binaries cannot be written.
type CacheError struct {
	Dir string // the cache folder
	Err error
}

func (e *CacheError) Error() string {
	reason := e.Err
	if at, ok := errors.AsType[*fs.PathError](reason); ok { // some file below Dir, which says nothing to anybody
		reason = at.Err
	}
	return fmt.Sprintf("the cache folder %s cannot be written to: %v", e.Dir, reason)
}

// ReadOnly reports whether this user may not write there, so that another folder would do.
func (e *CacheError) ReadOnly() bool {
	return errors.Is(e.Err, fs.ErrPermission) || errors.Is(e.Err, errReadOnly)
}

// Unwrap gives what the system said.
func (e *CacheError) Unwrap() error { return e.Err }

// Hint says how to choose another folder.
func (e *CacheError) Hint() string {
	if errors.Is(e.Err, errDiskFull) {
		return diskFullHint
	}
	return "set GORUN_CACHE to a folder that you can write to"
}

const diskFullHint = "the disk is full: free some space (`gorun clean`, `go clean -cache`), or set GORUN_CACHE to a folder on another disk"

// ForeignError reports that a binary was built for another system than this one.
type ForeignError struct {
	Name         string
	GOOS, GOARCH string
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s was built for %s/%s, this is %s/%s", e.Name, e.GOOS, e.GOARCH, runtime.GOOS, runtime.GOARCH)
}

// Hint says what to do.
func (e *ForeignError) Hint() string { return "unset GOOS and GOARCH (see `go env -changed`)" }

// BuildError reports that the go command could not build the program.
type BuildError struct {
	Name     string
	Text     string          // as the toolchain printed it, with paths as the user would type them
	Problems diagnostic.List // as far as they could be read from Text; never empty
}

func (e *BuildError) Error() string { return e.Name + " does not build" }

// Hint says what to do where no code is to blame; "" where it is.
func (e *BuildError) Hint() string {
	if strings.Contains(e.Text, errDiskFull.Error()) {
		return diskFullHint
	}
	return ""
}

// Diagnostics gives the problems with their places.
func (e *BuildError) Diagnostics() []diagnostic.Diagnostic { return e.Problems }

// quote makes a path safe to paste into a shell.
func quote(path string) string {
	if !strings.ContainsFunc(path, func(r rune) bool { return strings.ContainsRune(" \t'\"$&|;<>()*?[]#~`\\!{}", r) }) {
		return path
	}
	if runtime.GOOS == "windows" {
		return `"` + path + `"`
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
