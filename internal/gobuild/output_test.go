package gobuild

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOtherSystem(t *testing.T) {
	t.Parallel()
	dir := unpack(t, hello)
	env := environ("GOOS=plan9", "GOARCH=arm")
	target, err := Find(dir, nil, env)
	if err != nil {
		t.Fatal(err)
	}
	out := Output("/cache", target, Options{Env: env})
	if !strings.HasSuffix(filepath.ToSlash(out), "/Debug-plan9-arm/hello") {
		t.Errorf("the binary lies at %s", out)
	}
	if out := Output("/cache", target, Options{Env: environ("GOOS=windows")}); filepath.Base(out) != "hello.exe" {
		t.Errorf("the binary lies at %s", out)
	}
	err = Binary{Name: "hello", GOOS: "plan9", GOARCH: "arm"}.Runnable()
	want := "hello was built for plan9/arm, this is " + runtime.GOOS + "/" + runtime.GOARCH
	if _, ok := errors.AsType[*ForeignError](err); !ok || err.Error() != want {
		t.Errorf("the error is %T %v", err, err)
	}
}

func TestOutputsDiffer(t *testing.T) {
	t.Parallel()
	base := Target{Dir: "/m/x", Name: "x", ModuleDir: "/m"}
	outputs := map[string]bool{}
	for _, target := range []Target{
		base, {Dir: "/m/y/x", Name: "x", ModuleDir: "/m"}, {Dir: "/m/x", Name: "x", ModuleDir: "/m/x"},
		{Dir: "/m/x", Name: "x", ModuleDir: "/m", Files: []string{"/m/x/x.go"}},
	} {
		for _, c := range []Configuration{Debug, Release} {
			outputs[Output("/c", target, Options{Configuration: c, Env: environ()})] = true
		}
	}
	if len(outputs) != 8 {
		t.Errorf("some share a place: %v", outputs)
	}
	if Output("/c", base, Options{Env: environ()}) != Output("/c", base, Options{Configuration: Debug, BuildFlags: []string{"-race"}, Env: environ()}) {
		t.Error("the place is not stable")
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	dir := unpack(t, hello)
	p := newProject(t, dir, environ())
	p.build(Options{Env: environ()})
	p.build(Options{Configuration: Release, Env: environ()})
	foreign := filepath.Join(p.cache, "build", "mine", "file")
	write(t, foreign, "not gorun's")

	records, err := Records(p.cache)
	if err != nil || len(records) != 1 {
		t.Fatalf("%+v, %v", records, err)
	}
	want := Record{Version: 1, Name: "hello", Dir: dir, ModuleDir: dir, ModulePath: "example.com/hello"}
	got := records[0]
	got.Folder, got.Bytes = "", 0
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	removed, bytes, err := Clean(p.cache)
	if err != nil || len(removed) != 1 || bytes < 1<<20 || bytes != records[0].Bytes {
		t.Errorf("removed %+v, %d bytes, %v", removed, bytes, err)
	}
	if _, err := os.Stat(records[0].Folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: %v", records[0].Folder, err)
	}
	if !isFile(foreign) {
		t.Error("a file that is not gorun's was removed")
	}
	if removed, bytes, err := Clean(filepath.Join(dir, "none")); len(removed) > 0 || bytes > 0 || err != nil {
		t.Errorf("%v, %d, %v", removed, bytes, err)
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := unpack(t, hello+"-- cache --\na file\n")
	p := newProject(t, dir, environ())
	o := Options{Env: environ()}
	_, err := Build(t.Context(), p.target, o, Output(filepath.Join(dir, "cache"), p.target, o), nil)
	if failed, ok := errors.AsType[*CacheError](err); !ok || !strings.Contains(failed.Hint(), "GORUN_CACHE") {
		t.Errorf("the error is %T %v", err, err)
	}
}
