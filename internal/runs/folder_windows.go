package runs

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// checkOwner takes every folder: below the user's profile Windows lets in that user, administrators and the system.
// Whoever sets GORUN_RUN_DIR to another place is left to know who can use it.
func checkOwner(string, fs.FileInfo) error { return nil }

// replace gives the file from the name to, in one step. Windows refuses while a reader has the old file open, which
// takes microseconds, so it is tried again for a while.
func replace(from, to string) error {
	var err error
	for range 50 {
		err = os.Rename(from, to)
		if !errors.Is(err, windows.ERROR_ACCESS_DENIED) && !errors.Is(err, windows.ERROR_SHARING_VIOLATION) {
			return err
		}
		time.Sleep(2 * time.Millisecond)
	}
	return err
}
