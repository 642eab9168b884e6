//go:build unix

package reverseproxy

import (
	"errors"
	"syscall"
)

// lives reports whether there is such a process.
func lives(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
