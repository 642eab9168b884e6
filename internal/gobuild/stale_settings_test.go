package gobuild

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

// Relative replacements of a go.mod that stands elsewhere are meant from the module's folder.
func TestStaleModfileElsewhere(t *testing.T) {
	t.Parallel()
	s := newSite(t, `
-- m/go.mod --
module example.com/m

go 1.26
-- m/alt/alt.mod --
module example.com/m

go 1.26

require example.com/dep v1.0.0

replace example.com/dep => ../dep
-- m/main.go --
package main

import "example.com/dep/sub"

func main() { println(sub.Loop()) }
-- dep/go.mod --
module example.com/dep

go 1.21
-- dep/sub/sub.go --
package sub

func Loop() int {
	var fs []func() int
	for i := 0; i < 3; i++ {
		fs = append(fs, func() int { return i })
	}
	return fs[0]()
}
`, "m")
	s.flags = []string{"-modfile=alt/alt.mod"}
	s.expectChange(func() { s.replace("dep/go.mod", "1.21", "1.22") })
}

func TestReplacements(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), `module example.com/m

replace example.com/a => ../a // for now
replace (
	example.com/b v1.0.0 => ./b
	example.com/c => "/abs/my c"
	example.com/f =>	`+"`/abs/f`"+`
	example.com/d => example.com/other v1.2.3
	// example.com/e => ../e
)
newer directive
`)
	want := []string{filepath.Join(filepath.Dir(dir), "a"), filepath.Join(dir, "b"), "/abs/my c", "/abs/f"}
	if got := replacements(filepath.Join(dir, "go.mod"), dir); !slices.Equal(got, want) && !isWindows() {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A compiler whose path must be quoted is watched, and one that is a script is asked about each time.
func TestStaleCompilers(t *testing.T) {
	t.Parallel()
	need(t, "gcc")
	e := newEnvironment(environ(`CC='/a b/cc' -m64`, "CXX=none"))
	if got := e.compilers(); !slices.Contains(got, "/a b/cc") {
		t.Errorf("the compilers are %q", got)
	}
	s := newSite(t, cgoSite, "m")
	gcc, err := exec.LookPath("gcc")
	s.check(err)
	s.write("bin/gcc", "#!/bin/sh\nexec "+s.path("bin/real")+" \"$@\"\n")
	s.write("bin/real", "#!/bin/sh\nexec "+gcc+" \"$@\"\n")
	s.check(errors.Join(os.Chmod(s.path("bin/gcc"), 0o755), os.Chmod(s.path("bin/real"), 0o755)))
	s.vars["PATH"] = s.path("bin") + ":" + os.Getenv("PATH")
	s.mustBuild()
	if reasons := s.why(); len(reasons) != 1 || !strings.HasSuffix(reasons[0], "/bin/gcc calls another one") {
		t.Errorf("the reasons are %q", reasons)
	}
}

// What a version manager's command sets for the go command counts, and so does the command itself.
func TestStaleShimThatSets(t *testing.T) {
	t.Parallel()
	s := newSite(t, plainSite, "m")
	goCommand, err := exec.LookPath("go")
	s.check(err)
	s.write("set", "")
	s.write("bin/go", "#!/bin/sh\n. "+s.path("set")+"\nexec "+goCommand+" \"$@\"\n")
	s.check(os.Chmod(s.path("bin/go"), 0o755))
	s.vars["PATH"] = s.path("bin") + ":" + os.Getenv("PATH")
	s.mustBuild()
	if reasons := s.why(); len(reasons) > 0 {
		t.Errorf("with nothing changed: %q", reasons)
	}
	s.write("set", "export GOFLAGS=-tags=extra\n")
	if reasons := s.why(); len(reasons) == 0 {
		t.Error("another GOFLAGS of the shim is not seen")
	}
	s.write("set", "")
	s.write("bin/go", s.text("bin/go")+"#\n")
	if reasons := s.why(); len(reasons) == 0 {
		t.Error("another shim is not seen")
	}
}

// A distributor's go.env that sets flags is for the go command alone to read.
func TestStaleGoEnvOfTheToolchain(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"GOPROXY=off\nGOSUMDB=off\nGOTOOLCHAIN=local\n# GOFLAGS=x\n": "",
		"GOFLAGS=-tags=x\n": "sets GOFLAGS",
	} {
		path := filepath.Join(t.TempDir(), "go.env")
		write(t, path, text)
		var in inputs
		if in.askAbout(path); !strings.HasSuffix(in.ask, want) || (in.ask == "") != (want == "") {
			t.Errorf("%q: %q", text, in.ask)
		}
	}
}

func TestVariablesForBuilds(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"GOFLAGS": true, "GOAMD64": true, "GOFUTURE": true, "CGO_CFLAGS": true, "CC": true, "GO_EXTLINK_ENABLED": true,
		"GOOGLE_API_KEY": false, "GORUN_CACHE": false, "GOPROXY": false, "GOCOVERDIR": false, "GOMAXPROCS": false, "PATH": false,
	} {
		if got := isForBuilds(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	env := newEnvironment([]string{"GOENV=off", "GODEBUG=gctrace=1,embedfollowsymlinks=1,http2debug=2"})
	if got := env.forBuilds()["GODEBUG"]; got != "embedfollowsymlinks=1" {
		t.Errorf("GODEBUG counts as %q", got)
	}
}
