package settings

import (
	"fmt"
	"strings"
)

// reader turns the tree into Settings and collects what is wrong with it.
type reader struct {
	problems, warnings []problem
}

// fail tells of a fault in the value of n.
func (r *reader) fail(n *node, advice, reason string, args ...any) {
	at := n.value
	if n.kind == unsaid {
		at = n.key
	}
	r.problems = append(r.problems, newProblem(at, n.path(), advice, reason, args...))
}

func (r *reader) warn(n *node, advice, reason string, args ...any) {
	r.warnings = append(r.warnings, newProblem(n.key, n.path(), advice, reason, args...))
}

// key is a known key of an object and what reads it. A nil read takes any value and does nothing with it.
type key struct {
	name string
	read func(*node)
}

// object reads the keys of n in their order. Those that are not known are warnings.
func (r *reader) object(n *node, keys ...key) {
	if !r.isObject(n) {
		return
	}
	names := make([]string, len(keys))
	known := make(map[string]key, len(keys))
	for i, k := range keys {
		names[i], known[fold(k.name)] = k.name, k
	}
	for _, c := range n.children {
		k, ok := known[fold(c.name)]
		switch {
		case !ok:
			r.warn(c, nearest(c.name, names), "there is no such key")
		case k.read != nil:
			k.read(c)
		}
	}
}

// isObject reports whether n has keys below it; a value in their place is an error.
func (r *reader) isObject(n *node) bool {
	if n.kind == scalar && n.text != "" {
		r.fail(n, `write "`+n.name+`": { ... }`, "it is a value where keys should stand")
	}
	return len(n.children) > 0
}

// text gives the value of n; null and "" are the same as none. Keys below it are an error.
func (r *reader) text(n *node) (s string, ok bool) {
	if !r.isScalar(n) {
		return "", false
	}
	return n.text, n.text != ""
}

func (r *reader) isScalar(n *node) bool {
	if len(n.children) > 0 {
		r.fail(n, "", "it has keys or elements where one value should stand")
	}
	return len(n.children) == 0
}

// into makes a reader of a text.
func (r *reader) into(to *string) func(*node) {
	return func(n *node) { *to, _ = r.text(n) }
}

// flag reads true or false, in any case, as .NET does.
func (r *reader) flag(set func(bool)) func(*node) {
	return func(n *node) {
		s, ok := r.text(n)
		if !ok {
			return
		}
		switch word := strings.TrimSpace(s); {
		case strings.EqualFold(word, "true"):
			set(true)
		case strings.EqualFold(word, "false"):
			set(false)
		default:
			r.fail(n, "write true or false", "%q is neither true nor false", s)
		}
	}
}

// nearest gives the advice to write a known name that differs from name in little, or "".
func nearest(name string, known []string) string {
	best, least := "", len(name)/3+1
	for _, k := range known {
		if d := distance(fold(name), fold(k)); d < least || d == least && best == "" {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %s?", best)
}

// distance is how many bytes must be added, removed or replaced to make b of a.
func distance(a, b string) int {
	if d := len(a) - len(b); d > len(b) || -d > len(a) { // far apart; spares the work for long names
		return max(d, -d)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
