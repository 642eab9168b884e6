//go:build unix

package runs

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// checkOwner wants a folder of this user's that nobody else can look into.
func checkOwner(dir string, info fs.FileInfo) error {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
		return &FolderError{Dir: dir, Reason: fmt.Sprintf("it belongs to another user (uid %d)", stat.Uid),
			Advice: "set GORUN_RUN_DIR to a folder of your own"}
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return &FolderError{Dir: dir, Reason: fmt.Sprintf("other users can use it (mode %04o)", mode),
			Advice: fmt.Sprintf("run chmod 700 %s, or set GORUN_RUN_DIR to another folder", dir)}
	}
	return nil
}

// replace gives the file from the name to, in one step: a reader sees the old file or the new one.
func replace(from, to string) error { return os.Rename(from, to) }
