package runs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Dir says where the records of this user are kept: $GORUN_RUN_DIR, else gorun in $XDG_RUNTIME_DIR, else gorun/run in
// the user's cache folder (as os.UserCacheDir finds it). Variables that hold no absolute path are passed over, but for
// GORUN_RUN_DIR, where that is an error. The folder need not exist.
func Dir(getenv func(string) string) (string, error) {
	if dir := getenv("GORUN_RUN_DIR"); dir != "" {
		if !filepath.IsAbs(dir) {
			return "", &FolderError{Dir: dir, Reason: "GORUN_RUN_DIR is not an absolute path", Advice: "set GORUN_RUN_DIR to an absolute path"}
		}
		return filepath.Clean(dir), nil
	}
	if dir := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "gorun"), nil
	}
	for _, dir := range cacheDirs(runtime.GOOS, getenv) {
		if filepath.IsAbs(dir) {
			return filepath.Join(dir, "gorun", "run"), nil
		}
	}
	return "", errors.New("there is no folder for the records of running programs: neither GORUN_RUN_DIR nor a home folder is set")
}

// cacheDirs gives the folders that os.UserCacheDir would look for, best first.
func cacheDirs(goos string, getenv func(string) string) []string {
	home := getenv("HOME")
	if home == "" {
		home = getenv("USERPROFILE")
	}
	switch goos {
	case "windows":
		return []string{getenv("LOCALAPPDATA"), filepath.Join(home, "AppData", "Local")}
	case "darwin":
		return []string{filepath.Join(home, "Library", "Caches")}
	default:
		return []string{getenv("XDG_CACHE_HOME"), filepath.Join(home, ".cache")}
	}
}

// FolderError says why a folder is not used for records. It is not repaired: another user may have put it there.
type FolderError struct {
	Dir    string
	Reason string // such as "other users can read it (mode 0755)"
	Advice string // what to do
}

func (e *FolderError) Error() string {
	return fmt.Sprintf("%s cannot hold the records of running programs: %s", e.Dir, e.Reason)
}

// Hint gives the Advice.
func (e *FolderError) Hint() string { return e.Advice }

// EnsureFolder makes dir where it is missing. What others could have put there, or could change, is a *FolderError.
func EnsureFolder(dir string) error {
	err := checkFolder(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return checkFolder(dir)
}

// checkFolder returns nil when dir is a folder that only this user can use. The error is fs.ErrNotExist when it is
// missing, else a *FolderError.
func checkFolder(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &FolderError{Dir: dir, Reason: "it is not a folder", Advice: "remove it, or set GORUN_RUN_DIR to another folder"}
	}
	return checkOwner(dir, info)
}
