package gobuild

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// toolchain is the go command that the PATH leads to.
type toolchain struct {
	command string // as it was found
	path    string // without links
	root    string // its GOROOT; "" when the command is no part of one
}

// findToolchain looks for the go command; a *NoGoError says that there is none.
func findToolchain(env environment) (toolchain, error) {
	t := toolchain{command: env.lookPath("go")}
	if t.command == "" {
		return t, &NoGoError{}
	}
	t.path = t.command
	if path, err := filepath.EvalSymlinks(t.command); err == nil {
		t.path = path
	}
	root := filepath.Dir(filepath.Dir(t.path))
	if info, err := os.Stat(filepath.Join(root, "pkg", "tool")); err == nil && info.IsDir() {
		t.root = root
	}
	return t, nil
}

// isShim reports whether the command belongs to a version manager, which decides each time, by files of its own,
// which toolchain it calls.
func (t toolchain) isShim() bool { return t.root == "" }

// Shim returns the path of the go command in env (nil is this process's own) when it belongs to a version manager,
// such as asdf, mise or goenv: then a start asks it which toolchain it would call. Else it is "".
func Shim(env []string) string {
	t, err := findToolchain(newEnvironment(env))
	if err != nil || !t.isShim() {
		return ""
	}
	return t.command
}

// asked are what a shim may decide by its own files: the toolchain, and the variables that it hands on.
var asked = []string{
	"GOROOT", "GOVERSION", "GOTOOLDIR", "GOTOOLCHAIN", "AR", "CC", "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS",
	"CGO_ENABLED", "CGO_FFLAGS", "CGO_LDFLAGS", "CXX", "FC", "GCCGO", "GO111MODULE", "GO386", "GOAMD64", "GOARCH", "GOARM",
	"GOARM64", "GOEXPERIMENT", "GOFIPS140", "GOFLAGS", "GOMIPS", "GOMIPS64", "GOMODCACHE", "GOOS", "GOPATH", "GOPPC64",
	"GORISCV64", "GOWASM", "GOWORK", "PKG_CONFIG",
}

// ask returns what a shim decides in the target's folder.
func (t toolchain) ask(ctx context.Context, target Target, o Options) (string, error) {
	var out bytes.Buffer
	cmd := goTool(ctx, t.command, target, o, append([]string{"env"}, asked...))
	cmd.Stdout = &out
	err := runTool(cmd)
	return out.String(), err
}

// toolchainFiles are the files that are another one's when the toolchain in root is replaced by another.
func toolchainFiles(root string) []string {
	files := []string{filepath.Join(root, "VERSION"), filepath.Join(root, "go.env"), filepath.Join(root, "bin", "go"+exeSuffix())}
	for _, tool := range []string{"compile", "link"} {
		found, _ := filepath.Glob(filepath.Join(root, "pkg", "tool", "*", tool+exeSuffix())) // the pattern is well-formed
		files = append(files, found...)
	}
	return files
}

func exeSuffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

// compilers are the programs that compile C for this environment, without links, "" for those that are not there:
// whether there is one decides whether cgo is used, and its version is part of what it compiles.
func (e environment) compilers() []string {
	if e.get("CGO_ENABLED") == "0" {
		return nil
	}
	var paths []string
	for variable, usual := range map[string]string{"CC": cCompiler("gcc", "clang"), "CXX": cCompiler("g++", "clang++")} {
		words, _ := splitWords(e.get(variable)) // what is malformed, the go command refuses
		if len(words) == 0 {
			words = []string{usual}
		}
		for _, word := range words { // as in "ccache gcc -m64"
			if strings.HasPrefix(word, "-") {
				continue
			}
			path := word
			if !strings.ContainsRune(word, filepath.Separator) {
				path = e.lookPath(word)
			}
			if real, err := filepath.EvalSymlinks(path); err == nil {
				path = real
			}
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// isWrapper reports whether a compiler is a script, or one of the programs that call another compiler: which one that
// is, and whether it is the same as before, only they know.
func isWrapper(path string) bool {
	switch strings.TrimSuffix(filepath.Base(path), ".exe") {
	case "ccache", "sccache", "distcc", "icecc", "colorgcc":
		return true
	}
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	var begin [2]byte
	_, err = io.ReadFull(file, begin[:])
	return err == nil && string(begin[:]) == "#!"
}

// cCompiler is the one that the go command takes on this system when no variable names one.
func cCompiler(gnu, clang string) string {
	switch runtime.GOOS {
	case "darwin", "ios", "freebsd", "openbsd":
		return clang
	}
	return gnu
}

// moduleCache is where the go command keeps modules, "" where it has no place for them.
func (e environment) moduleCache() string {
	if dir := e.get("GOMODCACHE"); dir != "" {
		return dir
	}
	path := e.get("GOPATH")
	if path == "" {
		home := "HOME"
		if runtime.GOOS == "windows" {
			home = "USERPROFILE"
		}
		if e.process(home) == "" {
			return ""
		}
		path = filepath.Join(e.process(home), "go")
	}
	return filepath.Join(filepath.SplitList(path)[0], "pkg", "mod")
}
