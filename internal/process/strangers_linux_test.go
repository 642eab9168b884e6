package process

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

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

// What a child of os/exec leaves behind comes to us, and must outlive a tree whose guard is killed. It runs alone: the tree of
// another test, whose guard is killed at the same time, might not have met the stranger yet.
func TestStrangers(t *testing.T) {
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
		if os.Getenv("GORUN_CI") != "" {
			t.Fatal("needs root, to make a program that becomes another user")
		}
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
		if os.Getenv("GORUN_CI") != "" {
			t.Fatal(err)
		}
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
