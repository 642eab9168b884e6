package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// workshop is a folder that the tests share: it holds gorun and what that keeps.
var workshop string

// built is the gorun of these tests: the real binary, built once, since some tests start it many hundred times and
// one compares its speed.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "gorun-test-")
	if err != nil {
		return "", err
	}
	workshop = dir
	path := filepath.Join(dir, "gorun")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Stderr = os.Stderr
	return path, build.Run()
})

// gorunBinary is the path of the real gorun.
func gorunBinary(t testing.TB) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// missing skips a test for want of something, which is a failure where everything is said to be installed.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("GORUN_CI") != "" || os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

func writeFiles(t testing.TB, dir string, files map[string][]byte) {
	t.Helper()
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
