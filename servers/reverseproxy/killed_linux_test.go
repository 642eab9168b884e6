package reverseproxy

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/sockets"
)

// TestKilledLauncher kills whoever started a front: the front is gone too, although nobody was left to stop it.
func TestKilledLauncher(t *testing.T) {
	each(t, func(t *testing.T, program Program) {
		launcher := exec.Command(must(os.Executable()), "-test.run=^TestLauncher$")
		dir := t.TempDir()
		launcher.Env = append(os.Environ(), "TEST_LAUNCHER="+string(program.Kind), "TMPDIR="+dir)
		launcher.Stderr = os.Stderr
		out, err := launcher.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := launcher.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if err := launcher.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = launcher.Wait() // it was killed
		addr := url(t, strings.TrimSpace(line)).Addrs()[0]
		for limit := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
			holder, found, err := sockets.Holder(addr)
			if err == nil && !found {
				break
			}
			if time.Now().After(limit) {
				t.Fatalf("%+v is left, %v", holder, err)
			}
		}
		sweeps(t, program, dir)
	})
}

// sweeps shows that the next front removes the files that were left, and none of a front that runs.
func sweeps(t *testing.T, program Program, dir string) {
	t.Helper()
	running, err := makeFolder(dir, Config{Program: program, App: url(t, "http://127.0.0.1:1")})
	if err != nil {
		t.Fatal(err)
	}
	release := claim(running)
	folders, err := filepath.Glob(filepath.Join(dir, "gorun-*"))
	if err != nil || len(folders) != 2 {
		t.Fatalf("got %v, %v", folders, err)
	}
	for _, folder := range folders {
		old := time.Now().Add(-2 * sweepAge)
		if err := os.Chtimes(filepath.Join(folder, lockFile), old, old); err != nil {
			t.Fatal(err)
		}
	}
	sweep(dir, program.Kind)
	if left, err := filepath.Glob(filepath.Join(dir, "gorun-*")); err != nil || len(left) != 1 || left[0] != running {
		t.Errorf("left is %v, %v", left, err)
	}
	release()
	sweep(dir, program.Kind)
	empty(t, dir)
}

// TestLauncher is the one that is killed.
func TestLauncher(t *testing.T) {
	kind := Kind(os.Getenv("TEST_LAUNCHER"))
	if kind == "" {
		return
	}
	c := Config{Program: installed(t, kind), App: url(t, "http://127.0.0.1:1"), Public: published(t, "http://127.0.0.1:0")}
	front, err := Start(t.Context(), c, Options{Env: os.Environ()})
	if err != nil {
		t.Fatal(explain(err))
	}
	fmt.Println(front.Endpoints()[0])
	_ = front.Wait()
}
