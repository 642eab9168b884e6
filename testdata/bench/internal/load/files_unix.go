//go:build unix

package load

import (
	"math"
	"syscall"
)

// openFiles is how many files a process may have open. Go's runtime has already raised the limit of this process to all
// that it may be, and does so in the servers as well.
func openFiles() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	return int(min(uint64(limit.Cur), math.MaxInt32)), nil
}
