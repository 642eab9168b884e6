package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// program is one that is started: a module of its own, so that editing it changes nothing in the repository.
type program struct {
	name       string
	create     func(dir string) error
	target     string   // its main package, from the module's folder
	args       []string // with which it ends at once
	main, leaf string   // files to edit; the leaf is in a package that imports none of the module's
	dir        string   // the module's folder, once it is there
}

var programs = []program{
	{name: "hello", create: copyHello, target: ".", main: "main.go", leaf: "greeting/greeting.go"},
	{name: "gorun", create: copyGorun, target: "./cmd/gorun", args: []string{"version"}, main: "cmd/gorun/main.go", leaf: "internal/closest/closest.go"},
	{name: "large", create: generate, target: ".", main: "main.go", leaf: leafOfLarge},
}

func copyHello(dir string) error {
	if err := copyModule(dir, "testdata/bench/start/hello"); err != nil {
		return err
	}
	return writeFile(dir, "go.mod", "module github.com/gorun-dev/gorun/testdata/bench/start/hello\n\ngo 1.26\n")
}

func copyGorun(dir string) error { return copyModule(dir, ".") }

// copyModule copies what a module is built from: tests' data, and what begins with a dot, is not.
func copyModule(to, from string) error {
	return filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		name := entry.Name()
		switch {
		case err != nil:
			return err
		case path != from && (name == "testdata" || strings.HasPrefix(name, ".")):
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		return writeFile(to, relative, string(text))
	})
}

// writeFile writes a file, and the folders that it needs.
func writeFile(dir, name, text string) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// edit is one kind of change to a program.
type edit struct {
	name  string
	files map[string]string // what stands in them without an edit, by path
	err   error
}

// edits are the kinds of changes that are measured.
func (p program) edits() []*edit {
	return []*edit{p.edit("main.go edited", p.main), p.edit("one leaf file and main.go edited", p.main, p.leaf)}
}

func (p program) edit(name string, files ...string) *edit {
	e := &edit{name: name, files: make(map[string]string)}
	for _, file := range files {
		path := filepath.Join(p.dir, filepath.FromSlash(file))
		text, err := os.ReadFile(path)
		if err != nil {
			e.err = err
		}
		e.files[path] = string(text)
	}
	return e
}

// apply changes the files as never before, in this run or another, so that nothing of it can be in a cache. It returns
// lines that the changed program prints to stderr, which prove that it was built from just this.
func (e *edit) apply() (proof []string, err error) {
	if e.err != nil {
		return nil, e.err
	}
	now := time.Now().UnixNano()
	for path, text := range e.files {
		line := fmt.Sprintf("%s: edit %d", filepath.Base(path), now)
		proof = append(proof, line)
		if err := os.WriteFile(path, fmt.Appendf(nil, "%s\nfunc init() { println(%q) }\n", text, line), 0o644); err != nil {
			return nil, err
		}
	}
	return proof, nil
}
