//go:build unix

package gobuild

import (
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// What the system says of a folder that cannot be written to.
const (
	errReadOnly = syscall.EROFS
	errDiskFull = syscall.ENOSPC
)

// CanWrite reports whether this user may make files in a cache folder, which need not be there yet.
func CanWrite(cacheDir string) bool {
	for dir := cacheDir; ; dir = filepath.Dir(dir) {
		err := unix.Access(dir, unix.W_OK|unix.X_OK)
		if err == nil || err != unix.ENOENT || dir == filepath.Dir(dir) {
			return err == nil
		}
	}
}
