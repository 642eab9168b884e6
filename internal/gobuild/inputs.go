package gobuild

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/gorun-dev/gorun/internal/stamp"
)

// listed is what `go list` says of one package of the program.
type listed struct {
	Dir, ImportPath           string
	Standard                  bool
	CgoPkgConfig              []string
	EmbedPatterns, EmbedFiles []string
}

// listFields are the fields of listed, by which the go command is asked for no more than that.
const listFields = "Dir,ImportPath,Standard,CgoPkgConfig,EmbedPatterns,EmbedFiles"

// listPackages asks the go command what packages a target is made of, itself included.
func listPackages(ctx context.Context, goCommand string, t Target, o Options) ([]listed, error) {
	args := append([]string{"list", "-deps", "-json=" + listFields}, Flags(t, o)...)
	cmd := goTool(ctx, goCommand, t, o, append(append(args, "-buildvcs=false"), t.patterns()...))
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := runTool(cmd); err != nil {
		return nil, err
	}
	var packages []listed
	for decoder := json.NewDecoder(&out); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
}

// goTool is a call of the go command that ends, with all that it started, when ctx does.
func goTool(ctx context.Context, goCommand string, t Target, o Options, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, goCommand, args...)
	cmd.Dir = t.workDir()
	// The go command takes its folder from PWD, which keeps the path through a link as the user typed it.
	cmd.Env = append(slices.Clone(o.environment().vars), "PWD="+cmd.Dir)
	cmd.WaitDelay = goDelay
	ownGroup(cmd)
	return cmd
}

// runTool runs the go command from one thread, which lives as long as it: a thread that ends would look like the end
// of this process to a command that ends with it.
func runTool(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return cmd.Run()
}

// inputs are the files and folders that a program is made of, besides the toolchain and the module cache.
type inputs struct {
	files   []string
	folders []stamp.Folder
	cgo     bool   // whether a C compiler has a part in it
	ask     string // why they do not suffice, "" when they do
}

// The rules of folders, see listInputs. The patterns of an embedding follow ruleEmbed, each quoted.
const (
	rulePackage = "package"
	ruleRival   = "rival"
	ruleEmbed   = "embed "
)

// inputsOf are those of listed packages, and of the modules that they are in.
func inputsOf(t Target, o Options, packages []listed) inputs {
	in := inputs{files: moduleFiles(t, o)}
	roots := localRoots(t, in.files)
	cache := o.environment().moduleCache()
	boundaries := make(map[string]bool)
	for _, p := range packages {
		if p.ImportPath == "runtime" {
			in.addToolchain(filepath.Dir(filepath.Dir(p.Dir)))
		}
		in.cgo = in.cgo || p.ImportPath == "runtime/cgo"
		if len(p.CgoPkgConfig) > 0 {
			in.ask = fmt.Sprintf("pkg-config decides how %s is built", p.ImportPath)
		}
		for _, dir := range roots.rivals(p) {
			in.folders = append(in.folders, stamp.Folder{Path: dir, Rule: ruleRival})
		}
		if p.Standard || isBelow(cache, p.Dir) && !roots.hold(p.Dir) {
			continue
		}
		if p.ImportPath == "command-line-arguments" {
			in.files = append(append(in.files, t.Files...), filepath.Join(p.Dir, "default.pgo"))
		} else {
			in.folders = append(in.folders, stamp.Folder{Path: p.Dir, Rule: rulePackage})
		}
		if len(p.EmbedPatterns) > 0 {
			in.embed(p)
		}
		roots.boundaries(p.Dir, boundaries)
	}
	for dir := range boundaries {
		in.files = append(in.files, filepath.Join(dir, "go.mod"))
	}
	return in
}

// paths are the files, each once.
func (in *inputs) paths() []string {
	slices.Sort(in.files)
	return slices.Compact(in.files)
}

// embed adds the files that a package embeds. Where our reading of its patterns is not that of the go command, the
// go command is to be asked.
func (in *inputs) embed(p listed) {
	rule := ruleEmbed
	for _, pattern := range p.EmbedPatterns {
		rule += strconv.Quote(pattern) + " "
	}
	files, _, err := listInputs(rule, p.Dir)
	slices.Sort(p.EmbedFiles)
	slices.Sort(files)
	if err != nil || !slices.Equal(files, p.EmbedFiles) {
		in.ask = fmt.Sprintf("the files that %s embeds are not clear", p.ImportPath)
		return
	}
	in.folders = append(in.folders, stamp.Folder{Path: p.Dir, Rule: rule})
}

// addToolchain adds the toolchain that built the program.
func (in *inputs) addToolchain(root string) {
	in.files = append(in.files, toolchainFiles(root)...)
	if version, err := os.ReadFile(filepath.Join(root, "VERSION")); err != nil || bytes.HasPrefix(version, []byte("devel")) {
		in.ask = "the toolchain in " + root + " is not a released one"
	}
	in.askAbout(filepath.Join(root, "go.env"))
}

// askAbout has the go command asked where a distributor's file sets more than whom to ask for modules and toolchains.
func (in *inputs) askAbout(goEnv string) {
	data, err := os.ReadFile(goEnv)
	if err != nil {
		return
	}
	for name := range parseGoEnv(string(data)) {
		if name != "GOTOOLCHAIN" && isForBuilds(name) {
			in.ask = goEnv + " sets " + name
		}
	}
}

// moduleFiles are the files, there or not, that say which modules the program is built with.
func moduleFiles(t Target, o Options) []string {
	var files []string
	roots := t.mainModules()
	for _, root := range roots {
		files = append(files, moduleFilesIn(root)...)
	}
	mod := last(append(goflags(o.environment()), parseFlags(o.BuildFlags)...), "modfile")
	if mod != "" {
		if !filepath.IsAbs(mod) {
			mod = filepath.Join(t.workDir(), mod)
		}
		files = append(files, mod, strings.TrimSuffix(mod, ".mod")+".sum")
	}
	if t.WorkFile != "" {
		dir := filepath.Dir(t.WorkFile)
		files = append(files, t.WorkFile, t.WorkFile+".sum")
		files = append(files, vendorFiles(dir)...)
	}
	if work := o.environment().get("GOWORK"); work == "" || work == "auto" {
		for dir := t.workDir(); ; dir = filepath.Dir(dir) {
			files = append(files, filepath.Join(dir, "go.work"))
			if dir == filepath.Dir(dir) || t.WorkFile == filepath.Join(dir, "go.work") {
				break
			}
		}
	}
	for _, path := range files {
		base := filepath.Dir(path)
		if path == mod { // it stands for the go.mod of the module
			base = t.workDir()
		}
		for _, dir := range replacements(path, base) {
			files = append(files, filepath.Join(dir, "go.mod"))
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// mainModules are the folders of the modules that the user works on.
func (t Target) mainModules() []string {
	var roots []string
	if t.ModuleDir != "" {
		roots = append(roots, t.ModuleDir)
	}
	for _, m := range t.Workspace {
		if m.Dir != t.ModuleDir {
			roots = append(roots, m.Dir)
		}
	}
	return roots
}

func moduleFilesIn(root string) []string {
	return append(vendorFiles(root), filepath.Join(root, "go.mod"), filepath.Join(root, "go.sum"))
}

func vendorFiles(root string) []string {
	vendor := filepath.Join(root, "vendor")
	return []string{vendor, filepath.Join(vendor, "modules.txt")}
}

// replacements are the folders that a go.mod or go.work file puts in the place of modules; relative ones are below base.
// Any other file has none. The lines are read one by one, since a parser refuses directives that are newer than it.
func replacements(path, base string) (dirs []string) {
	if ext := filepath.Ext(path); ext != ".mod" && ext != ".work" {
		return nil
	}
	data, _ := os.ReadFile(path) // there is none where nothing is
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "//")
		_, target, ok := strings.Cut(line, "=>")
		dir, version := onePath(target)
		if !ok || dir == "" || version != "" { // with a version it is another module, not a folder
			continue
		}
		if dir = filepath.FromSlash(dir); !filepath.IsAbs(dir) {
			dir = filepath.Join(base, dir)
		}
		dirs = append(dirs, dir)
	}
	return dirs
}

// onePath takes the first word of a line of go.mod, which may be quoted, from what follows it.
func onePath(text string) (word, rest string) {
	text = strings.TrimSpace(text)
	if quoted, err := strconv.QuotedPrefix(text); err == nil {
		word, _ := strconv.Unquote(quoted)
		return word, strings.TrimSpace(text[len(quoted):])
	}
	word, rest, _ = strings.Cut(text, " ")
	return word, strings.TrimSpace(rest)
}

// roots are the modules on the disk that packages may come from.
type roots []Module

// localRoots are the modules whose go.mod is among files.
func localRoots(t Target, files []string) roots {
	var r roots
	for _, path := range files {
		if filepath.Base(path) == "go.mod" {
			r = append(r, readModule(filepath.Dir(path)))
		}
	}
	return r
}

// rivals are the folders where local modules would have a package with the import path of p: Go files there would
// make the import ambiguous.
func (r roots) rivals(p listed) []string {
	var dirs []string
	for _, m := range r {
		rest, ok := strings.CutPrefix(p.ImportPath+"/", m.Path+"/")
		if dir := filepath.Join(m.Dir, filepath.FromSlash(rest)); ok && m.Path != "" && dir != p.Dir {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// hold reports whether a folder is in one of the modules.
func (r roots) hold(dir string) bool {
	return slices.ContainsFunc(r, func(m Module) bool { return isBelow(m.Dir, dir) })
}

// boundaries adds the folders between that of a package and its module's: a go.mod there would begin another module.
func (r roots) boundaries(dir string, add map[string]bool) {
	root := ""
	for _, m := range r {
		if len(m.Dir) > len(root) && isBelow(m.Dir, dir) {
			root = m.Dir
		}
	}
	if root == "" || isBelow(filepath.Join(root, "vendor"), dir) {
		return
	}
	for ; dir != root && !add[dir]; dir = filepath.Dir(dir) {
		add[dir] = true
	}
}

// isBelow reports whether a path is dir or below it.
func isBelow(dir, path string) bool {
	rest, ok := strings.CutPrefix(path, dir)
	return ok && dir != "" && (rest == "" || os.IsPathSeparator(rest[0]) || os.IsPathSeparator(dir[len(dir)-1]))
}

// listInputs is the stamp.Lister of this package: by rulePackage, the files that a build of the package in the folder
// may read, whatever constraints say; by ruleRival the same, where the folder need not be there; by ruleEmbed, those
// that its patterns match.
func listInputs(rule, path string) (files, dirs []string, err error) {
	patterns, ok := strings.CutPrefix(rule, ruleEmbed)
	if ok {
		return listEmbedded(patterns, path)
	}
	dir, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && rule == ruleRival {
		return nil, []string{"."}, nil
	} else if err != nil {
		return nil, nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	return slices.DeleteFunc(names, func(name string) bool { return !isInput(name) }), []string{"."}, err
}

// isInput reports whether a file of this name can change the package in whose folder it is: what package go/build
// looks at, a profile for the compiler, and a go.mod, with which the folder becomes a module of its own.
func isInput(name string) bool {
	switch {
	case name == "go.mod" || name == "default.pgo":
		return true
	case name[0] == '.' || name[0] == '_':
		return false
	case strings.HasSuffix(name, ".go"):
		return !strings.HasSuffix(name, "_test.go")
	}
	switch filepath.Ext(name) {
	case ".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx", ".f", ".F", ".for", ".f90",
		".s", ".S", ".sx", ".swig", ".swigcxx", ".syso":
		return true
	}
	return false
}
