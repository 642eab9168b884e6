package gobuild

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gorun-dev/gorun/internal/diagnostic"
)

const shop = `
-- go.mod --
module example.com/shop

go 1.26
ignore ./generated
ignore scratch
-- shop.go --
package shop
-- cmd/api/main.go --
package main
-- cmd/worker/main.go --
// Command worker works.
package main
-- cmd/worker/inner/inner.go --
package inner
-- store/store.go --
package store
-- store/gen.go --
//go:build ignore

package main
-- store/migrate/main.go --
package main
-- store/migrate/v2/main.go --
package main
-- testdata/x/main.go --
package main
-- vendor/x/main.go --
package main
-- node_modules/x/main.go --
package main
-- .hidden/main.go --
package main
-- _old/main.go --
package main
-- generated/main.go --
package main
-- deep/scratch/main.go --
package main
-- tools/go.mod --
module example.com/shop/tools
-- tools/main.go --
package main
-- tests/only_test.go --
package main
-- tests/readme.txt --
-- mixed/a.go --
package main
-- mixed/b.go --
package other
-- docs/doc.go --
package documentation
-- docs/main.go --
package main
-- system/main_plan9.go --
package main
-- system/tagged.go --
//go:build special

package main
-- loose/a.go --
package main
-- loose/b.go --
package main
-- loose/a_test.go --
package main
`

func TestFind(t *testing.T) {
	t.Parallel()
	dir := unpack(t, shop)
	rel := func(path string) string { return filepath.Join(dir, filepath.FromSlash(path)) }
	tests := []struct {
		from  string
		args  []string
		env   []string
		dir   string
		name  string
		files []string
		mod   string
	}{
		{from: "cmd/api", dir: "cmd/api", name: "api", mod: "example.com/shop"},
		{from: ".", args: []string{"cmd/api"}, dir: "cmd/api", name: "api", mod: "example.com/shop"},
		{from: ".", args: []string{"./cmd/api/"}, dir: "cmd/api", name: "api", mod: "example.com/shop"},
		{from: "store", args: []string{"../cmd/worker"}, dir: "cmd/worker", name: "worker", mod: "example.com/shop"},
		{from: "store", args: []string{rel("cmd/worker")}, dir: "cmd/worker", name: "worker", mod: "example.com/shop"},
		{from: "cmd/worker/inner", args: []string{".."}, dir: "cmd/worker", name: "worker", mod: "example.com/shop"},
		{from: "store/migrate/v2", dir: "store/migrate/v2", name: "migrate", mod: "example.com/shop"},
		{from: "tools", dir: "tools", name: "tools", mod: "example.com/shop/tools"},
		{from: ".", args: []string{"tools"}, dir: "tools", name: "tools", mod: "example.com/shop/tools"},
		{from: "docs", dir: "docs", name: "docs", mod: "example.com/shop"},
		{from: "system", env: []string{"GOFLAGS=-tags=special"}, dir: "system", name: "system", mod: "example.com/shop"},
		{from: ".", args: []string{"system"}, env: []string{"GOOS=plan9"}, dir: "system", name: "system", mod: "example.com/shop"},
		{from: ".", args: []string{"loose/b.go", "loose/a.go"}, dir: "loose", name: "b", files: []string{"loose/b.go", "loose/a.go"}, mod: "example.com/shop"},
		{from: "store", args: []string{"gen.go"}, dir: "store", name: "gen", files: []string{"store/gen.go"}, mod: "example.com/shop"},
		{from: ".", args: []string{"system/main_plan9.go"}, dir: "system", name: "main_plan9", files: []string{"system/main_plan9.go"}, mod: "example.com/shop"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.from, tt.args), func(t *testing.T) {
			got, err := Find(rel(tt.from), tt.args, environ(tt.env...))
			if err != nil {
				t.Fatal(err)
			}
			want := Target{Dir: rel(tt.dir), Name: tt.name, ModulePath: tt.mod, ModuleDir: dir}
			if tt.mod != "example.com/shop" {
				want.ModuleDir = rel("tools")
			}
			for _, f := range tt.files {
				want.Files = append(want.Files, rel(f))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFindTheOnlyOne(t *testing.T) {
	t.Parallel()
	dir := unpack(t, `
-- go.mod --
module example.com/one
-- lib.go --
package one
-- a/b/c/main.go --
package main
-- d/d.go --
package d
`)
	for _, from := range []string{".", "a", "a/b", "d"} {
		got, err := Find(filepath.Join(dir, from), nil, environ())
		if err != nil || got.Dir != filepath.Join(dir, "a", "b", "c") {
			t.Errorf("from %s: %+v, %v", from, got, err)
		}
	}
}

func TestFindPrefersWhatIsBelow(t *testing.T) {
	t.Parallel()
	dir := unpack(t, shop)
	got, err := Find(filepath.Join(dir, "cmd", "worker", "inner"), nil, environ())
	several, ok := err.(*SeveralProgramsError)
	if !ok {
		t.Fatalf("%+v, %v", got, err)
	}
	want := []string{
		"../../../docs", "../../../loose", "../../../mixed", "../../../store/migrate", "../../../store/migrate/v2", "../../api", "..",
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), several.Programs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	_, err = Find(filepath.Join(dir, "cmd"), nil, environ())
	several, ok = err.(*SeveralProgramsError)
	if !ok {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"gorun ./api", "gorun ./worker"}, several.Details()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := "this module has 2 programs; choose one:"; err.Error() != want {
		t.Errorf("message %q, want %q", err, want)
	}
}

// Files that are being written do not hide the program.
func TestFindHalfWritten(t *testing.T) {
	t.Parallel()
	dir := unpack(t, `
-- go.mod --
module example.com/m
-- a.go --
-- b.go --
pakcage main
-- main.go --
package main
-- only/x.go --
pack
-- other/main.go --
package main
`)
	for _, from := range []string{dir, filepath.Join(dir, "only")} {
		got, err := Find(from, nil, environ())
		if err != nil || got.Dir != from {
			t.Errorf("from %s: %+v, %v", from, got, err)
		}
	}
}

func TestFindErrors(t *testing.T) {
	t.Parallel()
	dir := unpack(t, shop)
	outside := unpack(t, `
-- main.go --
package main
-- part/go.mod --
module example.com/part
-- lib/go.mod --
module example.com/lib
-- lib/lib.go --
package lib
-- my app/main.go --
package main
`)
	// describe gives everything that a user would see of an error.
	describe := func(err error) string {
		lines := []string{err.Error()}
		if e, ok := err.(interface{ Details() []string }); ok {
			lines = append(lines, e.Details()...)
		}
		if e, ok := err.(interface {
			Diagnostics() []diagnostic.Diagnostic
		}); ok {
			for _, d := range e.Diagnostics() {
				lines = append(lines, d.String())
			}
		}
		if e, ok := err.(interface{ Hint() string }); ok {
			lines = append(lines, "hint: "+e.Hint())
		}
		s := strings.Join(lines, "\n")
		return filepath.ToSlash(strings.NewReplacer(dir, "SHOP", outside, "OUT").Replace(s))
	}
	tests := []struct {
		name string
		from string
		args []string
		want string
	}{
		{"library", dir + "/store", []string{"."}, "package store is not a program\n" +
			"SHOP/store/store.go:1:9: package store is not a program, package main is\n" +
			"hint: name a folder or files of package main"},
		{"library file", dir, []string{"store/store.go"}, "package store is not a program\n" +
			"SHOP/store/store.go:1:9: package store is not a program, package main is\n" +
			"hint: name a folder or files of package main"},
		{"mixed", dir, []string{"mixed"}, "the files in ./mixed are of different packages\n" +
			"SHOP/mixed/a.go:1:9: package main here\n" +
			"SHOP/mixed/b.go:1:9: package other here\n" +
			"hint: move one of them to a folder of its own, or name the files of the program"},
		{"excluded", dir, []string{"./system"}, "build constraints leave out all Go files in ./system for linux/amd64\n" +
			"  main_plan9.go\n  tagged.go\n" +
			"hint: give their build tags: GOFLAGS=-tags=NAME, or \"buildFlags\" in the profile"},
		{"no Go files", dir, []string{"cmd"}, "there are no Go files in ./cmd\ngorun ./cmd/api\ngorun ./cmd/worker\nhint: gorun ./cmd/api"},
		{"only tests", dir, []string{"tests"}, "there are no Go files in ./tests\nhint: a program needs a .go file that begins with package main"},
		{"no such folder", dir, []string{"./cmd/apii"}, "there is no ./cmd/apii (SHOP/cmd/apii)"},
		{"no such file", dir, []string{"loose/a.go", "loose/c.go"}, "there is no loose/c.go (SHOP/loose/c.go)"},
		{"two folders", dir, []string{"cmd/api", "cmd/worker"}, "cmd/api is a folder: a program is named by one folder, or by .go files"},
		{"files apart", dir, []string{"loose/a.go", "docs/main.go"}, "./loose/a.go and ./docs/main.go are not in one folder: the files of a program must be"},
		{"test file", dir, []string{"loose/a_test.go"}, "./loose/a_test.go is a test file: run it with go test"},
		{"other file", dir, []string{"tests/readme.txt"}, "tests/readme.txt is neither a folder nor a .go file"},
		{"no module", outside, nil, "there is no go.mod in OUT or a folder above it\nhint: cd ./lib"},
		{"no module, a name to clean", outside + "/my app", []string{"."}, "there is no go.mod in OUT/my app or a folder above it\nhint: go mod init my-app"},
		{"only a library", outside + "/lib", nil, "package lib is not a program\nOUT/lib/lib.go:1:9: package lib is not a program, package main is\nhint: name a folder or files of package main"},
		{"nothing", outside + "/part", nil, "there is no program (package main) in the module OUT/part\nhint: a program needs a .go file that begins with package main"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Find(filepath.FromSlash(tt.from), tt.args, environ("GOOS=linux", "GOARCH=amd64"))
			if err == nil {
				t.Fatalf("found %+v", got)
			}
			if diff := cmp.Diff(tt.want, describe(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFindFileOutsideModule(t *testing.T) {
	t.Parallel()
	dir := unpack(t, "-- main.go --\npackage main\n")
	got, err := Find(dir, []string{"main.go"}, environ())
	want := Target{Dir: dir, Files: []string{filepath.Join(dir, "main.go")}, Name: "main"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestFindWorkspace(t *testing.T) {
	t.Parallel()
	dir := unpack(t, `
-- go.work --
go 1.26
use (
	./api
	./lib
)
-- api/go.mod --
module example.com/api
-- api/main.go --
package main
-- lib/go.mod --
module example.com/lib
-- lib/lib.go --
package lib
-- other/go.mod --
module example.com/other
-- other/main.go --
package main
`)
	api, lib := filepath.Join(dir, "api"), filepath.Join(dir, "lib")
	want := Target{
		Dir: api, Name: "api", ModuleDir: api, ModulePath: "example.com/api",
		WorkFile: filepath.Join(dir, "go.work"), Workspace: []Module{{api, "example.com/api"}, {lib, "example.com/lib"}},
	}
	for _, from := range []string{dir, api} {
		got, err := Find(from, nil, environ())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("from %s: %v (-want +got):\n%s", from, err, diff)
		}
	}
	want.WorkFile, want.Workspace = "", nil
	got, err := Find(api, nil, environ("GOWORK=off"))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("GOWORK=off: %v (-want +got):\n%s", err, diff)
	}
	got, err = Find(filepath.Join(dir, "other"), nil, environ("GOWORK="+filepath.Join(dir, "go.work")))
	if err != nil || got.WorkFile != filepath.Join(dir, "go.work") {
		t.Errorf("GOWORK=file: %v %+v", err, got)
	}
}

func TestFindThroughLink(t *testing.T) {
	t.Parallel()
	dir := unpack(t, "-- real/go.mod --\nmodule example.com/m\n-- real/cmd/x/main.go --\npackage main\n")
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "real"), link); err != nil {
		t.Skip(err)
	}
	got, err := Find(link, nil, environ())
	if err != nil || got.Dir != filepath.Join(link, "cmd", "x") || got.ModuleDir != link {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestReadSource(t *testing.T) {
	t.Parallel()
	long := "/*" + strings.Repeat("licence ", headLimit/8) + "*/\n"
	edge := "/*" + strings.Repeat("x", headLimit-len("/**/package ma")) + "*/package main\n"
	tests := []struct {
		name, text, pkg string
		included        bool
		place           string
	}{
		{"a.go", "package main\n", "main", true, "1:9"},
		{"a.go", "\ufeffpackage main\n", "main", true, "1:10"},
		{"a.go", long + "package main\n", "main", true, "2:9"},
		{"a.go", edge, "main", true, "1:4095"},
		{"a.go", "//go:build ignore\n\n" + long + "package main\n", "main", false, "4:9"},
		{"a.go", "// é\npackage /* ü */ café // x\n", "café", true, "2:17"},
		{"a.go", "// +build ignore\n\npackage x\n", "x", false, "3:9"},
		{"a.go", "package main\n//go:build ignore\n", "main", true, "1:9"},
		{"a.go", "", "", true, "0:0"},
		{"a.go", "pakcage main\n", "", true, "0:0"},
		{"a_windows.go", "package x\n", "x", false, "1:9"},
		{"a_linux_amd64.go", "package x\n", "x", true, "1:9"},
		{"a.go", "//go:build (linux && !cgo) || nonsense(\n\npackage x\n", "x", true, "3:9"},
	}
	ctx := buildContext(newEnvironment(environ("GOOS=linux", "GOARCH=amd64")), nil)
	for i, tt := range tests {
		path := filepath.Join(t.TempDir(), tt.name)
		write(t, path, tt.text)
		got, err := readSource(ctx, path)
		place := fmt.Sprintf("%d:%d", got.place.Start.Line, got.place.Start.Column)
		if err != nil || got.pkg != tt.pkg || got.included != tt.included || place != tt.place {
			t.Errorf("%d: package %q, included %v, at %s, error %v; want %q, %v, %s", i, got.pkg, got.included, place, err, tt.pkg, tt.included, tt.place)
		}
	}
}
