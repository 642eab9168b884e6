package ui

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gorun-dev/gorun/internal/diagnostic"
)

// Problem tells of an error on stderr: what is wrong, where, and what to do.
//
//	gorun: profile "Development" has a problem, nothing was started
//	  Properties/launchSettings.json:9:27: "launchBrowser" wants true or false, not a number
//	       9 |       "launchBrowser": 1,
//	         |                        ^
//	hint: ...
//
// An error, or one that it wraps, may have the methods Details() []string, Diagnostics() []diagnostic.Diagnostic and
// Hint() string; the outermost that has something to say is asked. Errors joined by errors.Join are told one after
// another, in order, as are those of a diagnostic.List. A nil error says nothing.
func (u *UI) Problem(err error) {
	var b strings.Builder
	u.problem(&b, err)
	if b.Len() > 0 {
		u.tell(b.String())
	}
}

// Diagnostic tells of one diagnostic on stderr, as a line of its own with the source below: a warning says that it is one.
func (u *UI) Diagnostic(d diagnostic.Diagnostic) {
	var b strings.Builder
	u.single(&b, d)
	u.tell(b.String())
}

func (u *UI) problem(b *strings.Builder, err error) {
	if err == nil {
		return
	}
	if parts, ok := joined(err); ok {
		for _, part := range parts {
			u.problem(b, part)
		}
		return
	}
	if list, ok := err.(diagnostic.List); ok {
		for _, d := range list {
			u.single(b, d)
		}
		return
	}
	fmt.Fprintf(b, "%s %s\n", u.err.red("gorun:"), u.err.bold(indented(err.Error(), "  ")))
	for _, line := range gathered(err, detailsOf) {
		fmt.Fprintf(b, "  %s\n", indented(line, "  "))
	}
	for _, d := range gathered(err, diagnosticsOf) {
		b.WriteString("  ")
		u.diagnosis(b, d, "    hint: ")
	}
	hints := gathered(err, hintOf)
	for i, hint := range hints {
		if !slices.Contains(hints[:i], hint) {
			u.hint(b, "hint: ", hint)
		}
	}
}

// single is a diagnostic that stands alone.
func (u *UI) single(b *strings.Builder, d diagnostic.Diagnostic) {
	if d.Severity == diagnostic.Warning {
		b.WriteString(u.err.dim("gorun:") + " ")
	} else {
		b.WriteString(u.err.red("gorun:") + " ")
	}
	u.diagnosis(b, d, "hint: ")
}

// diagnosis is the place, the message, the source and the suggestion.
func (u *UI) diagnosis(b *strings.Builder, d diagnostic.Diagnostic, hint string) {
	mark := u.err.red
	if d.Severity == diagnostic.Warning {
		mark = u.err.yellow
		b.WriteString(mark("warning:") + " ")
	}
	if !d.Place.IsZero() {
		place := d.Place
		place.File = u.Path(place.File)
		b.WriteString(u.err.bold(visible(place.String())) + ": ")
	}
	b.WriteString(indented(d.Message, "    ") + "\n")
	if d.Source != "" && d.Place.Start.Line > 0 {
		text, caret := excerpt(d.Source, d.Place, u.excerptWidth())
		fmt.Fprintf(b, "%s %s\n%s %s\n", u.err.dim(fmt.Sprintf("%8d |", d.Place.Start.Line)), text, u.err.dim("         |"), strings.TrimRight(caret, "^")+mark(strings.TrimLeft(caret, " ")))
	}
	if d.Suggestion != "" {
		u.hint(b, hint, d.Suggestion)
	}
}

func (u *UI) hint(b *strings.Builder, label, text string) {
	blank := label[:len(label)-len(strings.TrimLeft(label, " "))]
	fmt.Fprintf(b, "%s%s\n", blank+u.err.bold("hint:"), " "+indented(text, blank+"  "))
}

// joined are the parts of an error that says nothing of its own, as errors.Join makes it. One of fmt.Errorf with
// several %w has words of its own.
func joined(err error) ([]error, bool) {
	tree, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil, false
	}
	var lines []string
	parts := slices.DeleteFunc(slices.Clone(tree.Unwrap()), func(e error) bool { return e == nil })
	for _, part := range parts {
		lines = append(lines, part.Error())
	}
	return parts, len(parts) > 0 && err.Error() == strings.Join(lines, "\n")
}

// gathered are what get finds in err or, where it finds nothing there, in what err wraps.
func gathered[T any](err error, get func(error) []T) []T {
	if err == nil {
		return nil
	}
	if found := get(err); len(found) > 0 {
		return found
	}
	if tree, ok := err.(interface{ Unwrap() []error }); ok {
		var all []T
		for _, part := range tree.Unwrap() {
			all = append(all, gathered(part, get)...)
		}
		return all
	}
	return gathered(errors.Unwrap(err), get)
}

func detailsOf(err error) []string {
	if e, ok := err.(interface{ Details() []string }); ok {
		return e.Details()
	}
	return nil
}

func diagnosticsOf(err error) []diagnostic.Diagnostic {
	if e, ok := err.(interface {
		Diagnostics() []diagnostic.Diagnostic
	}); ok {
		return e.Diagnostics()
	}
	return nil
}

func hintOf(err error) []string {
	if e, ok := err.(interface{ Hint() string }); ok && e.Hint() != "" {
		return []string{e.Hint()}
	}
	return nil
}
