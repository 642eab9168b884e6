package gobuild

import (
	"fmt"
	"path/filepath"
	"testing"
)

func BenchmarkFindHere(b *testing.B) {
	dir := unpack(b, "-- go.mod --\nmodule example.com/m\n-- main.go --\npackage main\n-- a.go --\npackage main\n")
	env := environ("GOENV=" + filepath.Join(dir, "none"))
	for b.Loop() {
		if _, err := Find(dir, nil, env); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFindIn2000Folders(b *testing.B) {
	dir := unpack(b, "-- go.mod --\nmodule example.com/m\n-- cmd/api/main.go --\npackage main\n")
	for i := range 2000 {
		name := fmt.Sprintf("internal/group%d/package%d", i%50, i)
		for _, file := range []string{"doc.go", "code.go", "more_linux.go", "code_test.go"} {
			write(b, filepath.Join(dir, filepath.FromSlash(name), file), "// Package p does something.\npackage p\n\nimport \"fmt\"\n")
		}
	}
	env := environ()
	for b.Loop() {
		if _, err := Find(dir, nil, env); err != nil {
			b.Fatal(err)
		}
	}
}

// What a start without a stamp costs when nothing changed: the go command looks, and does not link.
func BenchmarkBuildUnchanged(b *testing.B) {
	need(b, "go")
	dir := unpack(b, hello)
	o := Options{Env: environ()}
	target, err := Find(dir, nil, o.Env)
	if err != nil {
		b.Fatal(err)
	}
	out := Output(b.TempDir(), target, o)
	for b.Loop() {
		if _, err := Build(b.Context(), target, o, out, nil); err != nil {
			b.Fatal(err)
		}
	}
}
