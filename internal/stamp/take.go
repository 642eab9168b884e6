package stamp

import (
	"path/filepath"
	"time"
)

// Taker takes the stamp of an output that has just been made. What may have changed since Begun counts only where
// Before says what it was then.
type Taker struct {
	List   Lister
	Begun  time.Time // just before the making began
	Before Stamp     // of files and folders as they were between a moment before Begun and Begun; may lack any of them

	files   map[string]File
	folders map[string]Folder // by path and rule
}

// Take returns the stamp of the output, with the files at the given paths, which may be absent, and the given
// folders, of which only Path and Rule are read. What changed while the output was made is in it without a sum.
func (t *Taker) Take(output string, files []string, folders []Folder) Stamp {
	t.index()
	s := Stamp{Taken: time.Now().UnixNano(), Output: File{Name: output, State: Look(output)}}
	for _, path := range files {
		s.Files = append(s.Files, t.file(path, path, Look(path)))
	}
	s.Folders = make([]Folder, len(folders))
	spread(len(folders), func(i int) { s.Folders[i] = t.folder(folders[i].Path, folders[i].Rule) })
	s.Sort()
	return s
}

func (t *Taker) index() {
	t.files = make(map[string]File)
	t.folders = make(map[string]Folder, len(t.Before.Folders))
	for _, f := range t.Before.Files {
		t.files[f.Name] = f
	}
	for _, folder := range t.Before.Folders {
		t.folders[folder.Path+"\x00"+folder.Rule] = folder
		for _, f := range folder.Files {
			t.files[f.path(folder.Path)] = f
		}
	}
}

// since reports whether a file in this state may have changed after the making began.
func (t *Taker) since(s State) bool { return !s.settled(t.Begun.UnixNano()) }

// file returns a file with the content that it had while the output was made.
func (t *Taker) file(name, path string, now State) File {
	was, known := t.files[path]
	switch {
	case known && was.State == now && !t.since(now):
		return File{Name: name, State: now, Sum: was.Sum}
	case known && was.State.Kind != now.Kind:
		return File{Name: name, State: State{Kind: Unknown}}
	case !now.content():
		return File{Name: name, State: now}
	case known && was.State != now, !known && t.since(now):
		return File{Name: name, State: now}
	}
	sum := sumFile(path)
	if Look(path) != now || known && was.Sum != sum {
		sum = Sum{}
	}
	return File{Name: name, State: now, Sum: sum}
}

// folder returns a folder with the files that it had while the output was made.
func (t *Taker) folder(path, rule string) Folder {
	opened, _ := openFolder(path)
	defer opened.close()
	is, ok := listFolder(t.List, path, rule, opened)
	was, known := t.folders[path+"\x00"+rule]
	for i, d := range is.Dirs {
		if ok && t.since(d.State) && !(known && sameNames(was.Files, is.Files)) {
			is.Dirs[i].State = State{Kind: Unknown}
		}
	}
	for i, f := range is.Files {
		is.Files[i] = t.file(f.Name, filepath.Join(path, filepath.FromSlash(f.Name)), f.State)
	}
	return is
}

func sameNames(a, b []File) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name {
			return false
		}
	}
	return true
}

// Snapshot returns files and folders as they are, for Taker.Before, where there is no older stamp of them.
func Snapshot(list Lister, files []string, folders []Folder) Stamp {
	s := Stamp{Output: File{State: State{Kind: Absent}}}
	for _, path := range files {
		s.Files = append(s.Files, File{Name: path, State: State{Kind: Absent}})
	}
	for _, f := range folders {
		s.Folders = append(s.Folders, Folder{Path: f.Path, Rule: f.Rule, Dirs: []Dir{{Path: ".", State: State{Kind: Unknown}}}})
	}
	return s.Check(list).Now
}
