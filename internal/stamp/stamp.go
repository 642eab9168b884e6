// Package stamp remembers what a file was made from, and tells later whether any of it has changed.
//
// A Stamp holds the file that was made, settings by name, single files, and folders of which some files count. Check
// compares it with the disk by what lstat says, and reads a file only where that leaves a doubt; a Taker makes the next
// stamp after something was made again. What files count is decided by Rules that are passed in. The
// package knows nothing of Go programs, starts nothing, and makes no decision beyond "the same" and "not the same".
//
// # Doubts
//
// A file is the same when its inode, size, time of modification and time of change are. The time of change cannot be
// set back, so a file that was edited and touched back is seen. Two edits within one tick of the file system's clock
// are not seen by it: a file that had changed shortly before it was looked at is unsettled, and its content is compared
// too, as git does for its index. A file that looks different and has the old content is the same.
//
// What changed while the output was being made has no content that is known to be in it. It gets no sum, and is
// reported as changed by the next check, whatever it holds then.
//
// All values are plain and may be copied. Functions may be called from several goroutines at once.
package stamp

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"strings"
)

// Stamp is what Output was made from.
type Stamp struct {
	Taken    int64     // when it was taken, in nanoseconds since 1970: what changed just before, or later, is unsettled
	Output   File      // the file that was made, by its absolute path; it has no sum
	Ask      string    // why this stamp never suffices, as a sentence without a full stop; "" where it does
	Settings []Setting // sorted by name
	Files    []File    // by absolute path, sorted, those that must stay absent included
	Folders  []Folder  // sorted by path and rule
}

// Setting is one value that decides what is made, of which only the sum is kept: it may be a secret.
type Setting struct {
	Name string
	Sum  Sum
}

// Folder is a folder of which some files count.
type Folder struct {
	Path  string // absolute
	Rule  string // which files count: a word of the language of Rules
	Dirs  []Dir  // the folders whose listing decides that
	Files []File // those that count, by their path below Path with forward slashes; sorted
}

// Dir is a folder that Rules.List reads.
type Dir struct {
	Path  string // below Folder.Path, with forward slashes; "." for itself
	State State
}

// File is a file as it was. Sum and Part are zero for what is no regular file, and for a file whose content is not known.
type File struct {
	Name  string
	State State
	Sum   Sum
	Part  Sum // of the part of its content that decides which other files count; see Rules.Reach
}

// Rules say which files count. Its functions may be called from several goroutines at once.
type Rules struct {
	// List gives the files of a folder that count by a rule, and the folders whose listing decides that, both below
	// path and with forward slashes. As long as none of these folders changes, the files are taken to be the same ones.
	List func(rule, path string) (files, dirs []string, err error)

	// Reach says what of a file may decide which other files and folders count; rule is "" for a single file.
	// Nil means that all of every file may.
	Reach func(rule, name string) Reach

	// Part gives what Reach calls a part.
	Part func(content []byte) Sum
}

// Reach is how much of a file's content may decide which other files count.
type Reach int

const (
	ReachAll  Reach = iota // any of it
	ReachNone              // none
	ReachPart              // what Rules.Part gives
)

// Sum is a part of the SHA-256 sum of some content.
type Sum [16]byte

// SumOf returns the sum of a text.
func SumOf(text string) Sum {
	whole := sha256.Sum256([]byte(text))
	return Sum(whole[:])
}

// How says in which way something is not as it was.
type How string

// The ways. Each reads as the end of a sentence that begins with a name.
const (
	Changed How = "changed"
	New     How = "is new"
	Gone    How = "is gone"
	Differs How = "differs"
	Moving  How = "may have changed during the last build"
)

// Change is one thing that is not as the stamp has it.
type Change struct {
	What string // the name of a setting or the path of a file, absolute
	How  How    // "" where What says everything
	File bool   // whether What is a path
	Wide bool   // whether other files may count now than did
}

func (c Change) String() string { return strings.TrimSpace(c.What + " " + string(c.How)) }

// WithSettings returns the changes between the settings of the stamp and those of now, both sorted by name.
func (s *Stamp) WithSettings(now []Setting) []Change {
	var changes []Change
	i, j := 0, 0
	for i < len(s.Settings) || j < len(now) {
		order := 0
		switch {
		case i == len(s.Settings):
			order = 1
		case j == len(now):
			order = -1
		default:
			order = cmp.Compare(s.Settings[i].Name, now[j].Name)
		}
		switch {
		case order < 0:
			changes = append(changes, Change{What: s.Settings[i].Name, How: Differs, Wide: true})
			i++
		case order > 0:
			changes = append(changes, Change{What: now[j].Name, How: Differs, Wide: true})
			j++
		default:
			if s.Settings[i].Sum != now[j].Sum {
				changes = append(changes, Change{What: now[j].Name, How: Differs, Wide: true})
			}
			i, j = i+1, j+1
		}
	}
	return changes
}

// Sort puts everything into the order that the fields promise.
func (s *Stamp) Sort() {
	slices.SortFunc(s.Settings, func(a, b Setting) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(s.Files, byName)
	slices.SortFunc(s.Folders, byPath)
}

func byName(a, b File) int { return cmp.Compare(a.Name, b.Name) }

func byPath(a, b Folder) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Rule, b.Rule))
}
