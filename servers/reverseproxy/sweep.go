package reverseproxy

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

const (
	lockFile = "lock"

	// sweepAge is how old a folder must be to be looked at: a young one may be about to be claimed.
	sweepAge = time.Minute
)

// claim says that a front uses the folder. The lock goes with this process, however that ends. A file system without
// locks has none to give, and then sweep takes none.
func claim(folder string) (release func()) {
	lock := flock.New(filepath.Join(folder, lockFile), flock.SetPermissions(0o600))
	if _, err := lock.TryLock(); err != nil {
		return func() {}
	}
	return func() { _ = lock.Close() }
}

// sweep removes the folders of fronts whose launcher was killed: the processes end with it, and nobody was left to
// remove the files, a certificate's key among them.
func sweep(parent string, kind Kind) {
	if parent == "" {
		parent = os.TempDir()
	}
	entries, err := os.ReadDir(parent)
	if err != nil {
		return // making a folder there will say why
	}
	for _, entry := range entries {
		folder := filepath.Join(parent, entry.Name())
		if strings.HasPrefix(entry.Name(), prefix(kind)) && isAbandoned(folder) {
			_ = os.RemoveAll(folder) // it may be another user's
		}
	}
}

// isAbandoned reports whether a folder that claim has seen belongs to nobody any more.
func isAbandoned(folder string) bool {
	if info, err := os.Lstat(folder); err != nil || info.Mode() != fs.ModeDir|0o700 {
		return false
	}
	path := filepath.Join(folder, lockFile)
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || time.Since(info.ModTime()) < sweepAge {
		return false
	}
	lock := flock.New(path)
	defer lock.Close()
	free, err := lock.TryLock()
	return free && err == nil
}
