package gobuild

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// errNotEmbedded is the error of patterns that the go command would not accept. It says what is wrong with them.
var errNotEmbedded = errors.New("the patterns match what cannot be embedded")

// embedding is one evaluation of the //go:embed patterns of a package, as cmd/go does it.
type embedding struct {
	root  string // folder of the package
	files []string
	dirs  []string
}

// listEmbedded returns what quoted patterns match in a package's folder, and the folders that were read for it.
func listEmbedded(patterns, root string) (files, dirs []string, err error) {
	e := embedding{root: root}
	for patterns = strings.TrimSpace(patterns); patterns != ""; patterns = strings.TrimSpace(patterns) {
		quoted, err := strconv.QuotedPrefix(patterns)
		if err != nil {
			return nil, nil, err
		}
		patterns = patterns[len(quoted):]
		pattern, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, nil, err
		}
		pattern, all := strings.CutPrefix(pattern, "all:")
		matches := e.glob(".", strings.Split(pattern, "/"))
		if len(matches) == 0 {
			return nil, nil, errNotEmbedded
		}
		for _, match := range matches {
			if !e.add(match, all) {
				return nil, nil, errNotEmbedded
			}
		}
	}
	slices.Sort(e.files)
	slices.Sort(e.dirs)
	return slices.Compact(e.files), slices.Compact(e.dirs), nil
}

// glob returns what the elements of a pattern match below dir. Every folder whose listing decides that is noted, and
// those on the way too: a go.mod that appears in one takes it out of the module.
func (e *embedding) glob(dir string, elements []string) (matches []string) {
	if dir != "." {
		e.dirs = append(e.dirs, dir)
	}
	for _, name := range e.named(dir, elements[0]) {
		match := path.Join(dir, name)
		if len(elements) == 1 {
			matches = append(matches, match)
		} else if info, err := os.Stat(e.path(match)); err == nil && info.IsDir() {
			matches = append(matches, e.glob(match, elements[1:])...)
		}
	}
	return matches
}

// named returns the names in dir that one element of a pattern matches.
func (e *embedding) named(dir, element string) []string {
	if !strings.ContainsAny(element, `*?[\`) {
		if _, err := os.Lstat(e.path(path.Join(dir, element))); err == nil {
			return []string{element}
		}
		e.dirs = append(e.dirs, dir)
		return nil
	}
	var names []string
	for _, entry := range e.read(dir) {
		if ok, _ := path.Match(element, entry.Name()); ok {
			names = append(names, entry.Name())
		}
	}
	return names
}

// add adds what was matched: a file, or a folder with all that is below it. It returns false for what the go command
// refuses.
func (e *embedding) add(match string, all bool) bool {
	info, err := os.Lstat(e.path(match))
	if err != nil || !e.isEmbeddable(match) {
		return false
	}
	switch {
	case info.Mode().IsRegular():
		e.files = append(e.files, match)
		return true
	case info.IsDir():
		before := len(e.files)
		return e.walk(match, all) && len(e.files) > before
	}
	return false
}

// isEmbeddable reports whether a match is in no other module, behind no link and not in what version control keeps.
func (e *embedding) isEmbeddable(match string) bool {
	for dir := match; dir != "."; dir = path.Dir(dir) {
		if e.isModule(dir) || isBadEmbedName(path.Base(dir)) {
			return false
		}
		if info, err := os.Lstat(e.path(dir)); dir != match && (err != nil || !info.IsDir()) {
			return false
		}
	}
	return true
}

// walk adds the files below dir but those whose names begin with a dot or an underscore, and other modules. It
// returns false when there is a file that the go command refuses.
func (e *embedding) walk(dir string, all bool) bool {
	for _, entry := range e.read(dir) {
		name, inside := entry.Name(), path.Join(dir, entry.Name())
		hidden := name[0] == '.' || name[0] == '_'
		switch bad := isBadEmbedName(name); {
		case hidden && (bad || !all):
		case bad:
			return false
		case entry.IsDir():
			if e.isModule(inside) {
				e.dirs = append(e.dirs, inside)
			} else if !e.walk(inside, all) {
				return false
			}
		case entry.Type().IsRegular():
			e.files = append(e.files, inside)
		}
	}
	return true
}

func (e *embedding) read(dir string) []fs.DirEntry {
	e.dirs = append(e.dirs, dir)
	entries, _ := os.ReadDir(e.path(dir)) // one that cannot be read has nothing to embed; the go command complains
	return entries
}

// isModule reports whether a folder has something called go.mod, be it what it may.
func (e *embedding) isModule(dir string) bool {
	_, err := os.Stat(e.path(path.Join(dir, "go.mod")))
	return err == nil
}

func (e *embedding) path(name string) string { return filepath.Join(e.root, filepath.FromSlash(name)) }

// isBadEmbedName reports whether a name is never embedded.
func isBadEmbedName(name string) bool {
	switch name {
	case "", ".bzr", ".hg", ".git", ".svn":
		return true
	}
	return false
}
