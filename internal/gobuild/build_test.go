package gobuild

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gorun-dev/gorun/internal/event"
)

const hello = `
-- go.mod --
module example.com/hello

go 1.26
-- main.go --
package main

import "fmt"

var a, b = "no a", "no b"

func main() { fmt.Println("hello", a, b) }
`

// built is what the cache holds after a build.
const built = "build build/.swept build/K build/K/Debug build/K/Debug/hello build/K/Debug.lock build/K/Debug.stamp build/K/target.json"

func TestBuild(t *testing.T) {
	t.Parallel()
	dir := unpack(t, hello)
	p := newProject(t, dir, environ())
	o := Options{Env: environ()}
	out := Output(p.cache, p.target, o)
	if err := Built(p.target, out); err == nil || err.Error() != "hello has not been built in Debug yet" {
		t.Errorf("Built before the build: %v", err)
	}
	var events []event.Event
	binary, err := Build(t.Context(), p.target, o, out, func(e event.Event) { events = append(events, e) })
	if err != nil {
		t.Fatal(err)
	}
	want := Binary{Path: out, Name: "hello", GOOS: runtime.GOOS, GOARCH: runtime.GOARCH}
	if diff := cmp.Diff(want, binary); diff != "" {
		t.Errorf("binary (-want +got):\n%s", diff)
	}
	if got := output(t, out); got != "hello no a no b" {
		t.Errorf("it prints %q", got)
	}
	if err := errors.Join(Built(p.target, out), binary.Runnable()); err != nil {
		t.Error(err)
	}
	if len(events) != 2 || events[0].Kind != event.BuildStarted || events[1].Kind != event.BuildDone ||
		events[0].Program != "hello" || events[1].Path != out || events[1].Duration <= 0 {
		t.Errorf("events %+v", events)
	}
	if got := tree(t, dir); got != "go.mod main.go" {
		t.Errorf("the source tree holds %s", got)
	}
	if got := tree(t, p.cache); got != built && !isWindows() {
		t.Errorf("the cache holds %s", got)
	}
	for _, folder := range []string{filepath.Dir(out), p.cache} {
		if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 && !isWindows() {
			t.Errorf("%s: %v, %v", folder, info.Mode(), err)
		}
	}
}

// tree lists what is below dir, with K for the folder of a target in the cache.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if path != dir {
			rel, _ := filepath.Rel(dir, path)
			parts := strings.Split(filepath.ToSlash(rel), "/")
			if parts[0] == "build" && len(parts) > 1 && parts[1] != sweptName {
				parts[1] = "K"
			}
			names = append(names, strings.Join(parts, "/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

// A build with nothing changed must not link again, and the binary stays the same file.
func TestBuildAgain(t *testing.T) {
	t.Parallel()
	p := newProject(t, unpack(t, hello), environ())
	o := Options{Env: environ()}
	out := p.build(o)
	first, _ := os.Stat(out)
	p.build(o)
	second, _ := os.Stat(out)
	if !os.SameFile(first, second) && !isWindows() {
		t.Error("the binary was made again")
	}
	write(t, filepath.Join(p.target.Dir, "main.go"), "package main\n\nfunc main() { println(\"changed\") }\n")
	p.build(o)
	third, _ := os.Stat(out)
	if os.SameFile(first, third) {
		t.Error("the binary was written over, not replaced")
	}
	if got := output(t, out); got != "changed" {
		t.Errorf("it prints %q", got)
	}
}

// What is in the way in the cache does not stop a build: a broken binary, folders of builds that were killed.
func TestBuildOverRemains(t *testing.T) {
	t.Parallel()
	p := newProject(t, unpack(t, hello), environ())
	o := Options{Env: environ()}
	out := Output(p.cache, p.target, o)
	write(t, out, "half a binary")
	old, recent := filepath.Join(filepath.Dir(out), workPrefix+"old"), filepath.Join(filepath.Dir(out), workPrefix+"recent")
	write(t, filepath.Join(old, "hello"), "x")
	write(t, filepath.Join(recent, "hello"), "x")
	long := time.Now().Add(-2 * staleAfter)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}
	if got := output(t, p.build(o)); got != "hello no a no b" {
		t.Errorf("it prints %q", got)
	}
	if _, err := os.Stat(old); err == nil {
		t.Error("the folder of an old build is still there")
	}
	if _, err := os.Stat(recent); err != nil {
		t.Error("the folder of a build that may still run is gone")
	}
}

func TestBuildWhileRunning(t *testing.T) {
	t.Parallel()
	dir := unpack(t, "-- go.mod --\nmodule example.com/wait\n\ngo 1.26\n-- main.go --\n"+
		"package main\n\nimport (\"bufio\"; \"fmt\"; \"os\")\n\nfunc main() {\n\tfmt.Println(\"up\")\n\tline, _ := bufio.NewReader(os.Stdin).ReadString('\\n')\n\tfmt.Print(\"old \" + line)\n}\n")
	env := environ()
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		env = append(env, "GOTMPDIR=/dev/shm") // another file system: the go command copies instead of renaming
	}
	p := newProject(t, dir, env)
	o := Options{Env: env}
	cmd := exec.CommandContext(t.Context(), p.build(o))
	stdin, _ := cmd.StdinPipe()
	stdout, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make([]byte, 100)
	n, _ := stdout.Read(read)
	write(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() { println(\"new\") }\n")
	out := p.build(o)
	stdin.Write([]byte("still here\n"))
	m, _ := stdout.Read(read[n:])
	if err := cmd.Wait(); err != nil || string(read[:n+m]) != "up\nold still here\n" {
		t.Errorf("the running program: %v, %q", err, read[:n+m])
	}
	if got := output(t, out); got != "new" {
		t.Errorf("it prints %q", got)
	}
}

func TestTwoBuildsAtOnce(t *testing.T) {
	t.Parallel()
	p := newProject(t, unpack(t, hello), environ())
	o := Options{Env: environ()}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			out := Output(p.cache, p.target, o)
			if _, err := Build(t.Context(), p.target, o, out, nil); err != nil {
				t.Error(err)
			} else if got, err := exec.Command(out).Output(); err != nil || string(got) != "hello no a no b\n" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	wg.Wait()
	if got := tree(t, p.cache); got != built && !isWindows() {
		t.Errorf("the cache holds %s", got)
	}
}

func TestNoGo(t *testing.T) {
	t.Parallel()
	dir := unpack(t, hello)
	env := []string{"PATH=" + dir, "GOENV=off", "HOME=" + dir}
	target, err := Find(dir, nil, env)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []event.Kind
	o := Options{Env: env}
	_, err = Build(t.Context(), target, o, Output(t.TempDir(), target, o), func(e event.Event) { kinds = append(kinds, e.Kind) })
	if _, ok := errors.AsType[*NoGoError](err); !ok {
		t.Errorf("the error is %T %v", err, err)
	}
	if len(kinds) > 0 {
		t.Errorf("events %v", kinds)
	}
}

// A go command that starts a child and never ends shows that cancelling ends both, and leaves nothing.
func TestCancel(t *testing.T) {
	t.Parallel()
	if isWindows() {
		t.Skip("needs a shell script as the go command")
	}
	dir := unpack(t, hello)
	script := "#!/bin/sh\n[ $1 = build ] || exit 0\nsleep 1000 &\necho $! >" + dir + "/child.part\nmv " + dir + "/child.part " + dir + "/child\nwait\n"
	write(t, filepath.Join(dir, "bin", "go"), script)
	if err := os.Chmod(filepath.Join(dir, "bin", "go"), 0o755); err != nil {
		t.Fatal(err)
	}
	env := environ("PATH=" + filepath.Join(dir, "bin") + ":" + os.Getenv("PATH"))
	p := newProject(t, dir, env)
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped by the user")
	go func() {
		eventually(t, "the child is there", func() bool { return isFile(filepath.Join(dir, "child")) })
		cancel(stopped)
	}()
	o := Options{Env: env}
	_, err := Build(ctx, p.target, o, Output(p.cache, p.target, o), nil)
	if err != stopped {
		t.Errorf("the error is %v", err)
	}
	if got := tree(t, p.cache); got != "build build/K build/K/Debug build/K/Debug.lock build/K/target.json" {
		t.Errorf("the cache holds %s", got)
	}
	pid, _ := os.ReadFile(filepath.Join(dir, "child"))
	eventually(t, "the child is gone", func() bool {
		return exec.Command("/bin/kill", "-0", strings.TrimSpace(string(pid))).Run() != nil
	})
}

func TestCancelRealBuild(t *testing.T) {
	t.Parallel()
	p := newProject(t, unpack(t, hello), environ())
	o := Options{Env: environ()}
	out := p.build(o)
	write(t, filepath.Join(p.target.Dir, "main.go"), "package main\n\nfunc main() { println(\"never\") }\n")
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Build(ctx, p.target, o, out, func(e event.Event) { cancel() }) // at the start
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if got := output(t, out); got != "hello no a no b" {
		t.Errorf("the last good binary prints %q", got)
	}
}

// eventually polls for something that another process does.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("waited in vain: %s", what)
			return
		}
	}
}
