package gobuild

import (
	"os"
	"path/filepath"
	"runtime"
)

const embedSite = `
-- m/go.mod --
module example.com/m

go 1.26
-- m/main.go --
package main

import (
	"embed"
	"example.com/m/all"
)

//go:embed static *.txt templates/*/*.html one/two/three.dat
var files embed.FS

func main() {
	text, _ := files.ReadFile("static/a.css")
	println(string(text), all.Name())
}
-- m/a.txt --
v0000
-- m/static/a.css --
v0000
-- m/static/sub/b.css --
v0000
-- m/static/module/go.mod --
module example.com/static
-- m/static/module/c.css --
v0000
-- m/static/.hidden/x --
v0000
-- m/templates/one/a.html --
v0000
-- m/templates/two/b.html --
v0000
-- m/templates/none/c.json --
v0000
-- m/one/two/three.dat --
v0000
-- m/all/all.go --
package all

import "embed"

//go:embed all:dir
var files embed.FS

func Name() string {
	text, _ := files.ReadFile("dir/.hidden")
	return string(text)
}
-- m/all/dir/.hidden --
v0000
-- outside/x.css --
v0000
`

const replaceSite = `
-- m/go.mod --
module example.com/m

go 1.26

require example.com/dep v1.0.0

require example.com/m/sub v1.0.0

replace example.com/dep => ../dep

replace example.com/m/sub => ../sub
-- m/main.go --
package main

import (
	"example.com/dep"
	"example.com/m/sub/pkg"
)

func main() { println("v0000", dep.Name(), pkg.Name()) }
-- dep/go.mod --
module example.com/dep

go 1.26
-- dep/dep.go --
package dep

func Name() string { return "v0000" }
-- dep2/go.mod --
module example.com/dep

go 1.26
-- dep2/dep.go --
package dep

func Name() string { return "v2222" }
-- sub/go.mod --
module example.com/m/sub

go 1.26
-- sub/pkg/pkg.go --
package pkg

func Name() string { return "v0000" }
`

const vendorSite = `
-- m/go.mod --
module example.com/m

go 1.26

require example.com/dep v1.0.0

require example.com/m/sub v1.0.0
-- m/vendor/modules.txt --
# example.com/dep v1.0.0
## explicit; go 1.26
example.com/dep
example.com/dep/deeper
# example.com/m/sub v1.0.0
## explicit; go 1.26
example.com/m/sub
-- m/vendor/example.com/dep/dep.go --
package dep

import "example.com/dep/deeper"

func Name() string { return "v0000" + deeper.Name() }
-- m/vendor/example.com/dep/deeper/deeper.go --
package deeper

func Name() string { return "v0000" }
-- m/vendor/example.com/m/sub/sub.go --
package sub

func Name() string { return "v0000" }
-- m/main.go --
package main

import (
	"example.com/dep"
	"example.com/m/sub"
)

func main() { println("v0000", dep.Name(), sub.Name()) }
`

const workSite = `
-- go.work --
go 1.26

use (
	./m
	./lib
)
-- m/go.mod --
module example.com/m

go 1.26
-- m/main.go --
package main

import "example.com/lib"

func main() { println("v0000", lib.Name()) }
-- lib/go.mod --
module example.com/lib

go 1.26
-- lib/lib.go --
package lib

func Name() string { return "v0000" }
-- lib2/go.mod --
module example.com/lib

go 1.26
-- lib2/lib.go --
package lib

func Name() string { return "v2222" }
`

const cgoSite = `
-- m/go.mod --
module example.com/m

go 1.26
-- m/main.go --
package main

// #include "answer.h"
import "C"

func main() { println("v0000", C.answer()) }
-- m/answer.h --
int answer(void);
#define ANSWER 0x1000
-- m/answer.c --
#include "answer.h"
int more(void) { return 0x1000; }
int answer(void) { return ANSWER + more(); }
`

const assemblySite = `
-- m/go.mod --
module example.com/m

go 1.26
-- m/main.go --
package main

func answer() int64

func main() { println("v0000", answer()) }
-- m/answer_amd64.s --
#include "answer.h"

TEXT ·answer(SB), 4, $0-8
	MOVQ $ANSWER, ret+0(FP)
	RET
-- m/answer_arm64.s --
#include "answer.h"

TEXT ·answer(SB), 4, $0-8
	MOVD $ANSWER, R0
	MOVD R0, ret+0(FP)
	RET
-- m/answer.h --
#define ANSWER 0x1000
`

const gitSite = `
-- m/.gitignore --
ignored.txt
-- m/go.mod --
module example.com/m

go 1.26
-- m/main.go --
package main

func main() { println("v0000") }
-- m/cmd/app/app.go --
package main

func main() { println("v0000") }
-- m/README.md --
v0000
`

func prepareGit(s *site) {
	s.configuration = Release
	// With GOPROXY=off the go command takes the version of a commit from what it noted in its module cache before.
	s.vars["GOPROXY"], s.vars["GOMODCACHE"] = "direct", filepath.Join(s.t.TempDir(), "modules")
	s.git("init", "-q")
	s.git("add", ".")
	s.git("commit", "-qm", "first")
}

var staleKinds = []staleGroup{
	{name: "embedding", archive: embedSite, cases: []staleCase{
		{"edited", func(s *site) { s.replace("m/static/a.css", "v0000", "v1") }, "a.css changed", false, nil},
		{"same size and time", func(s *site) {
			s.keepTime("m/static/a.css", func() { s.replace("m/static/a.css", "v0000", "v0001") })
		}, "a.css changed", false, nil},
		{"literal edited", func(s *site) { s.replace("m/one/two/three.dat", "v0000", "v1") }, "three.dat changed", false, nil},
		{"hidden edited", func(s *site) { s.replace("m/all/dir/.hidden", "v0000", "v1") }, ".hidden changed", false, nil},
		{"new match", func(s *site) { s.write("m/b.txt", "x") }, "b.txt is new", false, nil},
		{"new match of several stars", func(s *site) { s.write("m/templates/none/c.html", "x") }, "c.html is new", false, nil},
		{"new match in a new folder", func(s *site) { s.write("m/templates/three/c.html", "x") }, "c.html is new", false, nil},
		{"new below a folder", func(s *site) { s.write("m/static/sub/new/c.css", "x") }, "c.css is new", false, nil},
		{"new below a folder, touched back", func(s *site) {
			s.keepTime("m/static/sub", func() { s.write("m/static/sub/c.css", "x") })
		}, "c.css is new", false, nil},
		{"gone", func(s *site) { s.remove("m/static/sub") }, "b.css is gone", false, nil},
		{"the only one gone", func(s *site) { s.remove("m/a.txt") }, "m is gone", false, nil},
		{"literal gone", func(s *site) { s.remove("m/one/two/three.dat") }, "m is gone", false, nil},
		{"renamed", func(s *site) { s.rename("m/static/a.css", "m/static/b.css") }, "b.css is new", false, nil},
		{"hidden", func(s *site) { s.write("m/static/.c.css", "x"); s.write("m/static/_d/c.css", "x") }, "", false, nil},
		{"hidden and in an all: pattern", func(s *site) { s.write("m/all/dir/_more/.c", "x") }, "_more/.c is new", false, nil},
		{"no match", func(s *site) { s.write("m/b.text", "x"); s.write("m/templates/c.html", "x") }, "", false, nil},
		{"empty folder", func(s *site) { s.check(os.MkdirAll(s.path("m/static/empty/more"), 0o755)) }, "", false, nil},
		{"folder becomes a module", func(s *site) { s.write("m/static/sub/go.mod", "module x\n") }, "b.css is gone", false, nil},
		{"a folder called go.mod", func(s *site) { s.check(os.Mkdir(s.path("m/static/sub/go.mod"), 0o755)) }, "b.css is gone", false, nil},
		{"folder is no module any more", func(s *site) { s.remove("m/static/module/go.mod") }, "c.css is new", false, nil},
		{"matched folder becomes a module", func(s *site) { s.write("m/static/go.mod", "module x\n") }, "m is gone", false, nil},
		{"folder on the way becomes a module", func(s *site) { s.write("m/one/go.mod", "module x\n") }, "m is gone", false, nil},
		{"link in the folder", func(s *site) { s.link("../../outside/x.css", "m/static/x.css") }, "", false, nil},
		{"link that matches", func(s *site) { s.link("../outside/x.css", "m/x.txt") }, "m is gone", false, nil},
		{"link in the place of a file", func(s *site) { s.link("../../outside/x.css", "m/static/a.css") }, "a.css is gone", false, nil},
		{"link in the place of a literal", func(s *site) { s.link("../../../outside/x.css", "m/one/two/three.dat") }, "m is gone", false, nil},
		{"link in the place of a folder", func(s *site) {
			s.rename("m/one", "outside/one")
			s.link("../outside/one", "m/one")
		}, "m is gone", false, nil},
		{"generated again", func(s *site) {
			s.write("m/a.txt", s.text("m/a.txt"))
			s.write("m/static/a.css", s.text("m/static/a.css"))
		}, "", false, nil},
		{"bad name", func(s *site) { s.write(`m/static/a'b`, "x") }, "a'b is new", false, nil},
	}},
	{name: "replaced", archive: replaceSite, cases: []staleCase{
		{"edited", func(s *site) { s.replace("dep/dep.go", "v0000", "v1") }, "dep.go changed", false, nil},
		{"new", func(s *site) { s.write("dep/new.go", "package dep\n\nfunc init() { println(1) }\n") }, "new.go is new", false, nil},
		{"leads elsewhere", func(s *site) { s.replace("m/go.mod", "../dep\n", "../dep2\n") }, "m/go.mod changed", false, nil},
		{"its go.mod edited", func(s *site) { s.replace("dep/go.mod", "1.26", "1.20") }, "dep/go.mod changed", true, nil},
		{"its go.mod gone", func(s *site) { s.remove("dep/go.mod") }, "dep/go.mod is gone", false, nil},
		{"its folder is another one", func(s *site) { s.rename("dep", "x"); s.rename("dep2", "dep") }, "dep.go changed", false, nil},
		{"its folder is gone", func(s *site) { s.remove("dep") }, "dep is gone", false, nil},
		{"a package that the program's own module has too", func(s *site) {
			s.write("m/sub/pkg/pkg.go", "package pkg\n")
		}, "pkg", false, nil},
	}},
	{name: "vendored", archive: vendorSite, cases: []staleCase{
		{"edited", func(s *site) { s.replace("m/vendor/example.com/dep/dep.go", "v0000", "v1") }, "dep.go changed", false, nil},
		{"modules.txt edited", func(s *site) { s.replace("m/vendor/modules.txt", "dep v1.0.0", "dep v1.0.1") }, "modules.txt changed", false, nil},
		{"modules.txt with a comment", func(s *site) { s.replace("m/vendor/modules.txt", "\n# ", "\n\n# ") }, "modules.txt changed", true, nil},
		{"modules.txt gone", func(s *site) { s.remove("m/vendor/modules.txt") }, "modules.txt is gone", false, nil},
		{"vendor gone", func(s *site) { s.remove("m/vendor") }, "vendor is gone", false, nil},
		{"vendor away and back", func(s *site) { s.rename("m/vendor", "m/x"); s.rename("m/x", "m/vendor") }, "", false, nil},
		{"a package that the program's own module has too", func(s *site) {
			s.write("m/sub/sub.go", "package sub\n")
		}, "sub", false, nil},
	}},
	{name: "workspace", archive: workSite, cases: []staleCase{
		{"edited", func(s *site) { s.replace("lib/lib.go", "v0000", "v1") }, "lib.go changed", false, nil},
		{"go.work edited", func(s *site) { s.replace("go.work", "./lib\n", "./lib2\n") }, "go.work changed", false, nil},
		{"go.work gone", func(s *site) { s.remove("go.work") }, "go.work is gone", false, nil},
		{"nearer go.work", func(s *site) { s.write("m/go.work", "go 1.26\n\nuse (\n\t.\n\t../lib2\n)\n") }, "go.work is new", false, nil},
		{"without it", func(s *site) { s.vars["GOWORK"] = "off" }, "GOWORK differs", false, nil},
		{"another one", func(s *site) {
			s.write("x/go.work", "go 1.26\n\nuse (\n\t../m\n\t../lib2\n)\n")
			s.vars["GOWORK"] = s.path("x/go.work")
		}, "GOWORK differs", false, nil},
		{"go.mod of the other edited", func(s *site) { s.replace("lib/go.mod", "1.26", "1.20") }, "lib/go.mod changed", true, nil},
		{"vendor beside go.work", func(s *site) { s.write("vendor/modules.txt", "") }, "vendor is new", true, nil},
	}},
	{name: "cgo", tool: "gcc", archive: cgoSite, cases: []staleCase{
		{"C file", func(s *site) { s.replace("m/answer.c", "0x1000", "0x1001") }, "answer.c changed", false, nil},
		{"header", func(s *site) { s.replace("m/answer.h", "0x1000", "0x1001") }, "answer.h changed", false, nil},
		{"C file, same size and time", func(s *site) {
			s.keepTime("m/answer.c", func() { s.replace("m/answer.c", "0x1000", "0x1001") })
		}, "answer.c changed", false, nil},
		{"new C file", func(s *site) { s.write("m/new.c", "int unused(void) { return 1; }\n") }, "new.c is new", false, nil},
		{"C++ file", func(s *site) { s.write("m/new.cc", "int unused(void) { return 1; }\n") }, "new.cc is new", false, nil},
		{"C file gone", func(s *site) { s.remove("m/answer.c") }, "answer.c is gone", false, nil},
		{"flags", func(s *site) { s.vars["CGO_CFLAGS"] = "-O0" }, "CGO_CFLAGS differs", false, nil},
		{"off", func(s *site) { s.vars["CGO_ENABLED"] = "0" }, "CGO_ENABLED differs", false, nil},
		{"compiler", func(s *site) { s.vars["CC"] = "gcc -DX" }, "CC differs", false, nil},
	}},
	{name: "assembly", archive: assemblySite, cases: []staleCase{
		{"header", func(s *site) { s.replace("m/answer.h", "0x1000", "0x1001") }, "answer.h changed", false, nil},
		{"file", func(s *site) {
			s.replace("m/answer_"+runtime.GOARCH+".s", "$ANSWER", "$0x1001")
		}, ".s changed", false, nil},
		{"for another system", func(s *site) { s.write("m/answer_mips.s", "// nothing\n") }, "answer_mips.s is new", true, nil},
	}},
	{name: "version control", tool: "git", archive: gitSite, prepare: prepareGit, cases: []staleCase{
		{"no program file edited", func(s *site) { s.write("m/README.md", "x") }, vcsSetting, false, nil},
		{"untracked file", func(s *site) { s.write("m/x.txt", "x") }, vcsSetting, false, nil},
		{"ignored file", func(s *site) { s.write("m/ignored.txt", "x") }, "", false, nil},
		{"staged", func(s *site) { s.write("m/README.md", "x"); s.git("add", "."); s.git("checkout", "-q", "HEAD", ".") }, "", false, nil},
		{name: "tag", edit: func(s *site) { s.git("tag", "v1.2.3") }, want: vcsSetting,
			undo: func(s *site) { s.git("tag", "-d", "v1.2.3") }},
		{"without it", func(s *site) { s.vars["GOFLAGS"] = "-buildvcs=false" }, "GOFLAGS differs", false, nil},
		{name: "commit", edit: func(s *site) { s.git("commit", "-q", "--allow-empty", "-m", "x") }, want: vcsSetting,
			undo: func(s *site) { s.git("reset", "-q", "--soft", "HEAD^") }},
	}},
}
