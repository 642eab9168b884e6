//go:build unix

package stamp

import (
	"golang.org/x/sys/unix"
)

func look(path string) State { return lookAt(unix.AT_FDCWD, path) }

// folder is an open folder, so that the files in it are found without walking the whole path each time.
type folder struct{ fd int }

// openFolder opens a folder and says what it is. A folder that cannot be opened has the kind Absent or Other.
func openFolder(path string) (folder, State) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return folder{-1}, look(path)
	}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return folder{fd}, State{Kind: Other}
	}
	return folder{fd}, stateOf(&st)
}

func (f folder) look(name string) State {
	if f.fd < 0 {
		return State{Kind: Absent}
	}
	return lookAt(f.fd, name)
}

func (f folder) close() {
	if f.fd >= 0 {
		unix.Close(f.fd)
	}
}

func lookAt(fd int, name string) State {
	var st unix.Stat_t
	err := unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	if err == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK {
		if unix.Fstatat(fd, name, &st, 0) != nil {
			return State{Kind: Other}
		}
		s := stateOf(&st)
		if s.Kind == Regular {
			s.Kind = Linked
		}
		return s
	}
	switch err {
	case nil:
		return stateOf(&st)
	case unix.ENOENT, unix.ENOTDIR:
		return State{Kind: Absent}
	}
	return State{Kind: Other}
}

func stateOf(st *unix.Stat_t) State {
	s := State{
		Kind: Other, Inode: st.Ino, Size: st.Size,
		Modified: st.Mtim.Nano(), ChangeTime: st.Ctim.Nano(),
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		s.Kind = Regular
	case unix.S_IFDIR:
		s.Kind = Folded
	}
	return s
}
