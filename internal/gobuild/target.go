package gobuild

import (
	"fmt"
	"go/build"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Target is one program that can be built. Find makes it.
type Target struct {
	Dir        string   `json:"dir"`             // absolute folder of the main package
	Files      []string `json:"files,omitempty"` // absolute .go files when the program was named by files, else nil
	Name       string   `json:"name"`            // as `go build` would name the binary, without .exe
	ModuleDir  string   `json:"moduleDir,omitempty"`
	ModulePath string   `json:"modulePath,omitempty"` // both "" for files outside a module

	WorkFile  string   `json:"workFile,omitempty"`  // the go.work that applies, "" when none does
	Workspace []Module `json:"workspace,omitempty"` // the modules that it names
}

// workDir is where the go command is run: it finds go.mod and go.work from there, and names files relative to it.
func (t Target) workDir() string {
	if t.ModuleDir != "" {
		return t.ModuleDir
	}
	return t.Dir
}

// patterns are the arguments that name the target to the go command in workDir.
func (t Target) patterns() []string {
	if len(t.Files) == 0 {
		return []string{dotted(t.workDir(), t.Dir)}
	}
	files := make([]string, len(t.Files))
	for i, f := range t.Files {
		files[i] = dotted(t.workDir(), f)
	}
	return files
}

// Find returns the program that is meant by args for a user who stands in dir.
//
// No argument means the program in dir, else the only one below dir, else the only one in the module that dir lies
// in, or in the workspace when it lies in none. One folder, also of another module, must hold the program itself;
// one or several .go files are a program by themselves, in a module or not. Which files belong to a package depends on
// env (nil is this process's own) and on the build flags, as far as they are known already.
//
// Errors that a user can do something about are *NoModuleError, *NoProgramError, *SeveralProgramsError,
// *NotMainError, *MixedPackagesError, *ExcludedError and *NoPathError.
func Find(dir string, args, env []string, buildFlags ...string) (Target, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Target{}, err
	}
	environment := newEnvironment(env)
	f := finder{env: environment, ctx: buildContext(environment, buildFlags), from: dir}
	if len(args) == 0 {
		return f.search()
	}
	paths := make([]string, len(args))
	for i, arg := range args {
		paths[i] = f.abs(arg)
		info, err := os.Stat(paths[i])
		switch {
		case err != nil:
			return Target{}, &NoPathError{Arg: arg, Path: paths[i], Err: err}
		case info.IsDir() && len(args) == 1:
			return f.folder(paths[i])
		case info.IsDir():
			return Target{}, fmt.Errorf("%s is a folder: a program is named by one folder, or by .go files", arg)
		case !strings.HasSuffix(arg, ".go"):
			return Target{}, fmt.Errorf("%s is neither a folder nor a .go file", arg)
		}
	}
	return f.files(paths)
}

// finder looks for programs for one user in one place.
type finder struct {
	env  environment
	ctx  *build.Context
	from string
}

func (f finder) abs(arg string) string {
	if filepath.IsAbs(arg) {
		return filepath.Clean(arg)
	}
	return filepath.Join(f.from, arg)
}

// folder makes the target of a folder that was named.
func (f finder) folder(dir string) (Target, error) {
	module := moduleOf(dir)
	err := f.read(dir).check(f.show(dir), f.platformName())
	if err == nil && module.Dir == "" {
		err = f.noModule(dir)
	}
	if none, ok := err.(*NoProgramError); ok {
		none.Programs = f.relative(f.below(dir))
	}
	if err != nil {
		return Target{}, err
	}
	return f.target(dir, module), nil
}

// files makes the target of files that were named. Their build constraints do not count, as with the go command.
func (f finder) files(paths []string) (Target, error) {
	free := *f.ctx
	free.UseAllFiles = true
	for _, p := range paths {
		if filepath.Dir(p) != filepath.Dir(paths[0]) {
			return Target{}, fmt.Errorf("%s and %s are not in one folder: the files of a program must be", f.show(paths[0]), f.show(p))
		}
		if strings.HasSuffix(p, "_test.go") {
			return Target{}, fmt.Errorf("%s is a test file: run it with go test", f.show(p))
		}
		s, err := readSource(&free, p)
		if err != nil {
			return Target{}, err
		}
		if s.pkg != "main" && s.pkg != "" {
			return Target{}, &NotMainError{Dir: f.show(filepath.Dir(p)), Package: s.pkg, problem: notMain(s)}
		}
	}
	dir := filepath.Dir(paths[0])
	t := f.target(dir, moduleOf(dir))
	t.Files = paths
	t.Name = strings.TrimSuffix(filepath.Base(paths[0]), ".go")
	return t, nil
}

// search makes the target of a user who named nothing.
func (f finder) search() (Target, error) {
	here := f.read(f.from)
	module := moduleOf(f.from)
	if here.isMain() || len(here.sources) > 0 && len(here.named()) == 0 {
		return f.folder(f.from)
	}
	roots := []string{module.Dir}
	if module.Dir == "" {
		_, modules := workspaceOf(f.env, f.from)
		if len(modules) == 0 {
			return Target{}, f.noModule(f.from)
		}
		roots = roots[:0]
		for _, m := range modules {
			roots = append(roots, m.Dir)
		}
	} else if module.Dir != f.from {
		if dirs := f.below(f.from); len(dirs) > 0 {
			return f.only(dirs)
		}
	}
	if dirs := f.below(roots...); len(dirs) > 0 {
		return f.only(dirs)
	}
	if err := here.check(f.show(f.from), f.platformName()); len(here.sources)+len(here.excluded) > 0 {
		return Target{}, err
	}
	return Target{}, &NoProgramError{Dir: roots[0], Whole: true}
}

// only makes the target of the one folder in dirs.
func (f finder) only(dirs []string) (Target, error) {
	if len(dirs) > 1 {
		return Target{}, &SeveralProgramsError{Programs: f.relative(dirs)}
	}
	return f.folder(dirs[0])
}

func (f finder) target(dir string, module Module) Target {
	t := Target{Dir: dir, ModuleDir: module.Dir, ModulePath: module.Path, Name: filepath.Base(dir)}
	t.WorkFile, t.Workspace = workspaceOf(f.env, t.workDir())
	if rel, err := filepath.Rel(module.Dir, dir); module.Path != "" && err == nil {
		t.Name = binaryName(path.Join(module.Path, filepath.ToSlash(rel)))
	}
	return t
}

// binaryName is how `go build` names the binary of a package: the last element of its import path that is no version.
func binaryName(importPath string) string {
	dir, name := path.Split(importPath)
	if dir != "" && isVersion(name) {
		return path.Base(dir)
	}
	return name
}

// isVersion reports whether an element of an import path is v2, v3 and so on.
func isVersion(s string) bool {
	digits, ok := strings.CutPrefix(s, "v")
	return ok && digits != "" && digits[0] != '0' && digits != "1" && strings.Trim(digits, "0123456789") == ""
}

func (f finder) read(dir string) folder {
	entries, _ := os.ReadDir(dir) // what could be read, in the order of names
	return readFolder(f.ctx, dir, entries, false)
}

// noModule reports that dir is in no module, with the modules that lie right below it.
func (f finder) noModule(dir string) error {
	err := &NoModuleError{Dir: dir}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if sub := filepath.Join(dir, e.Name()); e.IsDir() && isFile(filepath.Join(sub, "go.mod")) {
			err.Modules = append(err.Modules, f.show(sub))
		}
	}
	return err
}

func (f finder) platformName() string { return f.ctx.GOOS + "/" + f.ctx.GOARCH }

// show gives a path as the user would type it.
func (f finder) show(path string) string { return dotted(f.from, path) }

func (f finder) relative(dirs []string) []string {
	shown := make([]string, len(dirs))
	for i, d := range dirs {
		shown[i] = f.show(d)
	}
	slices.Sort(shown)
	return shown
}

// dotted gives a path relative to a folder, beginning with a dot and with forward slashes, as the go command wants
// folders; it stays absolute where there is no way, as to another drive.
func dotted(from, path string) string {
	rel, err := filepath.Rel(from, path)
	if err != nil {
		return path
	}
	rel = filepath.ToSlash(rel)
	if rel == "." || rel == ".." || strings.HasPrefix(rel, "../") {
		return rel
	}
	return "./" + rel
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}
