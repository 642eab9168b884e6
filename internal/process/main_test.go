package process

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary plays all parts: programs, and callers of Start that come to a bad end.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if role, ok := strings.CutPrefix(os.Args[1], "as:"); ok {
			syscall.Exit(play(role, os.Args[2:]))
		}
	}
	os.Exit(m.Run())
}

func play(role string, args []string) int {
	switch role {
	case "exit":
		code, _ := strconv.Atoi(args[0])
		return code
	case "cat":
		_, _ = io.Copy(os.Stdout, os.Stdin)
		return 0
	case "show": // what a program sees of itself
		dir, _ := os.Getwd()
		fmt.Printf("args %q\nenv %q\ndir %s\n", os.Args[2:], os.Environ(), dir)
		return 0
	case "caller":
		return playCaller(args)
	default:
		return playMore(role, args)
	}
}

// playCaller is a small gorun: it starts a program, passes on what it gets, and ends with the program's exit code.
// With "-fg" the program runs in the foreground, with "-pid" it gets LISTEN_PID; with "-leave" it ends when a line is read, without waiting;
// with "-kill" it kills the tree then.
func playCaller(args []string) int {
	var mode []string
	for strings.HasPrefix(args[0], "-") {
		mode, args = append(mode, args[0]), args[1:]
	}
	spec := Spec{Path: args[0], Args: args[1:], Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	spec.Foreground, spec.ListenPID = slices.Contains(mode, "-fg"), slices.Contains(mode, "-pid")
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, callerSignals()...)
	reads := slices.Contains(mode, "-leave") || slices.Contains(mode, "-kill")
	if reads {
		spec.Stdin = nil
	}
	tree, err := Start(spec)
	if err != nil {
		fmt.Fprintln(os.Stderr, "caller:", err)
		return 1
	}
	go func() {
		for sig := range signals {
			_ = tree.Signal(sig)
		}
	}()
	fmt.Fprintf(os.Stderr, "caller: pid %d program %d guard %d\n", os.Getpid(), tree.PID(), guardOf(tree))
	if reads {
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		if slices.Contains(mode, "-leave") {
			return 0
		}
		_ = tree.Kill()
	}
	status, err := tree.Wait()
	fmt.Fprintln(os.Stderr, "caller:", status, err)
	return status.ExitCode()
}

// self is the test binary.
func self(t testing.TB) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// as is the Spec of the test binary in a role.
func as(t testing.TB, role string, args ...string) Spec {
	return Spec{Path: self(t), Args: append([]string{"as:" + role}, args...), Env: os.Environ(), Stderr: os.Stderr}
}

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// until polls for a condition that has no event of its own.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timed out: %s", what)
		}
	}
}

// wait is Tree.Wait with a deadline.
func wait(t testing.TB, tree *Tree) Status {
	t.Helper()
	type result struct {
		status Status
		err    error
	}
	ended := make(chan result, 1)
	go func() {
		status, err := tree.Wait()
		ended <- result{status, err}
	}()
	select {
	case r := <-ended:
		if r.err != nil {
			t.Fatal(r.err)
		}
		return r.status
	case <-time.After(patience):
		pids := tree.PIDs()
		_ = tree.Kill()
		t.Fatalf("the tree does not end; processes %v", pids)
		panic("unreachable")
	}
}

// talk is the output of a process, line by line as it comes.
type talk struct {
	t     testing.TB
	seen  []string
	kept  []string // seen, and not returned so far
	lines chan string
}

func newTalk(t testing.TB, from io.Reader) *talk {
	k := &talk{t: t, lines: make(chan string, 1000)}
	go func() {
		defer close(k.lines)
		for scanner := bufio.NewScanner(from); scanner.Scan(); {
			k.lines <- scanner.Text()
		}
	}()
	return k
}

// expect returns the first line that contains text and was not returned before. It keeps the others for later:
// caller and program write at the same time.
func (k *talk) expect(text string) string {
	k.t.Helper()
	deadline := time.After(patience)
	for {
		if i := slices.IndexFunc(k.kept, func(line string) bool { return strings.Contains(line, text) }); i >= 0 {
			line := k.kept[i]
			k.kept = slices.Delete(k.kept, i, i+1)
			return line
		}
		select {
		case line, ok := <-k.lines:
			if !ok {
				k.t.Fatalf("output ended without %q:\n%s", text, strings.Join(k.seen, "\n"))
			}
			k.seen, k.kept = append(k.seen, line), append(k.kept, line)
		case <-deadline:
			k.t.Fatalf("no %q in output:\n%s", text, strings.Join(k.seen, "\n"))
		}
	}
}

// rest reads to the end.
func (k *talk) rest() []string {
	k.t.Helper()
	var lines []string
	deadline := time.After(patience)
	for {
		select {
		case line, ok := <-k.lines:
			if !ok {
				return lines
			}
			lines = append(lines, line)
		case <-deadline:
			k.t.Fatalf("output does not end:\n%s", strings.Join(append(k.seen, lines...), "\n"))
		}
	}
}

// caller runs the test binary as a caller of Start; output and story come in one stream.
func caller(t *testing.T, args ...string) (*exec.Cmd, io.WriteCloser, *talk) {
	t.Helper()
	cmd := exec.Command(self(t), append([]string{"as:caller"}, args...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = write, write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		out.Close()
	})
	return cmd, in, newTalk(t, out)
}

// pids reads the pids of the caller's first line.
func pids(t testing.TB, line string) (caller, program, guard int) {
	t.Helper()
	_, line, _ = strings.Cut(line, "caller: ")
	if _, err := fmt.Sscanf(line, "pid %d program %d guard %d", &caller, &program, &guard); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return caller, program, guard
}
