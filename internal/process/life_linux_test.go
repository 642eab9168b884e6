package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// marked returns the live processes that have marker in their arguments.
func marked(t testing.TB, marker string) []int {
	t.Helper()
	folder, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, entry := range folder {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		args, _ := os.ReadFile("/proc/" + entry.Name() + "/cmdline") // empty for a zombie
		if slices.Contains(strings.Split(string(args), "\x00"), marker) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func alive(pid int) bool {
	p, ok := (&procReader{}).stat(pid)
	return ok && !p.dead()
}

func newMarker(t testing.TB) string {
	return fmt.Sprintf("%s-%d-%d", strings.ReplaceAll(t.Name(), "/", "-"), os.Getpid(), time.Now().UnixNano())
}

// tool finds a program that a test needs.
func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case os.Getenv("GORUN_CI") != "":
		t.Fatal(err)
	}
	t.Skip(err)
	return ""
}

func TestEndBySignal(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL, syscall.SIGSEGV, syscall.SIGTERM} {
		tree, err := Start(Spec{Path: "/bin/sh", Args: []string{"-c", fmt.Sprintf("kill -%d $$", sig)}})
		if err != nil {
			t.Fatal(err)
		}
		status := wait(t, tree)
		if status.Signal() != sig || status.ExitCode() != 128+int(sig) || status.String() != "killed by "+signalName(sig) {
			t.Errorf("%v came out as %v, %d", sig, status, status.ExitCode())
		}
	}
}

// The callers' ways to end. A family of six processes must be gone afterwards, in which some ignore SIGTERM, and one
// has left its parent, its session and its environment.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		mode []string
		end  func(t *testing.T, cmd *exec.Cmd, caller, program, guard int)
	}{
		{"the caller is killed", nil, func(t *testing.T, cmd *exec.Cmd, caller, _, _ int) {
			_ = syscall.Kill(caller, syscall.SIGKILL)
		}},
		{"the caller's group is killed", nil, func(t *testing.T, cmd *exec.Cmd, caller, _, _ int) {
			_ = syscall.Kill(-caller, syscall.SIGKILL)
		}},
		{"the guard is killed", nil, func(t *testing.T, cmd *exec.Cmd, _, _, guard int) {
			_ = syscall.Kill(guard, syscall.SIGKILL)
		}},
		{"the program is killed", nil, func(t *testing.T, cmd *exec.Cmd, _, program, _ int) {
			_ = syscall.Kill(program, syscall.SIGKILL)
		}},
		{"the caller leaves", []string{"-leave"}, nil},
		{"the caller kills", []string{"-kill"}, nil},
		{"the guard stands still and the caller is killed", []string{"-fg"}, func(t *testing.T, cmd *exec.Cmd, caller, _, guard int) {
			_ = syscall.Kill(guard, syscall.SIGSTOP)
			until(t, "the guard stops", func() bool { return isStopped(guard) })
			_ = syscall.Kill(caller, syscall.SIGKILL)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			marker := newMarker(t)
			cmd := exec.Command(self(t), append(append([]string{"as:caller"}, test.mode...), self(t), "as:family", marker)...)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			in, _ := cmd.StdinPipe()
			out, write, _ := os.Pipe()
			cmd.Stdout, cmd.Stderr = write, write
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			write.Close()
			k := newTalk(t, out)
			callerPID, program, guard := pids(t, k.expect("caller: pid"))
			k.expect("program: ready")
			// the caller has the marker in its arguments too
			if found := marked(t, marker); len(found) != 6 {
				t.Errorf("%d processes with the marker, want the caller, the program and 4", len(found))
			}
			if test.end != nil {
				test.end(t, cmd, callerPID, program, guard)
			} else {
				fmt.Fprintln(in)
			}
			story := k.rest() // the end of the output says that nobody holds it any more
			err := cmd.Wait()
			t.Logf("%v: %v", err, story)
			until(t, "all are gone", func() bool { return len(marked(t, marker)) == 0 && !alive(guard) })
		})
	}
}

// A caller and a guard that are killed in one stroke still take the program with them.
func TestBothKilled(t *testing.T) {
	t.Parallel()
	for _, mode := range [][]string{nil, {"-pid"}} { // the death signal outlives the shim
		cmd, _, k := caller(t, append(mode, self(t), "as:signals")...)
		_, program, guard := pids(t, k.expect("caller: pid"))
		k.expect("program: ready")
		_ = syscall.Kill(guard, syscall.SIGSTOP) // it cannot do anything about it
		_ = syscall.Kill(cmd.Process.Pid, syscall.SIGSTOP)
		_ = syscall.Kill(cmd.Process.Pid, syscall.SIGKILL)
		_ = syscall.Kill(guard, syscall.SIGKILL)
		until(t, "the program is gone", func() bool { return !alive(program) })
	}
}

func TestLeftovers(t *testing.T) {
	t.Parallel()
	marker := newMarker(t)
	tree, err := Start(as(t, "parting", "3", marker))
	if err != nil {
		t.Fatal(err)
	}
	if status := wait(t, tree); status.ExitCode() != 3 {
		t.Error(status)
	}
	if left := marked(t, marker); len(left) != 0 {
		t.Errorf("left after Wait: %v", left)
	}
}

// Leftovers that heed SIGTERM cost less than the grace.
func TestPoliteLeftovers(t *testing.T) {
	t.Parallel()
	spec := Spec{Path: "/bin/sh", Args: []string{"-c", "sleep 1000 & sleep 1001 & exit 4"}, Env: os.Environ()}
	tree, err := Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if status := wait(t, tree); status.ExitCode() != 4 {
		t.Error(status)
	}
	t.Logf("%v of a grace of %v", time.Since(begin), Grace)
}

func TestKillInProcess(t *testing.T) {
	t.Parallel()
	for _, victim := range []string{"tree", "guard"} {
		t.Run(victim, func(t *testing.T) {
			t.Parallel()
			marker := newMarker(t)
			out, write, _ := os.Pipe()
			defer out.Close()
			spec := as(t, "family", marker)
			spec.Stdout = write
			tree, err := Start(spec)
			if err != nil {
				t.Fatal(err)
			}
			write.Close()
			newTalk(t, out).expect("ready")
			found, known := marked(t, marker), tree.PIDs()
			if len(known) != 5 || known[0] != tree.PID() {
				t.Errorf("PIDs %v of program %d", known, tree.PID())
			}
			slices.Sort(known)
			if !slices.Equal(found, known) {
				t.Errorf("PIDs %v, found %v", known, found)
			}
			if victim == "guard" {
				_ = syscall.Kill(tree.guard.pid, syscall.SIGKILL)
			} else if err := tree.Kill(); err != nil {
				t.Error(err)
			}
			if status := wait(t, tree); status.Signal() != syscall.SIGKILL {
				t.Error(status)
			}
			if left := marked(t, marker); len(left) != 0 {
				t.Errorf("left after Wait: %v", left)
			}
		})
	}
}

func TestForkBomb(t *testing.T) {
	t.Parallel()
	for _, victim := range []string{"tree", "guard", "program"} {
		t.Run(victim, func(t *testing.T) {
			marker := newMarker(t)
			tree, err := Start(as(t, "bomb", marker))
			if err != nil {
				t.Fatal(err)
			}
			until(t, "there are many", func() bool { return len(tree.PIDs()) > 60 })
			switch victim {
			case "guard":
				_ = syscall.Kill(tree.guard.pid, syscall.SIGKILL)
			case "program":
				_ = tree.Signal(syscall.SIGKILL)
			default:
				_ = tree.Kill()
			}
			wait(t, tree)
			if left := marked(t, marker); len(left) != 0 {
				t.Errorf("left after Wait: %v", left)
			}
		})
	}
}

// A guard may be killed at any moment after its birth: Start fails or Wait tells, and nothing hangs or stays.
// Not parallel, since it takes any guard for its own.
func TestGuardKilledEarly(t *testing.T) {
	failed, ended := 0, 0
	for i := range 40 {
		var hunter sync.WaitGroup
		hunter.Go(func() {
			until(t, "there is a guard", func() bool {
				for _, pid := range newProcReader().children(os.Getpid()) {
					if name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); !strings.HasPrefix(string(name), guardName) {
						continue
					}
					for begin := time.Now(); time.Since(begin) < time.Duration(i)*100*time.Microsecond; {
					}
					return syscall.Kill(pid, syscall.SIGKILL) == nil
				}
				return false
			})
		})
		marker := newMarker(t)
		spec := as(t, "stubborn", marker)
		spec.ListenPID = i%2 == 1 // while there is a shim, too
		tree, err := Start(spec)
		if err == nil {
			wait(t, tree)
			ended++
		} else if _, ok := errors.AsType[*StartError](err); ok {
			failed++
		} else {
			t.Error(err)
		}
		hunter.Wait()
		if left := marked(t, marker); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	}
	t.Logf("%d did not start, %d were ended", failed, ended)
}
