package gobuild

import (
	"bytes"
	"debug/buildinfo"
	"debug/dwarf"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// layered is a program with a package of its own, a workspace module, a dependency and one that is replaced.
const layered = `
-- app/go.mod --
module example.com/app

go 1.26

require example.com/dep v1.0.0

replace example.com/dep => ../dep
-- app/main.go --
package main

import (
	"fmt"

	"example.com/app/own"
	"example.com/dep"
	"example.com/lib"
)

func main() { fmt.Println(own.Name(), dep.Name(), lib.Name()) }
-- app/own/own.go --
package own

import "strings"

func Name() string { return strings.Repeat("own", 2) }
-- dep/go.mod --
module example.com/dep

go 1.26
-- dep/dep.go --
package dep

import "strings"

func Name() string { return strings.Repeat("dep", 2) }
-- lib/go.mod --
module example.com/lib

go 1.26
-- lib/lib.go --
package lib

import "strings"

func Name() string { return strings.Repeat("lib", 2) }
-- go.work --
go 1.26

use (
	./app
	./lib
)
`

// producers returns what DWARF says of how each package was compiled.
func producers(t *testing.T, path string) map[string]string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the binary is no ELF file")
	}
	file, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	data, err := file.DWARF()
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for r := data.Reader(); ; r.SkipChildren() {
		entry, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if entry == nil {
			return found
		}
		name, _ := entry.Val(dwarf.AttrName).(string)
		producer, _ := entry.Val(dwarf.AttrProducer).(string)
		found[name] += producer
	}
}

func TestDebugOnlyOwnPackages(t *testing.T) {
	t.Parallel()
	dir := unpack(t, layered)
	const flags = "-N -l"
	tests := []struct {
		name string
		args []string
		o    Options
		want map[string]bool
	}{
		{"folder", []string{"./app"}, Options{}, map[string]bool{"main": true, "example.com/app/own": true, "example.com/lib": true, "example.com/dep": false, "fmt": false}},
		{"file", []string{"app/main.go"}, Options{}, map[string]bool{"main": true, "example.com/app/own": true, "example.com/dep": false, "fmt": false}},
		{"with gcflags", []string{"app"}, Options{BuildFlags: []string{"-gcflags=all=-spectre=index"}}, map[string]bool{"main": true, "example.com/app/own": true, "example.com/dep": false}},
		{"dependencies", []string{"app"}, Options{DebugDependencies: true}, map[string]bool{"main": true, "example.com/app/own": true, "example.com/dep": true, "fmt": true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newProject(t, dir, environ(), tt.args...)
			tt.o.Env = environ()
			if tt.name == "with gcflags" && runtime.GOARCH != "amd64" {
				t.Skip("-spectre is for amd64")
			}
			out := p.build(tt.o)
			if got := output(t, out); got != "ownown depdep liblib" {
				t.Errorf("it prints %q", got)
			}
			found := producers(t, out)
			for pkg, want := range tt.want {
				if got := strings.Contains(found[pkg], flags); got != want || found[pkg] == "" {
					t.Errorf("%s was compiled with %s: %v, want %v (producer %q)", pkg, flags, got, want, found[pkg])
				}
			}
		})
	}
}

// What plain `go build` has compiled of dependencies is used by Debug.
func TestDebugSharesDependencies(t *testing.T) {
	t.Parallel()
	need(t, "go")
	dir := unpack(t, layered)
	write(t, filepath.Join(dir, "dep", "unique.go"), "package dep\n\nconst Unique = `"+dir+"`\n") // not in the cache yet
	app := filepath.Join(dir, "app")
	plain := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", os.DevNull, ".")
	plain.Dir, plain.Env = app, environ("PWD="+app)
	if text, err := plain.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	p := newProject(t, app, environ())
	o := Options{Env: environ(), BuildFlags: []string{"-x"}}
	binary, err := Build(t.Context(), p.target, o, Output(p.cache, p.target, o), nil)
	if err != nil {
		t.Fatal(err)
	}
	var compiled []string
	for line := range strings.Lines(binary.Text) {
		if _, after, ok := strings.Cut(line, " -p "); ok && strings.Contains(line, "compile") {
			compiled = append(compiled, strings.Fields(after)[0])
		}
	}
	if strings.Contains(strings.Join(compiled, " "), "dep") || len(compiled) == 0 || len(compiled) > 3 {
		t.Errorf("compiled %q, want at most the program's own packages", compiled)
	}
}

func TestReleaseKeepsTheUsersFlags(t *testing.T) {
	t.Parallel()
	p := newProject(t, unpack(t, hello), environ())
	o := Options{
		Configuration: Release,
		BuildFlags:    []string{"-ldflags=-X main.b=flag"},
		Env:           environ("GOFLAGS='-ldflags=-X main.a=env -X main.b=env'"),
	}
	out := p.build(o)
	if got := output(t, out); got != "hello env flag" {
		t.Errorf("it prints %q", got)
	}
	if filepath.Base(filepath.Dir(out)) != "Release" {
		t.Errorf("it lies at %s", out)
	}
	if runtime.GOOS == "linux" {
		file, err := elf.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if file.Section(".symtab") != nil || file.Section(".debug_info") != nil || file.Section(".zdebug_info") != nil {
			t.Error("it is not stripped")
		}
	}
	if text, _ := os.ReadFile(out); bytes.Contains(text, []byte(p.target.Dir)) {
		t.Error("it names the source folder")
	}
	debug := Options{BuildFlags: o.BuildFlags, Env: o.Env}
	if got := output(t, p.build(debug)); got != "hello env flag" {
		t.Errorf("in Debug it prints %q", got)
	}
}

// GOFLAGS that were written by `go env -w` count too.
func TestGoflagsFromFile(t *testing.T) {
	t.Parallel()
	dir := unpack(t, hello)
	write(t, filepath.Join(dir, "conf"), "GOFLAGS='-ldflags=-X main.a=file'\n")
	env := environ("GOENV=" + filepath.Join(dir, "conf"))
	p := newProject(t, dir, env)
	if got := output(t, p.build(Options{Configuration: Release, Env: env})); got != "hello file no b" {
		t.Errorf("it prints %q", got)
	}
}

func TestVersionControlStamp(t *testing.T) {
	t.Parallel()
	need(t, "git")
	dir := unpack(t, hello)
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"}} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = dir
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, text)
		}
	}
	p := newProject(t, dir, environ())
	for configuration, want := range map[Configuration]bool{Debug: false, Release: true} {
		info, err := buildinfo.ReadFile(p.build(Options{Configuration: configuration, Env: environ()}))
		if err != nil {
			t.Fatal(err)
		}
		stamped := false
		for _, s := range info.Settings {
			stamped = stamped || s.Key == "vcs.revision"
		}
		if stamped != want {
			t.Errorf("%s: stamped %v, want %v", configuration, stamped, want)
		}
	}
}
