//go:build linux || darwin

package process

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

func TestPreparedGuard(t *testing.T) {
	t.Parallel()
	for _, killed := range []bool{false, true} {
		guard := Prepare(Spec{Stderr: os.Stderr})
		if killed { // as by a Ctrl+C while gorun still builds
			if err := syscall.Kill(guard.guard.pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
		tree, err := guard.Start(as(t, "exit", "7"))
		if err != nil {
			t.Fatalf("killed before: %v: %v", killed, err)
		}
		guard.Close() // does nothing now
		if status, err := tree.Wait(); status.ExitCode() != 7 || err != nil {
			t.Errorf("killed before: %v: got %v, %v", killed, status, err)
		}
	}
}

func TestClosedGuardIsGone(t *testing.T) {
	t.Parallel()
	guard := Prepare(Spec{})
	pid := guard.guard.pid
	guard.Close()
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the guard %d is still there: %v", pid, err)
	}
	guard.Close() // a second time does nothing
}

func TestPreparedGuardRefusesWhatStartRefuses(t *testing.T) {
	t.Parallel()
	guard := Prepare(Spec{})
	if _, err := guard.Start(Spec{Path: "/no/such/program"}); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("got %v", err)
	}
	guard = Prepare(Spec{})
	if _, err := guard.Start(Spec{Path: "/bin/true", Args: []string{"a\x00b"}}); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("got %v", err)
	}
}
