package stamp

import (
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/windows"
)

// basicInfo is FILE_BASIC_INFO: the only place where Windows tells the time of the last change, which no program sets
// back by setting the time of modification.
type basicInfo struct {
	CreationTime, LastAccessTime, LastWriteTime, ChangeTime int64 // in 100 ns since 1601
	Attributes                                              uint32
	_                                                       uint32
}

func look(path string) State {
	s, link := query(path, windows.FILE_FLAG_OPEN_REPARSE_POINT)
	if !link {
		return s
	}
	if s, _ = query(path, 0); s.Kind == Regular {
		s.Kind = Linked
	} else if s.Kind == Absent {
		s.Kind = Other
	}
	return s
}

// query asks for the state of one name; link says that it is a reparse point, such as a symbolic link.
func query(path string, flags uint32) (s State, link bool) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return State{Kind: Other}, false
	}
	handle, err := windows.CreateFile(name, windows.FILE_READ_ATTRIBUTES,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE, nil,
		windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS|flags, 0)
	switch err {
	case nil:
	case windows.ERROR_FILE_NOT_FOUND, windows.ERROR_PATH_NOT_FOUND:
		return State{Kind: Absent}, false
	default:
		return State{Kind: Other}, false
	}
	defer windows.CloseHandle(handle)
	var basic basicInfo
	var info windows.ByHandleFileInformation
	err = windows.GetFileInformationByHandleEx(handle, windows.FileBasicInfo, (*byte)(unsafe.Pointer(&basic)), uint32(unsafe.Sizeof(basic)))
	if err == nil {
		err = windows.GetFileInformationByHandle(handle, &info)
	}
	if err != nil {
		return State{Kind: Other}, false
	}
	const since1601 = 116444736000000000 // 1970 in units of 100 ns
	s = State{
		Kind:       Regular,
		Inode:      uint64(info.FileIndexHigh)<<32 | uint64(info.FileIndexLow),
		Size:       int64(info.FileSizeHigh)<<32 | int64(info.FileSizeLow),
		Modified:   (basic.LastWriteTime - since1601) * 100,
		ChangeTime: (basic.ChangeTime - since1601) * 100,
	}
	if info.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0 {
		s.Kind = Folded
	}
	return s, info.FileAttributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0
}

// folder is a folder whose files are looked at.
type folder struct{ path string }

func openFolder(path string) (folder, State) { return folder{path}, look(path) }

func (f folder) look(name string) State { return look(filepath.Join(f.path, filepath.FromSlash(name))) }

func (f folder) close() {}
