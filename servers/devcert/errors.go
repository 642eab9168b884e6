package devcert

import (
	"fmt"
	"strings"
)

// State says what is wrong with a certificate.
type State int

const (
	Missing State = iota // there is none
	Ended                // its time is over
	Broken               // it cannot be used
)

// StateError is the error of Load and Check where no certificate can be used.
type StateError struct {
	State  State
	File   string // where it is, or should be
	Reason string // lower case, no full stop: "there was none", "it ended on 2026-01-31"
}

func (e *StateError) Error() string {
	if e.State == Missing {
		return "there is no development certificate"
	}
	return fmt.Sprintf("the development certificate %s cannot be used: %s", e.File, e.Reason)
}

// Hint says what makes one.
func (e *StateError) Hint() string { return "`gorun dev-certs https` makes one" }

// NameError is a name that the CA may not sign for.
type NameError struct{ Name string }

func (e *NameError) Error() string {
	return fmt.Sprintf("the development certificate cannot have the name %q", e.Name)
}

// Hint lists what it may have.
func (e *NameError) Hint() string {
	return "names end with ." + strings.Join(permitted(), ", .")
}

// WriteError is a place that cannot be written to.
type WriteError struct {
	Path string
	Err  error
}

func (e *WriteError) Error() string {
	return fmt.Sprintf("the development certificate cannot be kept at %s: %v", e.Path, e.Err)
}

func (e *WriteError) Unwrap() error { return e.Err }

// Hint names the variable that moves it.
func (e *WriteError) Hint() string { return "set GORUN_DATA to a folder that can be written to" }

// NoFolderError is an environment that names no folder for the user's data.
type NoFolderError struct{ Missing string } // the variable that is not set

func (e *NoFolderError) Error() string {
	return "there is no folder for the development certificate: " + e.Missing + " is not set"
}

// Hint says how to give one.
func (e *NoFolderError) Hint() string { return "set GORUN_DATA to a folder, or " + e.Missing }
