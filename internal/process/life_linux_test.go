package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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
	cmd, _, k := caller(t, self(t), "as:signals")
	_, program, guard := pids(t, k.expect("caller: pid"))
	k.expect("program: ready")
	_ = syscall.Kill(guard, syscall.SIGSTOP) // it cannot do anything about it
	_ = syscall.Kill(cmd.Process.Pid, syscall.SIGSTOP)
	_ = syscall.Kill(cmd.Process.Pid, syscall.SIGKILL)
	_ = syscall.Kill(guard, syscall.SIGKILL)
	until(t, "the program is gone", func() bool { return !alive(program) })
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
		tree, err := Start(as(t, "stubborn", marker))
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

// Children that others start must keep their exit status and their lives while trees end around them.
func TestForeignChildren(t *testing.T) {
	t.Parallel()
	sleeper := exec.Command("/bin/sleep", "1000")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var others sync.WaitGroup
	count := 0
	others.Go(func() {
		for ; !stop.Load(); count++ {
			err := exec.Command("/bin/sh", "-c", "exit 5").Run()
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 5 {
				t.Errorf("a child of os/exec: %v", err)
				return
			}
		}
	})
	for i := range 30 {
		tree, err := Start(as(t, "exit", "9"))
		if err != nil {
			t.Fatal(err)
		}
		if i%3 == 0 {
			_ = syscall.Kill(tree.guard.pid, syscall.SIGKILL)
		}
		wait(t, tree)
	}
	stop.Store(true)
	others.Wait()
	t.Logf("%d children of os/exec", count)
	if !alive(sleeper.Process.Pid) {
		t.Error("a child of os/exec was killed")
	}
	_ = sleeper.Process.Kill()
	if err := sleeper.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Error(err)
	}
}

// What a child of os/exec leaves behind comes to us, and must outlive a tree whose guard is killed.
func TestStrangers(t *testing.T) {
	t.Parallel()
	tree, err := Start(Spec{Path: "/bin/sleep", Args: []string{"1000"}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("/bin/sh", "-c", "sleep 1002 >/dev/null 2>&1 & echo $!").Output()
	if err != nil {
		t.Fatal(err)
	}
	stranger, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	tree.orphans.meet() // as it does on SIGCHLD, which has been sent, but perhaps not come so far
	_ = syscall.Kill(tree.guard.pid, syscall.SIGKILL)
	wait(t, tree)
	if !alive(stranger) {
		t.Fatal("the stranger was killed")
	}
	again, err := Start(Spec{Path: "/bin/sleep", Args: []string{"1000"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = syscall.Kill(stranger, syscall.SIGKILL)
	until(t, "the stranger is reaped", func() bool { return syscall.Kill(stranger, 0) == syscall.ESRCH })
	_ = again.Kill()
	wait(t, again)
}

// As pid 1 of a container everybody's orphans come to the caller.
func TestFirstProcess(t *testing.T) {
	t.Parallel()
	unshare, nsenter := tool(t, "unshare"), tool(t, "nsenter")
	if exec.Command(unshare, "-pf", "--mount-proc", "true").Run() != nil {
		if os.Getenv("GORUN_CI") != "" {
			t.Fatal("unshare -pf does not work here")
		}
		t.Skip("unshare -pf does not work here")
	}
	marker := newMarker(t)
	out, write, _ := os.Pipe()
	defer out.Close()
	// nsenter is what docker exec does: its processes are children of nobody inside
	cmd := exec.Command(unshare, "-pf", "--mount-proc", self(t), "as:caller", self(t), "as:family", marker)
	cmd.Stdout, cmd.Stderr = write, write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	k := newTalk(t, out)
	first, _, _ := pids(t, k.expect("caller: pid"))
	if first != 1 {
		t.Fatalf("pid %d", first)
	}
	k.expect("program: ready")
	inside := newProcReader().children(cmd.Process.Pid)[0]
	orphan, err := exec.Command(nsenter, "-t", strconv.Itoa(inside), "-p", "-m", "/bin/sh", "-c",
		"sleep 0.05 >/dev/null 2>&1 & exec /bin/true").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, orphan)
	}
	until(t, "the orphan is reaped", func() bool {
		for _, p := range newProcReader().children(inside) {
			if q, ok := (&procReader{}).stat(p); ok && q.dead() {
				return false
			}
		}
		return len(newProcReader().children(inside)) == 1
	})
	_ = syscall.Kill(inside, syscall.SIGTERM)
	until(t, "all are gone", func() bool { return len(marked(t, marker)) == 0 })
	story := k.rest()
	if err := cmd.Wait(); err == nil || err.Error() != "exit status 143" {
		t.Errorf("%v: %v", err, story)
	}
}

// A process of another user cannot be killed: Wait says so and does not hang.
func TestOtherUsers(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root, to make a program that becomes another user")
	}
	dir, err := os.MkdirTemp("/tmp", "gorun-setuid-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	_ = os.Chmod(dir, 0o755)
	binary, err := os.ReadFile(self(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"plain": 0o755, "root": 0o755 | os.ModeSetuid} {
		if err := os.WriteFile(dir+"/"+name, binary, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir+"/"+name, mode); err != nil {
			t.Fatal(err)
		}
	}
	marker := newMarker(t)
	cmd := exec.Command(dir+"/plain", "as:caller", "/bin/sh", "-c", dir+"/root as:root "+marker+" & read line")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	cmd.Dir = "/"
	in, _ := cmd.StdinPipe()
	out, write, _ := os.Pipe()
	cmd.Stdout, cmd.Stderr = write, write
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	write.Close()
	k := newTalk(t, out)
	k.expect("program: root")
	in.Close()
	k.expect("processes of another user are left")
	_ = cmd.Wait()
	left := marked(t, marker)
	if len(left) != 1 {
		t.Errorf("left: %v", left)
	}
	for _, pid := range left {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// The program has the descriptors that a bare start gives, the extra ones, and no others.
func TestDescriptors(t *testing.T) {
	t.Parallel()
	bare, err := exec.Command(self(t), "as:descriptors").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := output(t, as(t, "descriptors")); got != string(bare) {
		t.Errorf("got %s, a bare start gives %s", got, bare)
	}
	file, err := os.Open(self(t))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	spec := as(t, "descriptors")
	spec.ExtraFiles = []*os.File{file, nil, file}
	got := output(t, spec)
	want := fmt.Sprintf("3 %[1]s\n4 /dev/null\n5 %[1]s\n", self(t))
	if got != want+string(bare) {
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
	for _, foreground := range []bool{true, false} {
		spec := Spec{Path: "/bin/grep", Args: grep, Env: os.Environ(), Foreground: foreground}
		if got := output(t, spec); got != string(want) {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	}
}

func TestGroup(t *testing.T) {
	t.Parallel()
	for _, foreground := range []bool{true, false} {
		tree, err := Start(Spec{Path: "/bin/sleep", Args: []string{"1000"}, Foreground: foreground})
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
