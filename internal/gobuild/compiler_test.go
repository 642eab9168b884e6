package gobuild

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/event"
)

// broken holds programs that do not build, each in its own way.
const broken = `
-- go.mod --
module example.com/m

go 1.26
-- main.go --
package main

import "example.com/m/store"
func main() { store.X("é", 1); y := 2 }
func main() {}
-- store/store.go --
package store

func X() { é := "ü"; return 1 }
-- missing/main.go --
package main

import "example.org/missing"
import "nostd/x"

func main() { missing.X() }
-- cyc/main.go --
package main

import "example.com/m/cyc/a"

func main() { a.X() }
-- cyc/a/a.go --
package a

import "example.com/m/cyc/b"
-- cyc/b/b.go --
package b

import "example.com/m/cyc/a"
-- nomain/x.go --
package main
-- link/x.go --
package main

func f()

func main() { f() }
-- link/x.s --
-- cgo/main.go --
package main

// #include "nope.h"
// int f(void);
import "C"

func main() { C.f() }
-- cgo2/main.go --
package main

// int f(void);
import "C"

func main() { C.f(); C.g() }
-- cgo2/f.c --
int f(void) {
	return x;
}
-- cgo3/main.go --
package main

// int f(void);
import "C"

func main() { C.f() }
-- cgo3/f.c --
#include "f.h"
int f(void) {
	return 1 +;
}
-- cgo3/f.h --
int g(void) { int unused }
-- cgo4/main.go --
package main

// int f(void);
import "C"

func main() { C.f() }
-- embed/main.go --
package main

import _ "embed"

//go:embed nothing.txt
var s string

func main() {}
-- syntax/main.go --
package main

func main() {
	x := 
}}
-- asm/main.go --
package main
func main() { f() }
func f()
-- asm/f_amd64.s --
TEXT ·f(SB), 0, $0
	FOO
-- badmod/go.mod --
module example.com/bad

nonsense here
-- badmod/main.go --
package main

func main() {}
-- future/go.mod --
module example.com/future

go 1.999
-- future/main.go --
package main

func main() {}
-- work/go.work --
go 1.26
use ./known
-- work/known/go.mod --
module example.com/known
-- work/m/go.mod --
module example.com/forgotten
-- work/m/main.go --
package main

func main() {}
-- twice/main.go --
package main

func main() {}
-- twice/more.go --
package main

func main() {}
`

func TestCompileErrors(t *testing.T) {
	t.Parallel()
	dir := unpack(t, broken)
	tests := []struct {
		pkg      string
		tool     string
		text     string // what the toolchain printed, for a user in the module's folder; "" is not compared
		problems []string
	}{
		{pkg: ".", text: `# example.com/m/store
store/store.go:3:12: declared and not used: é
store/store.go:3:31: too many return values
	have (number)
	want ()
`, problems: []string{
			`store/store.go:3:12: declared and not used: é`,
			`store/store.go:3:29: too many return values; have (number); want ()`, // in characters
		}},
		{pkg: "missing", problems: []string{
			`missing/main.go:3:8: no required module provides package example.org/missing => go get example.org/missing`,
			`missing/main.go:4:8: package nostd/x is not in std (GOROOT/src/nostd/x)`,
		}},
		{pkg: "twice", text: `# example.com/m/twice
twice/more.go:3:6: main redeclared in this block
	twice/main.go:3:6: other declaration of main
`, problems: []string{`twice/more.go:3:6: main redeclared in this block; twice/main.go:3:6: other declaration of main`}},
		{pkg: "cyc", problems: []string{`package example.com/m/cyc; imports example.com/m/cyc/a from main.go; imports example.com/m/cyc/b from a.go; imports example.com/m/cyc/a from b.go: import cycle not allowed`}},
		{pkg: "nomain", problems: []string{`runtime.main_main·f: function main is undeclared in the main package`}},
		{pkg: "link", problems: []string{`main.main: relocation target main.f not defined`}},
		{pkg: "embed", problems: []string{`embed/main.go:5:12: pattern nothing.txt: no matching files found`}},
		{pkg: "syntax", problems: []string{`syntax/main.go:5:1: syntax error: unexpected }, expected expression`}},
		{pkg: "cgo", tool: "gcc", problems: []string{`cgo/main.go:3:11: nope.h: No such file or directory`}},
		{pkg: "cgo2", tool: "gcc", problems: []string{`cgo2/main.go:6:22: could not determine what C.g refers to`}},
		{pkg: "cgo3", tool: "gcc", problems: []string{`cgo3/f.h:1:26: expected`, `cgo3/f.c:3:`}},
		{pkg: "cgo4", tool: "gcc", problems: []string{"undefined reference to"}},
		{pkg: "badmod", problems: []string{`badmod/go.mod:3:1: unknown directive: nonsense`}},
		{pkg: "future", problems: []string{`go.mod requires go >= 1.999`}},
		{pkg: "work/m", problems: []string{`current directory is contained in a module that is not one of the workspace modules listed in go.work => go work use .`}},
	}
	for _, tt := range tests {
		t.Run(tt.pkg, func(t *testing.T) {
			t.Parallel()
			if tt.tool != "" {
				need(t, tt.tool)
			}
			env := environ("CGO_ENABLED=1", "LC_ALL=C")
			p := newProject(t, dir, env, tt.pkg)
			failed := p.fail(Options{Env: env, From: dir})
			if tt.text != "" {
				if diff := cmp.Diff(tt.text, filepath.ToSlash(failed.Text)); diff != "" {
					t.Errorf("text (-want +got):\n%s", diff)
				}
			}
			got := shown(dir, failed.Problems)
			for i, want := range tt.problems {
				if i >= len(got) || !strings.HasPrefix(got[i], want) {
					t.Fatalf("problems %q, want %q\n%s", got, tt.problems, failed.Text)
				}
			}
			if len(got) != len(tt.problems) {
				t.Errorf("problems %q, want %q\n%s", got, tt.problems, failed.Text)
			}
		})
	}
}

// shown gives diagnostics in one line each, with paths below dir.
func shown(dir string, list diagnostic.List) []string {
	var lines []string
	for _, d := range list {
		line := strings.ReplaceAll(d.String(), dir+string(filepath.Separator), "")
		if i := strings.Index(line, " ("); i > 0 && strings.HasSuffix(line, "src/nostd/x)") {
			line = line[:i] + " (GOROOT/src/nostd/x)"
		}
		if d.Suggestion != "" {
			line += " => " + d.Suggestion
		}
		lines = append(lines, filepath.ToSlash(line))
	}
	return lines
}

// Paths can be clicked from where the user stands, in every configuration.
func TestPathsFromWhereTheUserStands(t *testing.T) {
	t.Parallel()
	dir := unpack(t, broken)
	for from, want := range map[string]string{
		dir:                                "store/store.go:3:12:",
		filepath.Join(dir, "store"):        "./store.go:3:12:",
		filepath.Join(dir, "cyc", "a"):     "../../store/store.go:3:12:",
		filepath.Dir(dir):                  filepath.Base(dir) + "/store/store.go:3:12:",
		filepath.Join(dir, "store", "two"): "../store.go:3:12:",
	} {
		for _, configuration := range []Configuration{Debug, Release} {
			p := newProject(t, dir, environ(), ".")
			failed := p.fail(Options{Configuration: configuration, Env: environ(), From: from})
			lines := strings.Split(filepath.ToSlash(failed.Text), "\n")
			if lines[0] != "# example.com/m/store" || !strings.HasPrefix(lines[1], want) {
				t.Errorf("%s from %s: %q, want %q", configuration, from, lines[1], want)
			}
			first := failed.Problems[0]
			if first.Place.File != filepath.Join(dir, "store", "store.go") || !strings.Contains(first.Source, "func X() { é") {
				t.Errorf("%s from %s: %+v", configuration, from, first)
			}
			if text := first.Source[first.Place.Start.Offset-len("package store\n\n"):]; !strings.HasPrefix(text, "é") {
				t.Errorf("the offset is at %q", text)
			}
		}
	}
}

func TestFailedBuildIsTold(t *testing.T) {
	t.Parallel()
	p := newProject(t, unpack(t, broken), environ(), "syntax")
	var last event.Event
	o := Options{Env: environ()}
	_, err := Build(t.Context(), p.target, o, Output(p.cache, p.target, o), func(e event.Event) { last = e })
	failed, ok := errors.AsType[*BuildError](err)
	if !ok || err.Error() != "syntax does not build" {
		t.Fatalf("the error is %T %v", err, err)
	}
	if last.Kind != event.BuildFailed || last.Program != "syntax" || last.Text != failed.Text || len(last.Diagnostics) != 1 || last.Path != "" {
		t.Errorf("event %+v", last)
	}
	if got := tree(t, p.cache); got != "build build/K build/K/Debug build/K/Debug.lock build/K/target.json" {
		t.Errorf("the cache holds %s", got)
	}
}

func TestSplitPlace(t *testing.T) {
	t.Parallel()
	tests := map[string]place{
		"main.go:3:12: bad\n":                     {"", "main.go", ":3:12: bad\n", 3, 12, " bad\n"},
		"\tb.go:3: other":                         {"\t", "b.go", ":3: other", 3, 0, " other"},
		"go: ../go.work:5: no":                    {"go: ", "../go.work", ":5: no", 5, 0, " no"},
		`C:\my dir\x.go:1:2: bad`:                 {"", `C:\my dir\x.go`, ":1:2: bad", 1, 2, " bad"},
		"In file included from ./f.c:1:":          {"In file included from ", "./f.c", ":1:", 1, 0, ""},
		"main.go:7:99999999999999999999: strange": {"", "main.go", ":7:99999999999999999999: strange", 7, 0, "99999999999999999999: strange"},
	}
	for line, want := range tests {
		got, ok := splitPlace(line)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(place{})); diff != "" || !ok {
			t.Errorf("%q: %v (-want +got):\n%s", line, ok, diff)
		}
	}
	for _, line := range []string{"", ":3:4: x", "# example.com/m", "time 12:30", "go: downloading a v1.2.3", "main.go:3"} {
		if got, ok := splitPlace(line); ok {
			t.Errorf("%q is taken for a place: %+v", line, got)
		}
	}
}

// Whatever the toolchain prints: nothing panics, nothing is lost, and places lie inside their files.
func FuzzReader(f *testing.F) {
	f.Add("# example.com/m/store\nstore/s.go:3:12: declared\n\thave (x)\n")
	f.Add("go: errors parsing go.mod:\ngo.mod:1: unknown\n")
	f.Add("# example.com/m/store\ns.c:2:9: error: x\nIn file included from s.go:1:\n\tx; to add it:\n")
	dir := unpack(f, "-- go.mod --\nmodule example.com/m\n-- store/s.go --\npackage é\r\nü\n-- store/s.c --\nint é;\n")
	target := Target{Dir: dir, ModuleDir: dir, ModulePath: "example.com/m"}
	f.Fuzz(func(t *testing.T, printed string) {
		for _, from := range []string{dir, filepath.Join(dir, "store"), filepath.Dir(dir)} {
			r := newReader(target, Options{From: from})
			text := r.text(printed)
			if strings.Count(text, "\n") != strings.Count(printed, "\n") {
				t.Fatalf("lines were lost: %q, %q", printed, text)
			}
			list := r.problems(text, errors.New("exit status 1"))
			if len(list.Errors()) == 0 {
				t.Fatalf("no problem in %q", text)
			}
			for _, d := range list {
				p := d.Place.Start
				if d.Message == "" || p.Offset < 0 || p.Offset > len(r.files[d.Place.File]) {
					t.Fatalf("%#v", d)
				}
			}
		}
	})
}
