//go:build darwin || linux

package wire

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Folder says where the broker of this user is: $GORUN_HTTPSYS, or gorun-httpsys in $XDG_RUNTIME_DIR when that is the user's
// own, or gorun-httpsys-UID in $TMPDIR (/tmp). It need not be there. getenv must not be nil. The error is a *FolderError for a
// GORUN_HTTPSYS that is not absolute.
func Folder(getenv func(string) string) (string, error) {
	return folder(getenv, os.Geteuid(), func(dir string) bool {
		info, err := os.Stat(dir)
		return err == nil && info.IsDir() && owner(info) == os.Geteuid()
	})
}

// folder is Folder, without a look at the disk: owned tells whether a folder is there and the user's own.
func folder(getenv func(string) string, uid int, owned func(string) bool) (string, error) {
	if dir := getenv(Variable); dir != "" {
		if !filepath.IsAbs(dir) {
			return "", &FolderError{Folder: dir, Reason: Variable + " is not an absolute path"}
		}
		return filepath.Clean(dir), nil
	}
	// A relative one is to be ignored, says the XDG specification. Another user's is there after su or sudo -E.
	if dir := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) && owned(dir) {
		return filepath.Join(dir, "gorun-httpsys"), nil
	}
	tmp := getenv("TMPDIR")
	if !filepath.IsAbs(tmp) {
		tmp = "/tmp"
	}
	return filepath.Join(tmp, "gorun-httpsys-"+strconv.Itoa(uid)), nil
}

// checkFolder says whether others may reach into it, or put another in its place.
func checkFolder(dir string) error {
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return &FolderError{Folder: dir, Reason: "it cannot be looked at", Err: err}
	case info.Mode()&fs.ModeSymlink != 0:
		return &FolderError{Folder: dir, Reason: "it is a symbolic link"}
	case !info.IsDir():
		return &FolderError{Folder: dir, Reason: "it is not a folder"}
	case owner(info) != os.Geteuid():
		return &FolderError{Folder: dir, Reason: "it belongs to user " + strconv.Itoa(owner(info))}
	case info.Mode().Perm()&0o077 != 0:
		return &FolderError{Folder: dir, Reason: "others may use it (mode " + strconv.FormatUint(uint64(info.Mode().Perm()), 8) + ")", ours: true}
	}
	return nil
}

func owner(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

// makeFolder makes it when it is not there, and checks it.
func makeFolder(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return &FolderError{Folder: dir, Reason: "it cannot be made", Err: err}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return &FolderError{Folder: dir, Reason: "it cannot be made", Err: err}
	}
	return checkFolder(dir)
}

// socketPath is that of the socket, or a *FolderError where the system has no room for it in an address.
func socketPath(dir string) (string, error) {
	path := filepath.Join(dir, SocketName)
	if most := len(syscall.RawSockaddrUnix{}.Path) - 1; len(path) > most {
		return "", &FolderError{Folder: dir, Reason: "the path of the socket in it has " + strconv.Itoa(len(path)) +
			" bytes, and the system takes " + strconv.Itoa(most)}
	}
	return path, nil
}
