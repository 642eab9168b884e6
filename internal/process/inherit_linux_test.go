package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// The program has the descriptors that a bare start gives, the extra ones, and no others.
func TestDescriptors(t *testing.T) {
	t.Parallel()
	bare, err := exec.Command(self(t), "as:descriptors").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, listenPID := range []bool{false, true} {
		testDescriptors(t, string(bare), listenPID)
	}
}

func testDescriptors(t *testing.T, bare string, listenPID bool) {
	spec := as(t, "descriptors")
	spec.ListenPID = listenPID
	if got := output(t, spec); got != bare {
		t.Errorf("got %s, a bare start gives %s", got, bare)
	}
	file, err := os.Open(self(t))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	spec.ExtraFiles = []*os.File{file, nil, file}
	got := output(t, spec)
	want := fmt.Sprintf("3 %[1]s\n4 /dev/null\n5 %[1]s\n", self(t))
	if got != want+bare {
		t.Errorf("got\n%swant\n%s%s", got, want, bare)
	}
}

// What the caller was given at higher numbers goes on to the program, as with a shell's <(command).
func TestInheritedDescriptors(t *testing.T) {
	t.Parallel()
	bash := tool(t, "bash")
	cmd := exec.Command(bash, "-c", fmt.Sprintf("%s as:caller /bin/cat <(echo from a shell) 2>/dev/null", self(t)))
	text, err := cmd.CombinedOutput()
	if err != nil || string(text) != "from a shell\n" {
		t.Errorf("%q, %v", text, err)
	}
}

// Dispositions and mask of the signals are as a bare start has them.
func TestDispositions(t *testing.T) {
	t.Parallel()
	grep := []string{"-E", "^(SigBlk|SigIgn|SigCgt|SigPnd)", "/proc/self/status"}
	want, err := exec.Command("/bin/grep", grep...).Output()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		spec := Spec{Path: "/bin/grep", Args: grep, Env: os.Environ(), Foreground: i&1 != 0, ListenPID: i&2 != 0}
		if got := output(t, spec); got != string(want) {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	}
}

func TestGroup(t *testing.T) {
	t.Parallel()
	for i := range 4 {
		foreground := i&1 != 0
		tree, err := Start(Spec{Path: "/bin/sleep", Args: []string{"1000"}, Foreground: foreground, ListenPID: i&2 != 0})
		if err != nil {
			t.Fatal(err)
		}
		group, _ := syscall.Getpgid(tree.PID())
		if want := map[bool]int{true: syscall.Getpgrp(), false: tree.PID()}[foreground]; group != want {
			t.Errorf("foreground %v: group %d, want %d", foreground, group, want)
		}
		_ = tree.Kill()
		wait(t, tree)
	}
}

func TestHundredStarts(t *testing.T) {
	descriptors := func() int { n, _ := os.ReadDir("/proc/self/fd"); return len(n) }
	start := func() {
		tree, err := Start(Spec{Path: "/bin/true"})
		if err != nil {
			t.Fatal(err)
		}
		if status := wait(t, tree); status != (Status{}) {
			t.Fatal(status)
		}
	}
	start()
	routines, files := runtime.NumGoroutine(), descriptors()
	for range 100 {
		start()
	}
	until(t, "the goroutines end", func() bool { return runtime.NumGoroutine() <= routines })
	if now := descriptors(); now > files {
		t.Errorf("%d descriptors, %d before", now, files)
	}
	if left := newProcReader().children(os.Getpid()); len(left) != 0 {
		t.Errorf("children left: %v", left)
	}
}

func TestExec(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(self(t), "as:exec", dir, "/bin/sh", "-c", "echo $$; pwd; cat; grep -E '^Sig(Ign|Blk)' /proc/self/status; exit 6")
	cmd.Stdin = strings.NewReader("some input\n")
	text, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 6 {
		t.Error(err)
	}
	status, err := exec.Command("grep", "-E", "^Sig(Ign|Blk)", "/proc/self/status").Output()
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%d\n%s\nsome input\n%s", cmd.Process.Pid, dir, status)
	if string(text) != want {
		t.Errorf("got\n%swant\n%s", text, want)
	}
	if err := Exec(Spec{Path: "/no/such/program", Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
