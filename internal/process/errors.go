package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// StartError says that a program could not be started. It unwraps to the system's error, so that
// errors.Is(err, fs.ErrNotExist) and the like work.
type StartError struct {
	Path string // the program
	Dir  string // its working directory; "" when that is the caller's
	Err  error  // the system's, a syscall.Errno where there is one

	BadDir bool // the fault is the working directory's, not the program's
}

// fault makes the StartError of s, and looks at the disk to tell a bad folder from a bad program: the system
// reports both with the same number.
func (s Spec) fault(err error) *StartError {
	fault := &StartError{Path: s.Path, Dir: s.Dir, Err: err}
	if s.Dir != "" && !errors.Is(err, syscall.EINVAL) {
		info, statErr := os.Stat(s.Dir)
		fault.BadDir = statErr != nil || !info.IsDir()
	}
	return fault
}

func (e *StartError) Error() string {
	if e.BadDir {
		return fmt.Sprintf("cannot start %s in folder %s: %v", e.Path, e.Dir, e.Err)
	}
	if errors.Is(e.Err, syscall.EINVAL) {
		return fmt.Sprintf("cannot start %q: its path, an argument or a variable is not valid (a NUL character?)", e.Path)
	}
	return fmt.Sprintf("cannot start %s: %v", e.Path, e.Err)
}

func (e *StartError) Unwrap() error { return e.Err }

// Hint says what to do about it, or is empty.
func (e *StartError) Hint() string {
	switch {
	case e.BadDir && errors.Is(e.Err, fs.ErrNotExist):
		return "create the folder, or choose another working directory"
	case e.BadDir:
		return "choose another working directory"
	case errors.Is(e.Err, syscall.ENOEXEC):
		return "the file is no program for this system; a script needs a first line such as #!/bin/sh"
	case errors.Is(e.Err, fs.ErrPermission):
		return "check that the file may be executed"
	case errors.Is(e.Err, fs.ErrNotExist) && exists(e.Path):
		return "the file is there, but not the interpreter or loader that it names"
	}
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// LeftError says that processes of a tree are still alive, because the system does not let us kill them: they
// belong to another user (a program that sudo started).
type LeftError struct {
	PIDs []int
}

func (e *LeftError) Error() string {
	pids := make([]string, len(e.PIDs))
	for i, pid := range e.PIDs {
		pids[i] = fmt.Sprint(pid)
	}
	return "processes of another user are left, which must not be killed: " + strings.Join(pids, ", ")
}

// Hint says what to do about it.
func (e *LeftError) Hint() string { return "end them as the user that they belong to" }
