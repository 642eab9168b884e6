package devcert

import (
	"os"
	"syscall"
	"unsafe"
)

// lock waits until no other process has the lock. The system takes it back when a process dies.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	const exclusive = 2 // LOCKFILE_EXCLUSIVE_LOCK
	lockFileEx := syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx")
	var at syscall.Overlapped
	ok, _, err := lockFileEx.Call(f.Fd(), exclusive, 0, 1, 0, uintptr(unsafe.Pointer(&at)))
	if ok == 0 {
		_ = f.Close() // the first error is the one to tell
		return nil, err
	}
	return func() { _ = f.Close() }, nil // which gives it back
}
