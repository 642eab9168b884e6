package stamp

import (
	"slices"
	"time"
)

// Taker takes the stamp of an output that has just been made. Of files and folders that Before does not have, nobody
// knows what they were while it was made.
type Taker struct {
	Rules  Rules
	Before Stamp // of files and folders as they were before the making began

	files   map[string]File
	folders map[string]Folder // by path and rule
}

// Take returns the stamp of the output, with the files at the given paths, which may be absent, and the given
// folders, of which only Path and Rule are read. What may not be as it was before the making is in it without a sum.
func (t *Taker) Take(output string, files []string, folders []Folder) Stamp {
	t.index()
	s := Stamp{Taken: time.Now().UnixNano(), Output: File{Name: output, State: Look(output)}}
	for _, path := range files {
		s.Files = append(s.Files, t.file(File{Name: path, State: Look(path)}, path, ""))
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

// file returns a file, of which Name and State are known, with the content that it had while the output was made.
func (t *Taker) file(now File, path, rule string) File {
	was, known := t.files[path]
	return t.as(was, known, now, path, rule)
}

// as is file where it is known how the file was before.
func (t *Taker) as(was File, known bool, now File, path, rule string) File {
	switch {
	case !known, was.State.Kind != now.State.Kind:
		return File{Name: now.Name, State: State{Kind: Unknown}}
	case !now.State.content(), was.State != now.State:
		return now
	case now.State.settled(t.Before.Taken):
		now.Sum, now.Part = was.Sum, was.Part
		return now
	}
	is := now.sum(path, t.Rules, rule)
	if Look(path) != now.State || was.Sum != is.Sum {
		return now
	}
	return is
}

// folder returns a folder with the files that it had while the output was made.
func (t *Taker) folder(path, rule string) Folder {
	opened, state := openFolder(path)
	defer opened.close()
	was, known := t.folders[path+"\x00"+rule]
	if known && was.sameListing(opened, state, t.Before.Taken) {
		is := Folder{Path: path, Rule: rule, Dirs: was.Dirs, Files: make([]File, len(was.Files))}
		for i, f := range was.Files {
			is.Files[i] = t.as(f, true, File{Name: f.Name, State: opened.look(f.Name)}, f.path(path), rule)
		}
		return is
	}
	is, _ := listFolder(t.Rules, path, rule, opened)
	known = known && sameNames(was.Files, is.Files)
	for i, d := range is.Dirs {
		// A file that came and went meanwhile is part of the output, perhaps.
		if !known || !slices.Contains(was.Dirs, d) {
			is.Dirs[i].State = State{Kind: Unknown}
		}
	}
	for i, f := range is.Files {
		is.Files[i] = t.file(f, f.path(path), rule)
	}
	return is
}

func sameNames(a, b []File) bool {
	return slices.EqualFunc(a, b, func(a, b File) bool { return a.Name == b.Name })
}

// Snapshot returns files and folders as they are, for Taker.Before, where there is no older stamp of them.
func Snapshot(rules Rules, files []string, folders []Folder) Stamp {
	s := Stamp{Output: File{State: State{Kind: Absent}}}
	for _, path := range files {
		s.Files = append(s.Files, File{Name: path, State: State{Kind: Absent}})
	}
	for _, f := range folders {
		s.Folders = append(s.Folders, Folder{Path: f.Path, Rule: f.Rule, Dirs: []Dir{{Path: ".", State: State{Kind: Unknown}}}})
	}
	return s.Check(rules).Now
}
