package gobuild

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/internal/event"
)

// Every setting that decides what is built is a reason, and no other variable is.
func TestStaleSettings(t *testing.T) {
	t.Parallel()
	s := newSite(t, plainSite, "m")
	s.write("goenv", "GOFLAGS=-tags=none\n")
	s.vars["GOENV"] = s.path("goenv")
	s.pristine = s.tree()
	s.mustBuild()
	s.mustBuild()
	variable := func(name, value string) func() { return func() { s.vars[name] = value } }
	tests := []struct {
		name string
		edit func()
		want string
	}{
		{"tags", variable("GOFLAGS", "-tags=extra"), "GOFLAGS differs"},
		{"C", variable("CGO_ENABLED", "0"), "CGO_ENABLED differs"},
		{"C compiler", variable("CC", "other-cc"), "CC differs"},
		{"C flags", variable("CGO_CFLAGS", "-O1"), "CGO_CFLAGS differs"},
		{"architecture", variable("GOAMD64", "v3"), "GOAMD64 differs"},
		{"experiment", variable("GOEXPERIMENT", "jsonv2"), "GOEXPERIMENT differs"},
		{"cryptography", variable("GOFIPS140", "latest"), "GOFIPS140 differs"},
		{"go command's own settings", variable("GODEBUG", ""), "GODEBUG differs"},
		{"workspace", variable("GOWORK", "off"), "GOWORK differs"},
		{"toolchain", variable("GOTOOLCHAIN", "auto"), "GOTOOLCHAIN differs"},
		{"module cache", variable("GOMODCACHE", s.path("none")), "GOMODCACHE differs"},
		{"home", variable("HOME", s.root), "HOME differs"},
		{"modules off", variable("GO111MODULE", "off"), "GO111MODULE differs"},
		{"unknown", variable("GONEW", "x"), "GONEW differs"},
		{"file of go env -w", func() { s.write("goenv", "GOFLAGS=-tags=extra\n") }, "GOFLAGS differs"},
		{"more in that file", func() { s.write("goenv", "GOFLAGS=-tags=none\nCGO_LDFLAGS=-g\n") }, "CGO_LDFLAGS differs"},
		{"another one of these files", variable("GOENV", "off"), "GOFLAGS differs"},
		{"file hidden by a variable", variable("GOFLAGS", "-tags=none,more"), "GOFLAGS differs"},
		{"build tags", func() { s.flags = []string{"-tags", "extra"} }, "differs"},
		{"linker's", func() { s.flags = []string{"-ldflags=-X main.stamped=x"} }, "differs"},
		{"pgo", func() { s.flags = []string{"-pgo=off"} }, "differs"},
		{"race", func() { s.flags = []string{"-race"} }, "differs"},

		{"the same by another way", variable("GOFLAGS", "-tags=none"), ""},
		{"set to nothing", variable("GOEXPERIMENT", ""), ""},
		{"places of caches", variable("GOTMPDIR", s.root), ""},
		{"terminal", variable("TERM", "dumb"), ""},
		{"of gorun", variable("GORUN_X", "x"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := cloneMap(s.vars)
			tt.edit()
			if reasons := strings.Join(s.why(), "; "); tt.want == "" && reasons != "" || !strings.Contains(reasons, tt.want) {
				t.Errorf("the reasons are %q, want %q", reasons, tt.want)
			}
			s.vars, s.flags = before, nil
			s.restore()
			if reasons := s.why(); len(reasons) > 0 {
				t.Fatalf("afterwards: %q", reasons)
			}
		})
	}
}

// A go.work that appears counts for GOWORK=auto as it does without GOWORK.
func TestStaleWorkspaceAuto(t *testing.T) {
	t.Parallel()
	s := newSite(t, plainSite, "m")
	s.configuration, s.vars["GOWORK"] = Release, "auto"
	s.expectChange(func() { s.write("go.work", "go 1.26\n\ngodebug panicnil=1\n\nuse ./m\n") })
}

// expectChange builds, edits, and wants both gorun and the go command to see the edit.
func (s *site) expectChange(edit func()) {
	s.t.Helper()
	s.mustBuild()
	s.mustBuild()
	_, out := s.mustFind()
	before, text := s.goBuild()
	if before != s.sum(out) {
		s.t.Fatalf("before the edit, go build makes another program: %s", text)
	}
	if reasons := s.why(); len(reasons) > 0 {
		s.t.Fatalf("before the edit: %q", reasons)
	}
	edit()
	reasons := s.why()
	after, text := s.goBuild()
	if after == before {
		s.t.Error("the edit does not change the program")
	}
	if len(reasons) == 0 {
		s.t.Errorf("the edit is not seen; go build says %s", text)
	}
}

// The module cache is taken to be unchangeable; a module that the user works on there is not.
func TestStaleInModuleCache(t *testing.T) {
	t.Parallel()
	s := newSite(t, plainSite, "m")
	s.vars["GOMODCACHE"] = s.root
	s.expectChange(func() { s.replace("m/main.go", "v0000", "v0001") })
}

// A package of a dependency in the module cache is ambiguous when the folder of the same name in the program's own
// module gets Go files.
func TestStaleAmbiguousWithModuleCache(t *testing.T) {
	t.Parallel()
	s := newSite(t, `
-- m/go.mod --
module example.com/m

go 1.26

require example.com/m/sub v1.0.0
-- m/main.go --
package main

import "example.com/m/sub/pkg"

func main() { println("v0000", pkg.Name()) }
-- m/sub/pkg/README.md --
v0000
-- cache/example.com/m/sub@v1.0.0/go.mod --
module example.com/m/sub

go 1.26
-- cache/example.com/m/sub@v1.0.0/pkg/pkg.go --
package pkg

func Name() string { return "v0000" }
-- cache/cache/download/example.com/m/sub/@v/list --
v1.0.0
-- cache/cache/download/example.com/m/sub/@v/v1.0.0.info --
{"Version":"v1.0.0"}
-- cache/cache/download/example.com/m/sub/@v/v1.0.0.mod --
module example.com/m/sub

go 1.26
-- cache/cache/download/example.com/m/sub/@v/v1.0.0.zip --
-- cache/cache/download/example.com/m/sub/@v/v1.0.0.ziphash --
h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
`, "m")
	s.vars["GOMODCACHE"], s.vars["GONOSUMDB"], s.vars["GOFLAGS"] = s.path("cache"), "*", "-mod=mod"
	s.expectChange(func() { s.write("m/sub/pkg/pkg.go", "package pkg\n") })
}

// The go command writes no commit into a program whose folder is in another repository than the module.
func TestStaleNestedRepository(t *testing.T) {
	t.Parallel()
	need(t, "git")
	s := newSite(t, gitSite, "m")
	s.args = []string{"cmd/app"}
	prepareGit(s)
	s.expectChange(func() {
		app := filepath.Join(s.from, "cmd", "app")
		s.git("init", "-q", app)
	})
}

// It refuses a working copy that lies in one of another system.
func TestStaleRepositoryAbove(t *testing.T) {
	t.Parallel()
	need(t, "git")
	s := newSite(t, gitSite, "m")
	prepareGit(s)
	s.expectChange(func() { s.check(os.Mkdir(s.path(".hg"), 0o755)) })
}

// The go.mod at the root of a repository decides the version of a module in a subfolder.
func TestStaleModuleAtTheRootOfTheRepository(t *testing.T) {
	t.Parallel()
	need(t, "git")
	s := newSite(t, gitSite, "m")
	s.write("m/sub/go.mod", "module example.com/m/sub\n\ngo 1.26\n")
	s.write("m/sub/main.go", s.text("m/main.go"))
	s.check(os.Rename(s.path("m/go.mod"), s.path("mod")))
	s.args = []string{"sub"}
	prepareGit(s)
	s.write("m/x.txt", "so that it differs from the commit already")
	s.expectChange(func() { s.rename("mod", "m/go.mod") })
}

// With GOPROXY=off, the version of a commit is the one that the go command noted earlier.
func TestStaleProxyOff(t *testing.T) {
	t.Parallel()
	need(t, "git")
	s := newSite(t, gitSite, "m")
	prepareGit(s)
	s.mustBuild()
	s.git("tag", "v1.2.3")
	s.expectChange(func() { s.vars["GOPROXY"] = "off" })
}

// Another gorun can finish a build between the look at the stamp and the lock. When the build that follows fails, the
// old stamp must not be given to that one's binary.
func TestStaleFailureAfterAnotherBuild(t *testing.T) {
	t.Parallel()
	s := newSite(t, plainSite, "m")
	s.mustBuild()
	s.replace("m/main.go", "v0000", "v0001")
	target, out := s.mustFind()
	unlock, err := lock(t.Context(), out, nil)
	s.check(err)
	waiting, failed := make(chan struct{}), make(chan error)
	go func() {
		_, err := Build(t.Context(), target, s.options(), out, func(e event.Event) {
			if e.Kind == event.BuildWaiting {
				close(waiting)
			}
		})
		failed <- err
	}()
	<-waiting
	other, err := examine(t.Context(), target, s.options(), out)
	s.check(err)
	work, err := prepare(target, out)
	s.check(err)
	_, err = other.build(t.Context(), target, s.options(), out, work, nil)
	s.check(err)
	s.write("m/main.go", "package main\n\nfunc main() {\n")
	unlock()
	if <-failed == nil {
		t.Fatal("a broken program was built")
	}
	s.restore()
	if truth, _ := s.goBuild(); truth == s.sum(out) {
		t.Fatal("the binary is that of before both builds")
	}
	if reasons := s.why(); len(reasons) == 0 {
		t.Error("the binary of the other build is taken for that of the old source")
	}
}

// A build that fails leaves the last good binary, which suffices again when the edit is taken back.
func TestStaleFailureTakenBack(t *testing.T) {
	t.Parallel()
	s := newSite(t, plainSite, "m")
	s.mustBuild()
	s.mustBuild()
	s.write("m/main.go", "package main\n\nfunc main() {\n")
	for range 2 {
		if err := s.build(nil); err == nil {
			t.Fatal("a broken program was built")
		}
		if reasons := s.why(); len(reasons) == 0 {
			t.Fatal("no reason to build what could not be built")
		}
	}
	s.restore()
	if reasons := s.why(); len(reasons) > 0 {
		t.Errorf("the reasons are %q", reasons)
	}
}
