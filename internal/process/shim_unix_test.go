//go:build linux || darwin

package process

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The program has its own id in its environment, in place of another's, and is otherwise what it is without.
func TestListenPID(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, start := range map[string]func(Spec) (*Tree, error){
		"start":          Start,
		"prepared guard": func(spec Spec) (*Tree, error) { return Prepare(Spec{Stdout: spec.Stdout}).Start(spec) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := as(t, "show", "", "two words", "ü\n")
			// These would act on the shim, were they its own.
			spec.Env = []string{"LISTEN_PID=1", "GODEBUG=inittrace=1", "ONE=1", "LISTEN_PID=", "LISTEN_PIDS=2", "EMPTY="}
			spec.Dir, spec.ListenPID = dir, true
			out, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			spec.Stdout, spec.Stderr = write, nil
			tree, err := start(spec)
			write.Close()
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(out)
			if err != nil {
				t.Fatal(err)
			}
			wait(t, tree)
			env := []string{"GODEBUG=inittrace=1", "ONE=1", "LISTEN_PIDS=2", "EMPTY=", fmt.Sprintf("LISTEN_PID=%d", tree.PID())}
			want := fmt.Sprintf("args %q\nenv %q\ndir %s\n", spec.Args[1:], env, dir)
			if string(got) != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

// What cannot be executed is told in the same words.
func TestListenPIDStartError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string, mode fs.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	missing := filepath.Join(dir, "missing")
	for name, spec := range map[string]Spec{
		"no program":       {Path: missing},
		"no folder":        {Path: self(t), Dir: missing},
		"folder is a file": {Path: self(t), Dir: file("file", "", 0o600)},
		"neither":          {Path: missing, Dir: missing},
		"a folder":         {Path: dir},
		"not executable":   {Path: file("plain", "#!/bin/sh\n", 0o600)},
		"no known format":  {Path: file("text", "hello\n", 0o700)},
		"no interpreter":   {Path: file("script", "#!/no/such/shell\n", 0o700)},
		"too much":         {Path: self(t), Args: []string{strings.Repeat("x", 10_000_000)}},
		"a NUL":            {Path: self(t), Env: []string{"A=\x00"}},
	} {
		_, want := Start(spec)
		spec.ListenPID = true
		tree, got := Start(spec)
		a, okA := errors.AsType[*StartError](got)
		b, okB := errors.AsType[*StartError](want)
		if !okA || !okB || *a != *b {
			t.Errorf("%s: got %v (%v), without the shim %v", name, got, tree, want)
		}
	}
}

// A large environment arrives whole: it is more than a socket holds.
func TestListenPIDLargeEnvironment(t *testing.T) {
	t.Parallel()
	spec := Spec{Path: "/bin/sh", Args: []string{"-c", `echo "$A$B$C$D$LISTEN_PID" | wc -c; test "$LISTEN_PID" = $$`}, ListenPID: true}
	for _, name := range []string{"A", "B", "C", "D"} {
		spec.Env = append(spec.Env, name+"="+strings.Repeat("x", 100_000))
	}
	spec.Env = append(spec.Env, "PATH=/usr/bin:/bin")
	out, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	spec.Stdout = write
	tree, err := Start(spec)
	write.Close()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(out)
	want := fmt.Sprint(400_000 + len(fmt.Sprint(tree.PID())) + 1)
	if err != nil || strings.TrimSpace(string(text)) != want {
		t.Errorf("got %s, want %s; %v", text, want, err)
	}
	if status := wait(t, tree); status.ExitCode() != 0 {
		t.Errorf("LISTEN_PID is another's: %v", status)
	}
}
