// Package process starts one program and answers for everything that comes of it: its children, their children, and
// those that left the session, cleared their environment or lost their parents. All of it is gone when the Tree's
// Wait returns, and also when the process that called Start ends, in whatever way it ends.
//
// On Linux this rests on two nested subreapers. Start marks its own process as one, and runs a guard: the same
// executable again, which is one too and starts the program. When the caller dies, the guard's control socket
// closes and it kills all of its descendants; when the guard is killed, its descendants are handed by the kernel to
// the caller, which kills them. On Windows it is a job object that the system kills with its last handle. macOS has
// neither: there the guard remembers the descendants that it sees, see kin_darwin.go for the limits.
//
// An executable that imports the package is a guard by that alone, and the shim that tells a program its pid (LISTEN_PID),
// see init.
//
// The package knows nothing of profiles, prints nothing, and passes nothing on of its own accord: signals are handed
// in by the caller. Children that others start with os/exec are neither killed nor reaped. All methods of a Tree may
// be called from several goroutines at once; its goroutines end by themselves before Wait returns.
package process

import (
	"os"
	"strings"
	"syscall"
	"time"
)

// Grace is how long what a program leaves behind when it ends by itself has, after SIGTERM, until it is killed.
// It is cut short when nothing is left.
const Grace = 500 * time.Millisecond

// Spec says what to start. Nothing of it is changed or added to, LISTEN_PID apart: the program sees exactly this.
type Spec struct {
	Path string   // absolute path of the program, which is also its argv[0]
	Args []string // arguments, without the program's name
	Env  []string // the whole environment, as KEY=VALUE; nil is an empty one
	Dir  string   // absolute working directory; "" is the caller's

	// Stdin, Stdout and Stderr are inherited as they are, so a terminal stays one; nil is the null device.
	// They stay the caller's to close.
	Stdin, Stdout, Stderr *os.File

	// ExtraFiles become the descriptors 3, 4, ... of the program (not on Windows). They stay the caller's to close.
	// Descriptors that the caller itself was started with and did not mark close-on-exec are inherited at their
	// numbers, as from a shell.
	ExtraFiles []*os.File

	// ListenPID gives the program LISTEN_PID, its own process id, as what is handed over by systemd's protocol needs it
	// (sd_listen_fds(3)); one that Env has is replaced. The id is known only when there is a process: it begins as a shim,
	// which is this executable once more, and becomes the program when it has seen to that. On Windows Start fails, with
	// errors.ErrUnsupported.
	ListenPID bool

	// Foreground lets the program share the caller's process group, so that it may read the terminal and gets
	// Ctrl+C from there. Otherwise it has a group of its own, and gets what Tree.Signal passes on.
	Foreground bool
}

// argv is the whole argument vector of the program.
func (s Spec) argv() []string { return append([]string{s.Path}, s.Args...) }

// check finds what no system call can express: a NUL ends a string there, and would cut it silently.
func (s Spec) check() error {
	for _, list := range [][]string{{s.Path, s.Dir}, s.Args, s.Env} {
		for _, text := range list {
			if strings.IndexByte(text, 0) >= 0 {
				return s.fault(syscall.EINVAL)
			}
		}
	}
	return nil
}

// programFirst moves the program to the front of the processes of its tree, where it is among them.
func programFirst(pids []int, program int) []int {
	for i, pid := range pids {
		if pid == program {
			copy(pids[1:i+1], pids[:i])
			pids[0] = program
		}
	}
	return pids
}
