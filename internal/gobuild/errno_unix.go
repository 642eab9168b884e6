//go:build unix

package gobuild

import "syscall"

// What the system says of a folder that cannot be written to.
const (
	errReadOnly = syscall.EROFS
	errDiskFull = syscall.ENOSPC
)
