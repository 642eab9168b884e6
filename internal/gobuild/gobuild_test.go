package gobuild

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// unpack writes the files of a txtar archive into a new folder and returns its path, free of links.
func unpack(t testing.TB, archive string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	unpackInto(t, dir, archive)
	return dir
}

func unpackInto(t testing.TB, dir, archive string) {
	t.Helper()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		write(t, filepath.Join(dir, filepath.FromSlash(f.Name)), string(f.Data))
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// environ is the environment of this process without what its user set for Go, and with the given variables.
func environ(vars ...string) []string {
	own := []string{"GOENV=off", "GOFLAGS=", "GOWORK=", "GO111MODULE=", "GOPROXY=off", "GOTOOLCHAIN=local"}
	return append(append(os.Environ(), own...), vars...)
}

// need skips the test when an external tool is not there; not in CI, where all of them must be.
func need(t testing.TB, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err == nil {
		return
	}
	if os.Getenv("GORUN_CI") != "" {
		t.Fatalf("%s is not there", tool)
	}
	t.Skipf("%s is not there", tool)
}

// project is a program that a test builds and runs.
type project struct {
	t      *testing.T
	target Target
	cache  string
}

func newProject(t *testing.T, dir string, env []string, args ...string) project {
	t.Helper()
	need(t, "go")
	target, err := Find(dir, args, env)
	if err != nil {
		t.Fatal(err)
	}
	return project{t: t, target: target, cache: filepath.Join(t.TempDir(), "cache")}
}

// build builds with o and returns the path of the binary.
func (p project) build(o Options) string {
	p.t.Helper()
	binary, err := Build(p.t.Context(), p.target, o, Output(p.cache, p.target, o), nil)
	if err != nil {
		if failed, ok := err.(*BuildError); ok {
			p.t.Fatalf("%v:\n%s", err, failed.Text)
		}
		p.t.Fatal(err)
	}
	return binary.Path
}

// fail builds what must not build and returns the error.
func (p project) fail(o Options) *BuildError {
	p.t.Helper()
	_, err := Build(p.t.Context(), p.target, o, Output(p.cache, p.target, o), nil)
	failed, ok := err.(*BuildError)
	if !ok {
		p.t.Fatalf("the error is %T %v, not *BuildError", err, err)
	}
	return failed
}

// output runs a binary and returns what it prints.
func output(t *testing.T, path string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", path, err, out)
	}
	return strings.TrimSpace(string(out))
}

func isWindows() bool { return filepath.Separator == '\\' }
