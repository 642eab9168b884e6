package settings

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// maxSize is how long a file may be. Settings are short; what is longer was given by mistake, such as a device.
const maxSize = 16 << 20

const section = "Kestrel"

// tree is what all sources say, as .NET's configuration keeps it: every value is a text with a key such as
// Kestrel:Limits:MaxRequestLineSize, arrays have the keys 0, 1 and so on, and a later source replaces value by value.
type tree struct {
	root     node // the section, such as Kestrel
	sources  int
	problems []problem
	broken   bool // a file is not there or no JSON: what else seems wrong may follow from it
}

func newTree() *tree { return newTreeOf(section) }

// newTreeOf is for another section.
func newTreeOf(section string) *tree { return &tree{root: node{name: section}} }

// node is a key. It may have a value, keys below it, or both, when sources differ.
type node struct {
	name     string   // as it stands where it is named first
	parent   *node    // nil for the section
	key      position // where it is named first
	last     *source  // the last file that names it as a whole, and where
	lastKey  position
	text     string
	kind     kind
	value    position // of text
	children []*node  // in the order in which they are named first
	byName   map[string]*node
}

// kind says whether a node has a value. A nil node has none.
type kind uint8

const (
	unsaid kind = iota
	null        // of JSON
	scalar
)

// child gives the node below n, or nil. n may be nil.
func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	return n.byName[fold(name)]
}

func (n *node) ensure(name string, at position) *node {
	if c := n.child(name); c != nil {
		return c
	}
	c := &node{name: name, parent: n, key: at}
	if n.byName == nil {
		n.byName = map[string]*node{}
	}
	n.byName[fold(name)] = c
	n.children = append(n.children, c)
	return c
}

// path gives the whole key, from the section on.
func (n *node) path() string {
	var names []string
	for ; n != nil; n = n.parent {
		names = append(names, n.name)
	}
	slices.Reverse(names)
	return strings.Join(names, ":")
}

func (n *node) set(k kind, text string, at position) { n.kind, n.text, n.value = k, text, at }

func (t *tree) readFile(name string) {
	data, err := readAll(name)
	if err != nil {
		at := position{source: &source{name: name, order: t.sources}}
		t.sources++
		t.broken = true
		t.problems = append(t.problems, problem{at, &Error{File: name, Reason: "it cannot be read: " + reason(err), Advice: adviceOn(err), Err: err}})
		return
	}
	t.add(name, data)
}

func readAll(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(data) > maxSize {
		err = fmt.Errorf("it is longer than %d bytes", maxSize)
	}
	return data, err
}

// reason is err without the path, which stands before it anyway.
func reason(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return err.Error()
}

// adviceOn says what to do about a file that cannot be read, "" when nothing is known.
func adviceOn(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "look at the path, which starts from the folder that the program runs in"
	case errors.Is(err, fs.ErrPermission):
		return "let the user that runs the program read the file"
	}
	return ""
}

// add takes in the section of a file. What else is in it is not looked at.
func (t *tree) add(name string, data []byte) {
	s := newSource(name, t.sources, data)
	t.sources++
	v, failure := parse(s)
	if failure != nil {
		t.broken = true
		t.problems = append(t.problems, *failure)
		return
	}
	for _, m := range v.members {
		if first, _, _ := strings.Cut(m.name, ":"); fold(first) == fold(t.root.name) {
			t.member(&t.root, strings.Split(m.name, ":")[1:], m, s)
		}
	}
}

// member takes in a property, whose name may be a path: .NET reads "Endpoints:Http:Url" as a key two levels down.
func (t *tree) member(n *node, path []string, m member, s *source) {
	at := position{s, m.offset}
	for _, name := range path {
		n = n.ensure(name, at)
	}
	if n.last == s {
		t.problems = append(t.problems, newProblem(at, n.path(), "remove one of them",
			"it stands here a second time, the first is in line %d", n.lastKey.place().Line))
		return
	}
	n.last, n.lastKey = s, at
	switch v := m.value; v.kind {
	case '{':
		for _, below := range v.members {
			t.member(n, strings.Split(below.name, ":"), below, s)
		}
	case '[':
		for i, below := range v.members {
			t.member(n, []string{strconv.Itoa(i)}, below, s)
		}
	case 'n':
		n.set(null, "", position{s, v.offset})
	default:
		n.set(scalar, v.text, position{s, v.offset})
	}
}

// environment takes in the variables that name a key of the section. Of two that name the same the later counts.
func (t *tree) environment(environ []string) {
	for _, prefix := range []string{"DOTNET_", "ASPNETCORE_", ""} {
		for _, entry := range environ {
			variable, text, _ := strings.Cut(entry, "=")
			if len(variable) >= len(prefix) && fold(variable[:len(prefix)]) == prefix {
				t.variable(variable, variable[len(prefix):], text)
			}
		}
	}
}

func (t *tree) variable(variable, key, text string) {
	path := strings.Split(strings.ReplaceAll(valid(key), "__", ":"), ":")
	if len(path) < 2 || fold(path[0]) != fold(t.root.name) {
		return
	}
	at := position{source: &source{name: valid(variable), order: t.sources}}
	t.sources++
	n := &t.root
	for _, name := range path[1:] {
		n = n.ensure(name, at)
	}
	n.set(scalar, valid(text), at)
}

// valid has U+FFFD for what is not UTF-8, as .NET reads the environment.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
