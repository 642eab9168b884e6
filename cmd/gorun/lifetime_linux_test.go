package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// These tests start the real gorun with real programs, end it in each way that there is, and look for what is left.

// stage is a folder with a cache in which the apps of testdata are built already.
type stage struct {
	env []string
	dir string
}

// staged builds the sample apps once for all tests here.
var staged = sync.OnceValues(func() (stage, error) {
	gorun, err := built()
	if err != nil {
		return stage{}, err
	}
	dir := filepath.Dir(gorun)
	s := stage{dir: "../..", env: append(os.Environ(),
		"GORUN_CACHE="+filepath.Join(dir, "cache"), "GORUN_RUN_DIR="+filepath.Join(dir, "run"), "CI=", "NO_COLOR=1")}
	for _, app := range []string{"stubborn", "probe", "web"} {
		build := exec.Command(gorun, "build", "./testdata/apps/"+app)
		build.Dir, build.Env, build.Stderr = s.dir, s.env, os.Stderr
		if err := build.Run(); err != nil {
			return s, err
		}
	}
	return s, nil
})

// command is gorun with arguments, not started yet.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	s, err := staged()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(gorunBinary(t), args...)
	cmd.Dir, cmd.Env = s.dir, slices.Clone(s.env)
	return cmd
}

// stubborn is a run of the app that does not want to end, with children and a daemon that has left its session,
// orphaned itself on purpose and cleared its environment.
type stubborn struct {
	cmd    *exec.Cmd
	pids   string
	stderr *syncBuffer
}

func startStubborn(t *testing.T, ignore bool) *stubborn {
	t.Helper()
	s := &stubborn{pids: filepath.Join(t.TempDir(), "pids"), stderr: &syncBuffer{}}
	args := []string{"--no-build", "./testdata/apps/stubborn", "-children", "2", "-daemon", "-pids", s.pids}
	if ignore {
		args = append(args, "-ignore")
	}
	s.cmd = command(t, args...)
	s.cmd.Stderr = s.stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no terminal, whatever the test runs on
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	waitReady(t, out)
	return s
}

// waitReady reads until the program says that all is up.
func waitReady(t *testing.T, r io.Reader) {
	t.Helper()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) == "ready" {
			go func() { _, _ = io.Copy(io.Discard, r) }() // ends with the program
			return
		}
	}
	t.Fatalf("the program did not get ready: %v", lines.Err())
}

// processes reads the ids of what was started.
func (s *stubborn) processes(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile(s.pids)
	if err != nil {
		t.Fatal(err)
	}
	var pids []string
	for line := range strings.Lines(string(data)) {
		pids = append(pids, strings.Fields(line)[0])
	}
	if len(pids) < 4 {
		t.Fatalf("want the program, two children and a daemon, got %q", data)
	}
	return pids
}

// nothingLeft waits until none of the processes lives.
func nothingLeft(t *testing.T, pids []string) {
	t.Helper()
	within(t, "the processes to be gone", func() bool {
		for _, pid := range pids {
			if alive(pid) {
				return false
			}
		}
		return true
	})
}

func alive(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// within waits for something that must come, and says what did not.
func within(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// syncBuffer is written by a process and read by a test.
type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		ignore bool
		signal []syscall.Signal // to gorun alone
		status int              // -1: killed
	}{
		{"interrupt", false, []syscall.Signal{syscall.SIGINT}, 130},
		{"two interrupts", true, []syscall.Signal{syscall.SIGINT, syscall.SIGINT}, 137},
		{"terminate", false, []syscall.Signal{syscall.SIGTERM}, 143},
		{"hang up", true, []syscall.Signal{syscall.SIGHUP}, 137},
		{"kill", false, []syscall.Signal{syscall.SIGKILL}, -1},
		{"kill while it ignores", true, []syscall.Signal{syscall.SIGKILL}, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := startStubborn(t, c.ignore)
			pids := s.processes(t)
			for i, sig := range c.signal {
				if i > 0 {
					within(t, "the word that a second one kills", func() bool {
						return strings.Contains(s.stderr.String(), "Ctrl+C again kills it")
					})
					time.Sleep(60 * time.Millisecond) // two closer ones are one press
				}
				if err := s.cmd.Process.Signal(sig); err != nil {
					t.Fatal(err)
				}
			}
			_ = s.cmd.Wait() // the status is looked at
			if got := s.cmd.ProcessState.ExitCode(); got != c.status {
				t.Errorf("exit status %d, want %d\n%s", got, c.status, s.stderr)
			}
			nothingLeft(t, pids)
		})
	}
}

func TestKilledGuardLeavesNothing(t *testing.T) {
	t.Parallel()
	s := startStubborn(t, true)
	pids := s.processes(t)
	guard := parent(t, pids[0])
	if guard == s.cmd.Process.Pid {
		t.Skip("this system has no guard")
	}
	if err := syscall.Kill(guard, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait() // it ends somehow
	nothingLeft(t, pids)
}

// parent is the parent of a process.
func parent(t *testing.T, pid string) int {
	t.Helper()
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	var state string
	var ppid int
	if _, err := fmt.Sscan(string(stat[strings.LastIndex(string(stat), ")")+1:]), &state, &ppid); err != nil {
		t.Fatal(err)
	}
	return ppid
}

func TestExitStatusIsTheProgram(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env  string
		want int
	}{{"PROBE_EXIT=0", 0}, {"PROBE_EXIT=1", 1}, {"PROBE_EXIT=255", 255}, {"PROBE_KILL=2", 130}, {"PROBE_KILL=9", 137}, {"PROBE_KILL=15", 143}} {
		cmd := command(t, "--no-build", "./testdata/apps/probe")
		cmd.Env = append(cmd.Env, c.env, "PROBE_OUT="+filepath.Join(t.TempDir(), "out"))
		out, err := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != c.want {
			t.Errorf("%s: exit status %d, want %d (%v)\n%s", c.env, got, c.want, err, out)
		}
	}
}

func TestPipes(t *testing.T) {
	t.Parallel()
	// A shell reads its program from the pipe, and cat sees the end when the program's whole tree is gone.
	cmd := command(t, "--launch-settings", settings(t, `"sh"`, ``))
	script := fmt.Sprintf("printf 'echo in; exit 3' | %s | cat; echo ${PIPESTATUS[1]}", shellWords(cmd.Args))
	shell := exec.Command("bash", "-c", script)
	shell.Dir, shell.Env = cmd.Dir, cmd.Env
	out, err := shell.Output()
	if err != nil || string(out) != "in\n3\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

// settings writes a file with one Executable profile.
func settings(t *testing.T, program, args string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "launchSettings.json")
	text := fmt.Sprintf(`{"profiles":{"x":{"commandName":"Executable","executablePath":%s,"commandLineArgs":"%s"}}}`, program, args)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func shellWords(args []string) string {
	var words []string
	for _, a := range args {
		words = append(words, "'"+a+"'")
	}
	return strings.Join(words, " ")
}

// terminal is a pseudo-terminal on which something runs, with all that it shows.
type terminal struct {
	*os.File
	shown syncBuffer
	done  chan struct{} // closed when nothing has the terminal open any more
}

func openTerminal(t *testing.T, cmd *exec.Cmd) *terminal {
	t.Helper()
	opened, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 33, Cols: 99})
	if err != nil {
		t.Fatal(err)
	}
	// A blocking descriptor stays open while somebody reads it, and then closing it hangs nobody up.
	fd, err := syscall.Dup(int(opened.Fd()))
	if err == nil {
		err = errors.Join(syscall.SetNonblock(fd, true), opened.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	master := os.NewFile(uintptr(fd), "terminal")
	term := &terminal{File: master, done: make(chan struct{})}
	go func() {
		defer close(term.done)
		_, _ = io.Copy(&term.shown, master) // ends with EIO when the last one has closed it
	}()
	t.Cleanup(func() { _ = master.Close(); <-term.done })
	return term
}

func (term *terminal) sees(t *testing.T, what string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("the terminal shows:\n%s", term.shown.String())
		}
	}()
	within(t, what, func() bool { return strings.Contains(term.shown.String(), what) })
}

func (term *terminal) types(t *testing.T, keys string) {
	t.Helper()
	if _, err := term.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// trapper is a shell program that counts its interrupts.
const trapper = `-c \"n=0; trap 'n=$((n+1)); echo interrupt $n' INT; trap 'echo bye; exit 5' TERM; test -t 0 && test -t 1 && echo on a terminal; stty size; while :; do sleep 0.05; done\"`

func TestCtrlCReachesTheProgramOnce(t *testing.T) {
	t.Parallel()
	cmd := command(t, "--launch-settings", settings(t, `"bash"`, trapper))
	term := openTerminal(t, cmd)
	term.sees(t, "on a terminal")
	term.sees(t, "33 99")
	term.types(t, "\x03")
	term.sees(t, "interrupt 1")
	term.sees(t, "gorun: stopping bash (Ctrl+C again kills it)")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the status is looked at
	if got := cmd.ProcessState.ExitCode(); got != 5 {
		t.Errorf("exit status %d, want the program's 5", got)
	}
	if shown := term.shown.String(); strings.Contains(shown, "interrupt 2") || strings.Count(shown, "bye") != 1 {
		t.Errorf("the program got a signal twice:\n%s", shown)
	}
}

func TestSecondCtrlCKills(t *testing.T) {
	t.Parallel()
	cmd := command(t, "--launch-settings", settings(t, `"bash"`, trapper))
	term := openTerminal(t, cmd)
	term.sees(t, "on a terminal")
	term.types(t, "\x03")
	term.sees(t, "Ctrl+C again kills it")
	time.Sleep(60 * time.Millisecond) // two closer ones are one press
	term.types(t, "\x03")
	_ = cmd.Wait() // the status is looked at
	if got := cmd.ProcessState.ExitCode(); got != 137 {
		t.Errorf("exit status %d, want 137", got)
	}
}

func TestClosedTerminalLeavesNothing(t *testing.T) {
	t.Parallel()
	pids := filepath.Join(t.TempDir(), "pids")
	cmd := command(t, "--no-build", "./testdata/apps/stubborn", "-ignore", "-children", "2", "-daemon", "-pids", pids)
	term := openTerminal(t, cmd)
	term.sees(t, "ready")
	started := (&stubborn{pids: pids}).processes(t)
	if err := term.Close(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed, or 129
	nothingLeft(t, started)
}

func TestStopAndContinue(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("bash"); err != nil {
		missing(t, "bash is not installed")
	}
	inner := command(t, "--launch-settings", settings(t, `"bash"`, `-c \"echo started; while read -r line; do echo got $line; done\"`))
	shell := exec.Command("bash", "--norc", "--noprofile", "-i")
	shell.Dir, shell.Env = inner.Dir, append(inner.Env, "PS1=prompt> ")
	term := openTerminal(t, shell)
	term.types(t, shellWords(inner.Args)+"\n")
	term.sees(t, "started\r\n")
	term.types(t, "one\n")
	term.sees(t, "got one")
	term.types(t, "\x1a")
	term.sees(t, "Stopped")
	term.types(t, "fg\n")
	term.types(t, "two\n")
	term.sees(t, "got two")
	term.types(t, "\x04")
	term.types(t, "echo status $?\n")
	term.sees(t, "status 0")
	term.types(t, "exit\n")
	if err := shell.Wait(); err != nil {
		t.Error(err)
	}
}
