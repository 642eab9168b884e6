package servers

import (
	"errors"
	"strings"
)

// hinter is an error that knows what a user can do about it.
type hinter interface {
	error
	Hint() string
}

// hintOf gives what err, or an error in it, has to advise; "" is nothing.
func hintOf(err error) string {
	if h, ok := errors.AsType[hinter](err); ok {
		return h.Hint()
	}
	return ""
}

// advised is what Run returns when it knows what to do: its text has the advice, because an app of three lines gives that
// text to log.Fatal and asks for nothing else.
type advised struct{ err error }

func withAdvice(err error) error {
	if err == nil || err.Error() == describe(err) {
		return err
	}
	return &advised{err}
}

func (e *advised) Error() string { return describe(e.err) }

// Unwrap gives the error without the advice in its text.
func (e *advised) Unwrap() error { return e.err }

// describe gives the text of err with a line of advice below each problem that has some.
func describe(err error) string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []string
		for _, e := range joined.Unwrap() {
			all = append(all, describe(e))
		}
		return strings.Join(all, "\n")
	}
	if hint := hintOf(err); hint != "" {
		return err.Error() + "\n  hint: " + hint
	}
	return err.Error()
}
