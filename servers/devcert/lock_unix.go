//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package devcert

import (
	"errors"
	"os"
	"syscall"
)

// lock waits until no other process has the lock. The system takes it back when a process dies.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil && !errors.Is(err, errors.ErrUnsupported) { // some network file systems have no locks
		_ = f.Close() // the first error is the one to tell
		return nil, err
	}
	return func() { _ = f.Close() }, nil // which gives it back
}
