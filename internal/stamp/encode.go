package stamp

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// header begins a stamp file. Its number grows when an older gorun could not read what follows, or a newer one must
// not trust it. The sum of all that follows stands behind it.
const header = "gorun stamp 1 "

// errCorrupt is the error of a file that is no stamp of this version. Such a file says nothing.
var errCorrupt = errors.New("it is no stamp of this version")

// Write puts a stamp into the file at path, which it replaces at once.
func (s *Stamp) Write(path string) error { return ReplaceFile(path, s.encode()) }

// ReplaceFile puts a text into the file at path at once: whoever reads it sees the old text or the new one.
func ReplaceFile(path, text string) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		os.Remove(file.Name())
	}
	return err
}

// Read reads the stamp in the file at path. A file that is none, is cut off or is of another version is an error like
// a file that is not there.
func Read(path string) (*Stamp, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return decode(string(data))
}

// encode gives the text of a stamp: a line for each thing, its parts separated by tabs.
func (s *Stamp) encode() string {
	var w writer
	w.line("taken", strconv.FormatInt(s.Taken, 10))
	w.file("output", s.Output)
	if s.Ask != "" {
		w.line("ask", quoted(s.Ask))
	}
	for _, x := range s.Settings {
		w.line("setting", quoted(x.Name), x.Sum.String())
	}
	for _, f := range s.Files {
		w.file("file", f)
	}
	for _, folder := range s.Folders {
		w.line("folder", quoted(folder.Path), quoted(folder.Rule), strconv.Itoa(len(folder.Files)))
		for _, d := range folder.Dirs {
			w.line("d", quoted(d.Path), d.State.String())
		}
		for _, f := range folder.Files {
			w.file("f", f)
		}
	}
	return header + SumOf(w.String()).String() + "\n" + w.String()
}

type writer struct{ strings.Builder }

func (w *writer) line(parts ...string) {
	for i, p := range parts {
		if i > 0 {
			w.WriteByte('\t')
		}
		w.WriteString(p)
	}
	w.WriteByte('\n')
}

func (w *writer) file(word string, f File) {
	part := f.Part.String()
	switch f.Part {
	case Sum{}:
	case f.Sum:
		part = partAll
	case nothing:
		part = partNone
	}
	w.line(word, quoted(f.Name), f.State.String(), f.Sum.String(), part)
}

// How the parts of most files stand in the file.
const (
	partAll  = "all"
	partNone = "none"
)

// String gives a sum as it stands in the file; "-" for none.
func (s Sum) String() string {
	if s == (Sum{}) {
		return "-"
	}
	return hex.EncodeToString(s[:])
}

// String gives a state as it stands in the file: its kind, and the numbers where they are not all zero.
func (s State) String() string {
	if s == (State{Kind: s.Kind}) {
		return string(rune(s.Kind))
	}
	b := append(make([]byte, 0, 64), byte(s.Kind), ' ')
	b = strconv.AppendUint(b, s.Inode, 10)
	for _, n := range []int64{s.Size, s.Modified, s.ChangeTime} {
		b = strconv.AppendInt(append(b, ' '), n, 10)
	}
	return string(b)
}

// quoted keeps a name on its line and in its column.
func quoted(name string) string {
	if name == "" || name[0] == '"' || strings.ContainsAny(name, "\t\n\r") {
		return strconv.Quote(name)
	}
	return name
}

// decode reads what encode wrote. The strings in the stamp are parts of text.
func decode(text string) (*Stamp, error) {
	text, ok := strings.CutPrefix(text, header)
	sum, body, found := strings.Cut(text, "\n")
	if !ok || !found || SumOf(body).String() != sum {
		return nil, errCorrupt
	}
	r := reader{rest: body}
	s := &Stamp{}
	for r.rest != "" && !r.bad {
		switch r.word() {
		case "taken":
			s.Taken = r.number(r.word())
		case "output":
			s.Output = r.file()
		case "ask":
			s.Ask = r.name()
		case "setting":
			s.Settings = append(s.Settings, Setting{r.name(), r.sum()})
		case "file":
			s.Files = append(s.Files, r.file())
		case "folder":
			s.Folders = append(s.Folders, r.folder())
		default:
			r.bad = true
		}
	}
	if r.bad || s.Output.State.Kind == 0 {
		return nil, errCorrupt
	}
	return s, nil
}

// reader takes words from a text; the last of a line is followed by its end.
type reader struct {
	rest string
	bad  bool
}

func (r *reader) word() string {
	end := strings.IndexAny(r.rest, "\t\n")
	if end < 0 {
		r.bad, r.rest = true, ""
		return ""
	}
	word := r.rest[:end]
	r.rest = r.rest[end+1:]
	return word
}

func (r *reader) name() string {
	word := r.word()
	if word == "" || word[0] != '"' {
		return word
	}
	name, err := strconv.Unquote(word)
	r.bad = r.bad || err != nil
	return name
}

func (r *reader) number(word string) int64 {
	n, err := strconv.ParseInt(word, 10, 64)
	r.bad = r.bad || err != nil
	return n
}

func (r *reader) sum() Sum { return r.sumIn(r.word()) }

func (r *reader) sumIn(word string) (s Sum) {
	if word == "-" {
		return s
	}
	if len(word) != 2*len(s) {
		r.bad = true
		return s
	}
	if _, err := hex.Decode(s[:], []byte(word)); err != nil {
		r.bad = true
	}
	return s
}

func (r *reader) state() (s State) {
	word := r.word()
	if word == "" {
		r.bad = true
		return s
	}
	s.Kind = Kind(word[0])
	r.bad = r.bad || !strings.ContainsRune(kinds, rune(s.Kind))
	if len(word) == 1 {
		return s
	}
	if len(word) < 3 {
		r.bad = true
		return s
	}
	inode, rest, _ := strings.Cut(word[2:], " ")
	size, rest, _ := strings.Cut(rest, " ")
	modified, change, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseUint(inode, 10, 64)
	r.bad = r.bad || err != nil
	s.Inode, s.Size, s.Modified, s.ChangeTime = n, r.number(size), r.number(modified), r.number(change)
	return s
}

func (r *reader) file() File {
	f := File{Name: r.name(), State: r.state(), Sum: r.sum()}
	switch word := r.word(); word {
	case partAll:
		f.Part = f.Sum
	case partNone:
		f.Part = nothing
	default:
		f.Part = r.sumIn(word)
	}
	return f
}

func (r *reader) folder() Folder {
	f := Folder{Path: r.name(), Rule: r.name()}
	n := r.number(r.word())
	const shortest = len("f\t\ta\t-\t-\n")
	if r.bad || n < 0 || n > int64(len(r.rest)/shortest) {
		r.bad = true
		return f
	}
	f.Files = make([]File, 0, n)
	for !r.bad {
		switch {
		case strings.HasPrefix(r.rest, "d\t"):
			r.word()
			f.Dirs = append(f.Dirs, Dir{r.name(), r.state()})
		case strings.HasPrefix(r.rest, "f\t"):
			r.word()
			f.Files = append(f.Files, r.file())
		default:
			return f
		}
	}
	return f
}
