package process

import (
	"fmt"
	"syscall"
)

// Status says how a program ended. The zero Status is exit code 0.
type Status struct {
	code   int
	signal syscall.Signal // 0: it ended by itself
}

// ExitCode is the program's exit code, or, as shells have it, 128+n after signal n. On Windows it is the whole
// 32-bit number.
func (s Status) ExitCode() int {
	if s.signal != 0 {
		return 128 + int(s.signal)
	}
	return s.code
}

// Signal is the signal that ended the program, or 0 when it ended by itself (on Windows: always).
func (s Status) Signal() syscall.Signal { return s.signal }

// String is "exit code 2" or "killed by SIGKILL".
func (s Status) String() string {
	switch {
	case s.signal != 0:
		return "killed by " + signalName(s.signal)
	case s.code > 255: // an NTSTATUS, which people look up by its hexadecimal form
		return fmt.Sprintf("exit code %#x", s.code)
	}
	return fmt.Sprintf("exit code %d", s.code)
}
