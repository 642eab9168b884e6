package settings

import (
	"errors"
	"fmt"
)

// Error is one fault of a source, or one of Settings.Warnings.
type Error struct {
	File         string // the path as given to Load, or the name of a variable
	Line, Column int    // from 1, columns in characters; 0 in the environment, and of a file that cannot be read
	Key          string // such as Kestrel:Endpoints:Https:Url; "" when the file is no JSON
	Reason       string // what is wrong
	Advice       string // what to write, "" when Reason says it all
	Err          error  // why a file cannot be read, else nil
}

// Error gives file:line:column: key: reason.
func (e *Error) Error() string {
	place := Place{e.File, e.Line, e.Column}
	if e.Key == "" {
		return fmt.Sprintf("%v: %s", place, e.Reason)
	}
	return fmt.Sprintf("%v: %s: %s", place, e.Key, e.Reason)
}

// Hint gives the Advice.
func (e *Error) Hint() string { return e.Advice }

// Unwrap gives Err.
func (e *Error) Unwrap() error { return e.Err }

// problem is an Error with what it is sorted by.
type problem struct {
	at  position
	err *Error
}

func newProblem(at position, key, advice, reason string, args ...any) problem {
	p := at.place()
	return problem{at, &Error{File: p.File, Line: p.Line, Column: p.Column, Key: key, Reason: fmt.Sprintf(reason, args...), Advice: advice}}
}

func join(errs []*Error) error {
	all := make([]error, len(errs))
	for i, e := range errs {
		all[i] = e
	}
	return errors.Join(all...)
}
