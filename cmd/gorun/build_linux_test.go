package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// These tests build with the real gorun under what may befall a build: it is killed, others build the same at the
// same time, the cache cannot be written to, the disk is full.

// yard is a small program outside the repository, with a cache of its own.
type yard struct {
	t   *testing.T
	dir string
	env []string
}

func newYard(t *testing.T, env ...string) yard {
	t.Helper()
	root := t.TempDir()
	y := yard{t: t, dir: filepath.Join(root, "src"), env: append(append(os.Environ(),
		"GORUN_CACHE="+filepath.Join(root, "cache"), "GORUN_RUN_DIR="+filepath.Join(root, "run"), "TMPDIR="+root,
		"GOFLAGS=", "GOENV=off", "NO_COLOR=1"), env...)}
	if err := os.Mkdir(y.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	y.write("go.mod", "module example.com/yard\n\ngo 1.26\n")
	y.version("first")
	return y
}

func (y yard) write(name, text string) {
	y.t.Helper()
	if err := os.WriteFile(filepath.Join(y.dir, name), []byte(text), 0o644); err != nil {
		y.t.Fatal(err)
	}
}

// version makes a program that prints a word.
func (y yard) version(word string) {
	y.t.Helper()
	y.write("main.go", fmt.Sprintf("package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(%q) }\n", word))
}

// gorun is a command that is not started yet, with a process group of its own.
func (y yard) gorun(args ...string) *exec.Cmd {
	return y.command(gorunBinary(y.t), args...)
}

func (y yard) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(y.t.Context(), name, args...)
	cmd.Dir, cmd.Env = y.dir, y.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 20 * time.Second
	return cmd
}

// prints fails the test unless the command succeeds and prints the word.
func (y yard) prints(cmd *exec.Cmd, word string) (stderr string) {
	y.t.Helper()
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil || string(out) != word {
		y.t.Errorf("want %q, got %q, %v\n%s", word, out, err, said.String())
	}
	return said.String()
}

// A build that is killed, alone or with all that it started, leaves the last good binary or the new one, and the next
// start runs what the source says.
func TestKilledBuilds(t *testing.T) {
	t.Parallel()
	times := 8
	if os.Getenv("GORUN_CI") != "" {
		times = 100
	}
	y := newYard(t)
	y.prints(y.gorun(), "first")
	y.version("second")
	began := time.Now()
	y.prints(y.gorun(), "second")
	whole := time.Since(began)
	unharmed := 0
	for i := range times {
		word := fmt.Sprint("version ", i)
		y.version(word)
		killed := y.gorun("build")
		if err := killed.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(whole + whole/4)) // the moment is what the test is about
		if i%2 == 0 {
			_ = syscall.Kill(-killed.Process.Pid, syscall.SIGKILL) // all of it, as when the machine goes down
		} else {
			_ = killed.Process.Kill() // it alone; the go command may go on for a while
		}
		if killed.Wait() == nil {
			unharmed++
		}
		y.prints(y.gorun(), word)
		y.prints(y.gorun("--no-build"), word)
	}
	fmt.Printf("count: %d builds killed, %d of them after they had ended; each next start was right\n", times, unharmed)
}

// Several gorun on a cold cache: one builds, the others wait, say for whom, and use the result.
func TestSeveralAtOnce(t *testing.T) {
	t.Parallel()
	var env []string
	if os.Getenv("GORUN_CI") != "" { // nor has the go command anything: the build takes long enough to be waited for
		cold := t.TempDir()
		env = []string{"GOCACHE=" + cold}
	}
	y := newYard(t, env...)
	var wg sync.WaitGroup
	said := make([]string, 3)
	for i := range said {
		wg.Go(func() {
			events := filepath.Join(t.TempDir(), "events")
			y.prints(y.gorun("--events", events), "first")
			data, err := os.ReadFile(events)
			if err != nil {
				t.Error(err)
			}
			said[i] = string(data)
		})
	}
	wg.Wait()
	builds, waits := 0, 0
	for _, events := range said {
		builds += strings.Count(events, `"build-done"`)
		waits += len(regexp.MustCompile(`"build-waiting","program":"yard","pid":\d+`).FindAllString(events, -1))
	}
	if builds != 1 || os.Getenv("GORUN_CI") != "" && waits != len(said)-1 {
		t.Errorf("%d built and %d waited:\n%s", builds, waits, strings.Join(said, "\n"))
	}
}

// onTmpfs is gorun with its cache on a small file system of its own, which is prepared by a shell command.
func (y yard) onTmpfs(size, prepare string) *exec.Cmd {
	y.t.Helper()
	cache := filepath.Join(y.dir, "..", "small")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		y.t.Fatal(err)
	}
	flags := "-m"
	if os.Getuid() != 0 {
		flags = "-rm"
	}
	if err := exec.CommandContext(y.t.Context(), "unshare", flags, "true").Run(); err != nil {
		if os.Getenv("GORUN_CI") != "" {
			y.t.Fatalf("this system lets nobody have a mount namespace: %v", err)
		}
		y.t.Skipf("no mount namespace: %v", err)
	}
	script := fmt.Sprintf(`mount -t tmpfs -o size=%s tmpfs "$1" && cd "$1" && { %s; } && cd "$3" && exec "$2" -v q`, size, prepare) // a slow build has no lines of its own then
	cmd := y.command("unshare", flags, "sh", "-c", script, "sh", cache, gorunBinary(y.t), y.dir)
	cmd.Env = append(cmd.Env, "GORUN_CACHE="+cache)
	return cmd
}

func TestReadOnlyCache(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	readOnly := `mount -o remount,ro "$PWD"`
	for range 2 { // the second time there is nothing to build
		said := y.prints(y.onTmpfs("4m", readOnly), "first")
		if !regexp.MustCompile(`(?s)^gorun: warning: the cache folder .*/small cannot be written to: read-only file system; ` +
			`binaries are kept in .*/gorun-\d+ instead\nhint: set GORUN_CACHE .*\n$`).MatchString(said) {
			t.Errorf("it says:\n%s", said)
		}
	}
	// What is there already is used without a word.
	fill := y.gorun("build", "-v", "q").String() // a slow build has lines of its own
	said := y.prints(y.onTmpfs("8m", `(cd "$3" && `+fill+` >/dev/null) && `+readOnly), "first")
	if said != "" {
		t.Errorf("it says:\n%s", said)
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	for name, prepare := range map[string]string{
		"no room for the binary": "true",
		"no room at all":         "dd if=/dev/zero of=fill bs=4k count=100 2>/dev/null; test -s fill",
	} {
		out, err := y.onTmpfs("256k", prepare).CombinedOutput()
		said := string(out)
		if err == nil || !strings.Contains(said, "no space left on device") || !strings.Contains(said, "\nhint: the disk is full: free some space") {
			t.Errorf("%s: %v, it says:\n%s", name, err, said)
		}
	}
}

// A go command of a version manager is asked at each start which toolchain it is, and nothing is built for that.
func TestShim(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	shim := y.shim(`case $(cat "$HOME/version") in broken) exit 1 ;; other) GOFLAGS=-race=false; export GOROOT=/nowhere; echo "$@" ;; *) exec "$real" "$@" ;; esac`)
	version := filepath.Join(shim.home, "version")
	if err := os.WriteFile(version, []byte("one"), 0o644); err != nil {
		t.Fatal(err)
	}
	y.prints(y.gorun(), "first")
	y.prints(y.gorun("build", "--why"), y.binary())
	for said, want := range map[string]string{
		y.says("build", "--why"): "is not needed",
		y.says("plan"):           "each start asks " + shim.path + ", of a version manager, for the toolchain",
		y.says("doctor"):         " at " + shim.path + ", a version manager's",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in:\n%s", want, said)
		}
	}
	if err := os.WriteFile(version, []byte("other"), 0o644); err != nil {
		t.Fatal(err)
	}
	if said := y.says("plan"); !strings.Contains(said, "needed: the toolchain differs") {
		t.Errorf("after the shim had another opinion:\n%s", said)
	}
}

// The go command of a gorun that is killed ends, too.
func TestKilledGorunEndsGo(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	shim := y.shim(`[ "$1" = build ] || exec "$real" "$@"; echo $$ >"$HOME/pid.part"; mv "$HOME/pid.part" "$HOME/pid"; exec sleep 1000`)
	cmd := y.gorun()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid []byte
	within(t, "the go command to start", func() (there bool) {
		var err error
		pid, err = os.ReadFile(filepath.Join(shim.home, "pid"))
		return err == nil
	})
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // it was killed
	nothingLeft(t, []string{strings.TrimSpace(string(pid))})
}

// shim is a script in the place of the go command.
type shim struct{ home, path string }

// shim puts a script before the go command in the PATH of the yard; $real is the go command.
func (y *yard) shim(script string) shim {
	y.t.Helper()
	real, err := exec.LookPath("go")
	if err != nil {
		y.t.Fatal(err)
	}
	home := y.t.TempDir()
	s := shim{home, filepath.Join(home, "bin", "go")}
	if err := os.Mkdir(filepath.Dir(s.path), 0o755); err != nil {
		y.t.Fatal(err)
	}
	if err := os.WriteFile(s.path, []byte("#!/bin/sh\nreal="+real+"\n"+script+"\n"), 0o755); err != nil {
		y.t.Fatal(err)
	}
	// The caches stay where they were for the go command.
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
		out, err := exec.CommandContext(y.t.Context(), "go", "env", name).Output()
		if err != nil {
			y.t.Fatal(err)
		}
		y.env = append(y.env, name+"="+strings.TrimSpace(string(out)))
	}
	y.env = append(y.env, "HOME="+home, "PATH="+filepath.Dir(s.path)+":"+os.Getenv("PATH"))
	return s
}

// says is all that a command prints.
func (y yard) says(args ...string) string {
	out, _ := y.gorun(args...).CombinedOutput() // doctor may find something else
	return string(out)
}

// binary is what gorun build prints.
func (y yard) binary() string {
	y.t.Helper()
	out, err := y.gorun("build").Output()
	if err != nil {
		y.t.Fatal(err)
	}
	return string(out)
}
