package process

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
)

// onTerminal runs a command as the leader of a session with a terminal of its own.
func onTerminal(t *testing.T, name string, args ...string) (*exec.Cmd, *os.File, *talk) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "TERM=dumb", `PS1=prompt>\n`, "HISTFILE=")
	keyboard, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 30, Cols: 111})
	if err != nil {
		t.Fatal(err)
	}
	// Fd, which the start needs, has made it blocking: then Close would wait for a reader that waits for the terminal.
	conn, err := keyboard.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Control(func(fd uintptr) { _ = syscall.SetNonblock(int(fd), true) })
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		keyboard.Close()
	})
	return cmd, keyboard, newTalk(t, keyboard)
}

// press types on the keyboard of a terminal.
func press(t *testing.T, keyboard *os.File, keys string) {
	t.Helper()
	if _, err := keyboard.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// The program gets every signal once, whichever way it comes. SIGUSR1 afterwards marks the end of what may come: it is
// passed on later than a second copy of the signal before it would be.
func TestOneSignal(t *testing.T) {
	t.Parallel()
	kill := func(sig syscall.Signal, pid func(caller int) int) func(*os.File, int) {
		return func(_ *os.File, caller int) { _ = syscall.Kill(pid(caller), sig) }
	}
	one := func(caller int) int { return caller }
	group := func(caller int) int { return -caller }
	tests := []struct {
		name string
		send func(keyboard *os.File, caller int)
		want string
	}{
		{"Ctrl+C", func(keyboard *os.File, _ int) { _, _ = keyboard.WriteString("\x03") }, "SIGINT"},
		{"Ctrl+backslash", func(keyboard *os.File, _ int) { _, _ = keyboard.WriteString("\x1c") }, "SIGQUIT"},
		{"SIGINT to the caller", kill(syscall.SIGINT, one), "SIGINT"},
		{"SIGHUP to the caller", kill(syscall.SIGHUP, one), "SIGHUP"},
		{"SIGINT to the group", kill(syscall.SIGINT, group), "SIGINT"},
		{"SIGUSR2 to the group", kill(syscall.SIGUSR2, group), "SIGUSR2"},
		{"size of the window", func(keyboard *os.File, _ int) {
			rows, cols, _ := pty.Getsize(keyboard)
			_ = pty.Setsize(keyboard, &pty.Winsize{Rows: uint16(rows + 1), Cols: uint16(cols)})
		}, "SIGWINCH"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, keyboard, k := onTerminal(t, self(t), "as:caller", "-fg", self(t), "as:signals")
			callerPID, _, _ := pids(t, k.expect("caller: pid"))
			k.expect("program: ready")
			for range 3 {
				test.send(keyboard, callerPID)
				k.expect("program: got " + test.want)
				_ = syscall.Kill(callerPID, syscall.SIGUSR1)
				if line := k.expect("program: got"); !strings.Contains(line, "SIGUSR1") {
					t.Fatalf("after %s: %s", test.want, line)
				}
			}
			_ = syscall.Kill(callerPID, syscall.SIGTERM)
			k.expect("program: got SIGTERM")
			k.expect("caller: exit code 7")
		})
	}
}

// Off a terminal everything is passed on, once.
func TestSignalWithoutTerminal(t *testing.T) {
	t.Parallel()
	cmd, _, k := caller(t, self(t), "as:signals")
	k.expect("program: ready")
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGUSR2, syscall.SIGHUP} {
		_ = cmd.Process.Signal(sig)
		k.expect("program: got " + signalName(sig))
		_ = cmd.Process.Signal(syscall.SIGUSR1)
		if line := k.expect("program: got"); !strings.Contains(line, "SIGUSR1") {
			t.Fatalf("after %v: %s", sig, line)
		}
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	k.expect("caller: exit code 7")
	if err := cmd.Wait(); err == nil || err.Error() != "exit status 7" {
		t.Error(err)
	}
}

// The terminal goes away: all get SIGHUP from it, and the program ends by it.
func TestHangUp(t *testing.T) {
	t.Parallel()
	marker := newMarker(t)
	_, keyboard, k := onTerminal(t, self(t), "as:caller", "-fg", "/bin/sh", "-c", "echo up; read line", marker)
	_, _, guard := pids(t, k.expect("caller: pid"))
	k.expect("up")
	keyboard.Close()
	until(t, "all are gone", func() bool { return len(marked(t, marker)) == 0 && !alive(guard) })
}

func TestTerminalIsTheProgramsOwn(t *testing.T) {
	t.Parallel()
	_, keyboard, k := onTerminal(t, self(t), "as:caller", "-fg", "/bin/sh", "-c",
		"test -t 0 && test -t 1 && test -t 2 && stty size && stty raw && stty sane && read line && echo got $line; exit 8")
	k.expect("30 111")
	press(t, keyboard, "some input\n")
	k.expect("got some input")
	k.expect("caller: exit code 8")
}

// A shell with job control stops and continues caller, guard and program together.
func TestJobControl(t *testing.T) {
	t.Parallel()
	bash := tool(t, "bash")
	_, keyboard, k := onTerminal(t, bash, "--norc", "--noprofile", "-i")
	k.expect("prompt>") // what is typed before a prompt may get lost
	press(t, keyboard, fmt.Sprintf("%s as:caller -fg %s as:signals\n", self(t), self(t)))
	callerPID, program, guard := pids(t, k.expect("caller: pid"))
	k.expect("program: ready")
	for range 2 {
		press(t, keyboard, "\x1a")
		k.expect("Stopped")
		k.expect("prompt>")
		for _, pid := range []int{callerPID, program, guard} {
			until(t, "all stand still", func() bool { return threadsStopped(pid) })
		}
		press(t, keyboard, "fg\n")
		k.expect("program: got SIGCONT")
		press(t, keyboard, "hello\n")
		k.expect("program: read hello")
	}
	press(t, keyboard, "\x03")
	k.expect("program: got SIGINT")
	_ = syscall.Kill(callerPID, syscall.SIGTERM)
	k.expect("caller: exit code 7")
	k.expect("prompt>")
	press(t, keyboard, "echo st$((1+1))tus $?\n")
	k.expect("st2tus 7")
	until(t, "the guard is gone", func() bool { return !alive(guard) })
}

// threadsStopped reports whether all threads of a process stand still: one that reads the terminal may otherwise take
// what is typed for the shell.
func threadsStopped(pid int) bool {
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, task := range tasks {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/stat", pid, task.Name()))
		if p, ok := parseStat(text); ok && p.state != 'T' {
			return false
		}
	}
	return len(tasks) > 0
}

// A program that stops itself, as pagers and editors do, gives the terminal back to the shell.
func TestProgramStopsItself(t *testing.T) {
	t.Parallel()
	bash := tool(t, "bash")
	_, keyboard, k := onTerminal(t, bash, "--norc", "--noprofile", "-i")
	k.expect("prompt>") // what is typed before a prompt may get lost
	press(t, keyboard, fmt.Sprintf("%s as:caller -fg /bin/sh -c 'echo before; kill -STOP $$; echo af\"\"ter; exit 5'\n", self(t)))
	k.expect("before")
	k.expect("Stopped")
	k.expect("prompt>")
	press(t, keyboard, "fg\n")
	k.expect("after")
	k.expect("caller: exit code 5")
}

// A shell as the program makes a group of its own and takes the terminal. Afterwards that is the caller's again, even
// if the shell could not give it back.
func TestShellAsProgram(t *testing.T) {
	t.Parallel()
	bash := tool(t, "bash")
	_, keyboard, k := onTerminal(t, bash, "--norc", "--noprofile", "-i")
	k.expect("prompt>") // what is typed before a prompt may get lost
	inner := fmt.Sprintf("%s as:caller -fg %s --norc --noprofile -i\n", self(t), bash)
	press(t, keyboard, inner)
	callerPID, program, _ := pids(t, k.expect("caller: pid"))
	k.expect("prompt>")
	press(t, keyboard, "echo in$((1+1))er\n")
	k.expect("in2er")
	k.expect("prompt>")
	until(t, "the shell has the terminal", func() bool { return foregroundOf(t, keyboard) == program })
	press(t, keyboard, "sh -c 'echo j$((1+1))b; exec sleep 1000'\n")
	k.expect("j2b")
	until(t, "the job has the terminal", func() bool {
		group := foregroundOf(t, keyboard)
		return group != program && group != callerPID
	})
	press(t, keyboard, "\x03")
	until(t, "the shell has the terminal", func() bool { return foregroundOf(t, keyboard) == program })
	k.expect("prompt>")
	press(t, keyboard, "kill -9 $$\n")
	k.expect("caller: killed by SIGKILL")
	k.expect("prompt>")
	press(t, keyboard, "echo out$((1+1))er $?\n")
	k.expect("out2er 137")

	// a caller without a shell above it: only we can give the terminal back
	_, keyboard, k = onTerminal(t, self(t), "as:caller", "-fg", bash, "--norc", "--noprofile", "-i")
	callerPID, program, _ = pids(t, k.expect("caller: pid"))
	until(t, "the shell has the terminal", func() bool { return foregroundOf(t, keyboard) == program })
	_ = syscall.Kill(program, syscall.SIGKILL)
	k.expect("caller: killed by SIGKILL")
}

// foregroundOf returns the group that has the terminal, seen from the other end.
func foregroundOf(t *testing.T, keyboard *os.File) int {
	t.Helper()
	group, err := ioctlGetInt(keyboard)
	if err != nil {
		t.Fatal(err)
	}
	return group
}

// Retaking the terminal, seen by a caller that asks for it after Wait.
func TestRetakeTerminal(t *testing.T) {
	t.Parallel()
	_, _, k := onTerminal(t, self(t), "as:retaker", self(t), "as:taker")
	if line := k.expect("retaker:"); !strings.Contains(line, "retaker: true SigIgn") {
		t.Error(line)
	}
}

// In a pipe, the reader sees the end as soon as the tree is gone.
func TestPipeline(t *testing.T) {
	t.Parallel()
	_, _, k := onTerminal(t, "/bin/sh", "-c", fmt.Sprintf("%s as:caller -fg /bin/echo through a pipe 2>/dev/null | tee /dev/null; echo tee ended", self(t)))
	k.expect("through a pipe")
	k.expect("tee ended")
}
