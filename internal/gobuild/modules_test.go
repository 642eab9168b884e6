package gobuild

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestKindsOfModules(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		files   string
		dir     string // where the user stands
		args    []string
		env     []string
		options Options
		want    string
		tool    string
	}{
		{name: "in a subfolder of the repository", dir: "backend", files: `
-- go.work.sum --
-- README.md --
-- backend/go.mod --
module example.com/back
-- backend/cmd/x/main.go --
package main

func main() { println("back") }
`, want: "back"},
		{name: "vendor", env: []string{"GOFLAGS=-mod=vendor"}, files: `
-- go.mod --
module example.com/m

go 1.26

require example.com/dep v1.0.0
-- vendor/modules.txt --
# example.com/dep v1.0.0
## explicit; go 1.26
example.com/dep
-- vendor/example.com/dep/dep.go --
package dep

const Name = "vendored"
-- main.go --
package main

import "example.com/dep"

func main() { println(dep.Name) }
`, want: "vendored"},
		{name: "workspace off", env: []string{"GOWORK=off"}, dir: "m", files: `
-- go.work --
go 1.26
-- m/go.mod --
module example.com/m
-- m/main.go --
package main

func main() { println("alone") }
`, want: "alone"},
		{name: "tags", options: Options{BuildFlags: []string{"-tags", "two"}}, env: []string{"GOFLAGS=-tags=one"}, files: `
-- go.mod --
module example.com/m
-- main.go --
package main

func main() { println(one, two) }
-- one.go --
//go:build one

package main

const one = 1
-- two.go --
//go:build two

package main

const two = 2
`, want: "1 2"},
		{name: "cgo", tool: "gcc", env: []string{"CGO_ENABLED=1"}, files: `
-- go.mod --
module example.com/m
-- main.go --
package main

// int answer(void);
import "C"

func main() { println(C.answer()) }
-- answer.c --
int answer(void) { return 42; }
`, want: "42"},
		{name: "embed", files: `
-- go.mod --
module example.com/m
-- main.go --
package main

import _ "embed"

//go:embed text.txt
var text string

func main() { print(text) }
-- text.txt --
embedded
`, want: "embedded"},
		{name: "files outside a module", args: []string{"main.go", "more.go"}, files: `
-- main.go --
package main

func main() { println(more) }
-- more.go --
package main

const more = "more"
`, want: "more"},
		{name: "an ignored file", args: []string{"tools/gen.go"}, files: `
-- go.mod --
module example.com/m
-- tools/gen.go --
//go:build ignore

package main

func main() { println("gen") }
-- tools/tools.go --
package tools
`, want: "gen"},
		{name: "version in the module path", files: `
-- go.mod --
module example.com/m/v3
-- main.go --
package main

import "os"
import "path/filepath"

func main() { println(filepath.Base(os.Args[0])) }
`, want: "m"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.tool != "" {
				need(t, tt.tool)
			}
			dir := unpack(t, tt.files)
			env := environ(tt.env...)
			p := newProject(t, filepath.Join(dir, tt.dir), env, tt.args...)
			tt.options.Env = env
			got := strings.TrimSuffix(output(t, p.build(tt.options)), ".exe")
			if got != tt.want {
				t.Errorf("it prints %q, want %q", got, tt.want)
			}
		})
	}
}

func TestOddFolders(t *testing.T) {
	t.Parallel()
	parent := unpack(t, "-- with space/café ü 日本/[x]{y}'z/go.mod --\nmodule example.com/odd\n\ngo 1.26\n"+
		"-- with space/café ü 日本/[x]{y}'z/cmd/odd/main.go --\npackage main\n\nfunc main() { println(\"odd\") }\n")
	real := filepath.Join(parent, "with space", "café ü 日本", "[x]{y}'z")
	link := filepath.Join(parent, "link")
	if err := os.Symlink(real, link); err != nil {
		t.Skip(err)
	}
	for _, dir := range []string{real, link} {
		p := newProject(t, dir, environ())
		p.cache = filepath.Join(dir+" cache ü", "c[1]")
		out := p.build(Options{Env: environ()})
		if got := output(t, out); got != "odd" {
			t.Errorf("%s prints %q", out, got)
		}
		if runtime.GOOS == "linux" { // the debugger must find the sources where the user sees them
			if text, _ := os.ReadFile(out); !bytes.Contains(text, []byte(filepath.Join(dir, "cmd", "odd"))) {
				t.Errorf("%s does not name %s", out, dir)
			}
		}
	}
}

func TestReadOnlySource(t *testing.T) {
	t.Parallel()
	dir := unpack(t, hello)
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o700) })
	p := newProject(t, dir, environ())
	if got := output(t, p.build(Options{Env: environ()})); got != "hello no a no b" {
		t.Errorf("it prints %q", got)
	}
}
