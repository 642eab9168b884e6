// Package diagnostic holds the one value in which every part of gorun says that something is wrong with what the
// user wrote, and where. The terminal, JSON output, editor markers and DAP errors are all made from it.
//
// It reads nothing and prints nothing: internal/ui renders. All values are plain and may be copied and compared.
package diagnostic

import (
	"fmt"
	"strings"
)

// Severity says how bad a Diagnostic is. Its values are the words used in JSON.
type Severity string

const (
	Error   Severity = "error"   // nothing is started
	Warning Severity = "warning" // gorun goes on, and says so
)

// Position is a point in a text file.
type Position struct {
	Offset int `json:"offset"` // in bytes, from 0
	Line   int `json:"line"`   // from 1; 0 means that the position is not known
	Column int `json:"column"` // in characters (Unicode code points), from 1, as editors count
}

// Place is a range of text in a file. A Place with a File and a zero Start means the file as a whole;
// the zero Place means nowhere.
type Place struct {
	File  string   `json:"file,omitempty"` // absolute path, or a name for input that is no file
	Start Position `json:"start,omitzero"`
	End   Position `json:"end,omitzero"` // exclusive; zero means the same as Start
}

// IsZero reports whether p is nowhere.
func (p Place) IsZero() bool { return p == Place{} }

// String gives file:line:column, the form that editors and terminals make clickable.
func (p Place) String() string {
	if p.Start.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Start.Line, p.Start.Column)
}

// Diagnostic is one thing that is wrong, with its place and what to do about it.
type Diagnostic struct {
	Code       string   `json:"code"` // stable kebab-case name, such as "unknown-profile"
	Severity   Severity `json:"severity"`
	Message    string   `json:"message"` // what is wrong: lower case, no full stop, without the place
	Place      Place    `json:"place,omitzero"`
	Source     string   `json:"source,omitempty"`     // the text of the line at Place.Start, without its line ending
	Suggestion string   `json:"suggestion,omitempty"` // what to do, one line
}

// String gives the diagnostic on one line, place first, as compilers do.
func (d Diagnostic) String() string {
	if d.Place.IsZero() {
		return d.Message
	}
	return d.Place.String() + ": " + d.Message
}

// List is several diagnostics as one error, one on each line, in their order.
type List []Diagnostic

func (l List) Error() string {
	lines := make([]string, len(l))
	for i, d := range l {
		lines[i] = d.String()
	}
	return strings.Join(lines, "\n")
}

// Diagnostics makes a List fit where an error is asked for the diagnostics that it carries.
func (l List) Diagnostics() []Diagnostic { return l }

// Errors returns those of l that are errors, in order.
func (l List) Errors() List { return l.filter(Error) }

// Warnings returns those of l that are warnings, in order.
func (l List) Warnings() List { return l.filter(Warning) }

func (l List) filter(s Severity) List {
	var out List
	for _, d := range l {
		if d.Severity == s {
			out = append(out, d)
		}
	}
	return out
}
