//go:build linux || darwin

package process

import (
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// shimName is the shim's argv[0]. Nobody sees it for longer than the shim lives.
const shimName = "gorun-shim"

// shimFailed is the exit code of a shim that could not become the program. The guard has been told why.
const shimFailed = 1

// A shim is what the process of a program is at first, where something has to be done in that process itself before the
// program begins: where it has to know its own id. It is this executable again, and nothing of it is left when it has
// executed the program: descriptors, group, parent-death signal and what becomes of signals were made by the fork.
//
// It gets the task over a socket, since its environment would act on its own runtime, and its arguments may be read by
// everybody. The socket is close-on-exec: where it ends without an answer, the program runs.

// forkShim starts a shim and waits until it is the program, or could not be.
func (g *guard) forkShim() (pid int, err error) {
	path, err := ownExecutable()
	if err != nil {
		return 0, syscall.ENOENT
	}
	ours, theirs, err := socketpair()
	if err != nil {
		return 0, err
	}
	defer syscall.Close(ours)
	files := g.files()
	pid, err = syscall.ForkExec(path, []string{shimName, strconv.Itoa(len(files))}, &syscall.ProcAttr{
		Dir: g.task.dir, Env: []string{"GOMAXPROCS=1"}, Files: append(files, uintptr(theirs)), Sys: programAttr(g.task.foreground),
	})
	syscall.Close(theirs)
	if err != nil {
		return 0, err
	}
	_, _ = rawFile(ours).Write(g.task.bytes()) // a shim that was killed is told as a program that was
	if errno := readFailure(rawFile(ours)); errno != 0 {
		child{pid: pid, pidfd: -1}.wait()
		return 0, errno
	}
	return pid, nil
}

// readFailure waits until the other end is closed, and gives the error number that came before, or 0.
func readFailure(from io.Reader) syscall.Errno {
	r, err := readReport(from)
	if err != nil || r.kind != reportFailed {
		return 0
	}
	return syscall.Errno(r.value)
}

// shimMain is the shim's whole life, if this process is one. It returns only where the program cannot be executed. Where
// isShim is false, it has done nothing.
//
// It runs on the process's first thread, as everything does before main: the parent-death signal is that thread's, and stays
// with the process because it is that thread that executes the program.
func shimMain() (exitCode int, isShim bool) {
	if os.Args[0] != shimName || len(os.Args) != 2 {
		return 0, false
	}
	fd, err := strconv.Atoi(os.Args[1])
	if err != nil || fd < 3 {
		return shimFailed, true
	}
	syscall.CloseOnExec(fd)
	t, err := readTask(rawFile(fd))
	if err != nil { // the guard is dead
		return shimFailed, true
	}
	errno, _ := t.become().(syscall.Errno)
	_, _ = rawFile(fd).Write(report{reportFailed, uint32(errno)}.bytes())
	return shimFailed, true
}

// become does what has to be done in the program's own process, and executes the program. It returns only when it fails.
func (t task) become() error {
	if t.listenPID {
		t.env = withListenPID(t.env)
	}
	return syscall.Exec(t.path, t.argv(), t.env)
}

// withListenPID gives env with LISTEN_PID as this process's id, in place of one that is there.
func withListenPID(env []string) []string {
	const name = "LISTEN_PID="
	list := make([]string, 0, len(env)+1)
	for _, entry := range env {
		if !strings.HasPrefix(entry, name) {
			list = append(list, entry)
		}
	}
	return append(list, name+strconv.Itoa(os.Getpid()))
}
