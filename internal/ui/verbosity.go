package ui

import (
	"fmt"
	"strings"
)

// Verbosity is how much gorun tells, in the words of dotnet and MSBuild. Problems and warnings are told at each.
type Verbosity int

const (
	Quiet      Verbosity = iota - 1 // no story
	Minimal                         // the story; the zero value
	Normal                          // Detail as well
	Detailed                        // as Normal
	Diagnostic                      // as Normal
)

var verbosityNames = []struct{ name, short string }{
	{"quiet", "q"}, {"minimal", "m"}, {"normal", "n"}, {"detailed", "d"}, {"diagnostic", "diag"},
}

// ParseVerbosity reads a verbosity by its long or short name, whatever the case. Any other word is an
// *UnknownVerbosityError.
func ParseVerbosity(s string) (Verbosity, error) {
	for i, n := range verbosityNames {
		if strings.EqualFold(s, n.name) || strings.EqualFold(s, n.short) {
			return Quiet + Verbosity(i), nil
		}
	}
	return Minimal, &UnknownVerbosityError{Name: s}
}

// String is the long name.
func (v Verbosity) String() string {
	if i := int(v - Quiet); i >= 0 && i < len(verbosityNames) {
		return verbosityNames[i].name
	}
	return fmt.Sprintf("verbosity(%d)", int(v))
}

// UnknownVerbosityError is a word that is no verbosity.
type UnknownVerbosityError struct{ Name string }

func (e *UnknownVerbosityError) Error() string {
	return fmt.Sprintf("there is no verbosity %q", e.Name)
}

// Hint lists the verbosities.
func (e *UnknownVerbosityError) Hint() string {
	return "-v wants quiet, minimal, normal, detailed or diagnostic, or q, m, n, d, diag"
}
