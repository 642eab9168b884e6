package gobuild

import "golang.org/x/sys/windows"

// What the system says of a folder that cannot be written to.
const (
	errReadOnly = windows.ERROR_WRITE_PROTECT
	errDiskFull = windows.ERROR_DISK_FULL
)
