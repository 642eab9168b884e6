package process

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func TestExitCode(t *testing.T) {
	t.Parallel()
	for _, code := range []int{0, 1, 2, 127, 255} {
		tree, err := Start(as(t, "exit", fmt.Sprint(code)))
		if err != nil {
			t.Fatal(err)
		}
		status := wait(t, tree)
		if status.ExitCode() != code || status.Signal() != 0 || status.String() != fmt.Sprintf("exit code %d", code) {
			t.Errorf("exit code %d came out as %v (%d)", code, status, status.ExitCode())
		}
		if pids := tree.PIDs(); len(pids) != 0 {
			t.Errorf("processes of a tree that is gone: %v", pids)
		}
		if err := tree.Signal(os.Interrupt); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("Signal afterwards: %v", err)
		}
		if err := tree.Kill(); err != nil {
			t.Errorf("Kill afterwards: %v", err)
		}
	}
}

func TestPipes(t *testing.T) {
	t.Parallel()
	in, feed, _ := os.Pipe()
	out, write, _ := os.Pipe()
	spec := as(t, "cat")
	spec.Stdin, spec.Stdout = in, write
	tree, err := Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	in.Close()
	write.Close()
	text := strings.Repeat("a line of text\n", 20_000)
	go func() {
		_, _ = io.WriteString(feed, text)
		feed.Close()
	}()
	got, err := io.ReadAll(out) // ends only when nobody holds the pipe, the guard included
	if err != nil || string(got) != text {
		t.Errorf("got %d bytes of %d, %v", len(got), len(text), err)
	}
	if status := wait(t, tree); status.ExitCode() != 0 {
		t.Error(status)
	}
}

func TestOutputOf(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	spec := as(t, "show", "", "two words", "ü\n")
	spec.Dir = dir
	spec.Env = []string{"ONE=1", "EMPTY=", "LINES=a\nb"}
	if runtime.GOOS == "windows" {
		spec.Env = append(spec.Env, "SYSTEMROOT="+os.Getenv("SYSTEMROOT"))
	}
	want := fmt.Sprintf("args %q\nenv %q\ndir %s\n", spec.Args[1:], spec.Env, dir)
	if got := output(t, spec); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// output starts spec and returns what it writes to stdout.
func output(t testing.TB, spec Spec) string {
	t.Helper()
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
	got, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	wait(t, tree)
	return string(got)
}

func TestStartError(t *testing.T) {
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
	tests := []struct {
		name   string
		spec   Spec
		is     error
		badDir bool
		unix   bool
	}{
		{name: "no program", spec: Spec{Path: missing}, is: fs.ErrNotExist},
		{name: "no folder", spec: Spec{Path: self(t), Dir: missing}, is: fs.ErrNotExist, badDir: true},
		{name: "folder is a file", spec: Spec{Path: self(t), Dir: file("file", "", 0o600)}, badDir: true},
		{name: "NUL in an argument", spec: Spec{Path: self(t), Args: []string{"a\x00b"}}},
		{name: "NUL in the environment", spec: Spec{Path: self(t), Env: []string{"A=b\x00"}}},
		{name: "a folder", spec: Spec{Path: dir}, is: fs.ErrPermission, unix: true},
		{name: "not executable", spec: Spec{Path: file("plain", "#!/bin/sh\n", 0o600)}, is: fs.ErrPermission, unix: true},
		{name: "no known format", spec: Spec{Path: file("text", "hello\n", 0o700)}, unix: true},
		{name: "no interpreter", spec: Spec{Path: file("script", "#!/no/such/shell\n", 0o700)}, is: fs.ErrNotExist, unix: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.unix && runtime.GOOS == "windows" {
				t.Skip("a matter of Unix")
			}
			tree, err := Start(test.spec)
			fault, ok := errors.AsType[*StartError](err)
			if !ok {
				t.Fatalf("got %v, %v", tree, err)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%v is not %v", err, test.is)
			}
			if fault.BadDir != test.badDir || test.badDir && !strings.Contains(err.Error(), test.spec.Dir) {
				t.Errorf("%v: the folder's fault: %v", err, fault.BadDir)
			}
			if fault.Path != test.spec.Path {
				t.Errorf("path %q", fault.Path)
			}
			t.Logf("%v; hint: %s", err, fault.Hint())
		})
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for code := range 20 {
		all.Go(func() {
			tree, err := Start(as(t, "exit", fmt.Sprint(code)))
			if err != nil {
				t.Error(err)
				return
			}
			var waiting sync.WaitGroup
			for range 3 {
				waiting.Go(func() {
					if status, err := tree.Wait(); status.ExitCode() != code || err != nil {
						t.Errorf("want %d, got %v, %v", code, status, err)
					}
				})
			}
			waiting.Wait()
		})
	}
	all.Wait()
}

func TestKill(t *testing.T) {
	t.Parallel()
	in, hold, _ := os.Pipe()
	defer hold.Close()
	defer in.Close()
	spec := as(t, "cat")
	spec.Stdin = in
	tree, err := Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	if pids := tree.PIDs(); len(pids) != 1 || pids[0] != tree.PID() {
		t.Errorf("processes %v, program %d", pids, tree.PID())
	}
	if err := tree.Kill(); err != nil {
		t.Error(err)
	}
	if status := wait(t, tree); runtime.GOOS != "windows" && status.String() != "killed by SIGKILL" {
		t.Error(status)
	}
}

func BenchmarkStart(b *testing.B) { benchmarkStart(b, Spec{Path: trueProgram(b)}) }

// BenchmarkStartListenPID is BenchmarkStart with the shim.
func BenchmarkStartListenPID(b *testing.B) {
	if runtime.GOOS == "windows" {
		b.Skip("there is no shim on Windows")
	}
	benchmarkStart(b, Spec{Path: trueProgram(b), ListenPID: true})
}

func benchmarkStart(b *testing.B, spec Spec) {
	for b.Loop() {
		tree, err := Start(spec)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := tree.Wait(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBare(b *testing.B) {
	path := trueProgram(b)
	for b.Loop() {
		p, err := os.StartProcess(path, []string{path}, &os.ProcAttr{Env: []string{}})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Wait(); err != nil {
			b.Fatal(err)
		}
	}
}

// trueProgram is a program that does nothing.
func trueProgram(b *testing.B) string {
	for _, path := range []string{"/bin/true", "/usr/bin/true"} {
		if exists(path) {
			return path
		}
	}
	b.Skip("no true program")
	return ""
}
