package ui

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/internal/diagnostic"
)

// adviceError has everything that Problem asks for.
type adviceError struct {
	message, hint string
	details       []string
	diagnostics   []diagnostic.Diagnostic
}

func (e *adviceError) Error() string                        { return e.message }
func (e *adviceError) Hint() string                         { return e.hint }
func (e *adviceError) Details() []string                    { return e.details }
func (e *adviceError) Diagnostics() []diagnostic.Diagnostic { return e.diagnostics }

// from is an absolute folder of the system that the test runs on.
func from(elements ...string) string {
	root := "/"
	if filepath.Separator == '\\' {
		root = `C:\`
	}
	return root + filepath.Join(elements...)
}

func at(file string, line, column, endColumn int) diagnostic.Place {
	p := diagnostic.Place{File: file, Start: diagnostic.Position{Line: line, Column: column}}
	if endColumn > 0 {
		p.End = diagnostic.Position{Line: line, Column: endColumn}
	}
	return p
}

func twoProblems() error {
	file := from("home", "me", "shop", "Properties", "launchSettings.json")
	return &adviceError{
		message: `profile "Development" has 2 problems, nothing was started`,
		diagnostics: []diagnostic.Diagnostic{
			{Severity: diagnostic.Error, Message: `"launchBrowser" wants true or false, not a number`,
				Place: at(file, 9, 24, 25), Source: `      "launchBrowser": 1,`},
			{Severity: diagnostic.Error, Message: `"commandLineArgs" wants a string, not a list`,
				Place: at(file, 14, 26, 37), Source: `      "commandLineArgs": ["--cache"],`, Suggestion: `write "--cache"`},
		},
	}
}

func TestProblemGolden(t *testing.T) {
	t.Parallel()
	portTaken := &adviceError{
		message: "port 5001 is already in use",
		details: []string{"process 4312 (api) is listening on it"},
		hint:    "stop that process, or take a free port with --urls http://127.0.0.1:0",
		diagnostics: []diagnostic.Diagnostic{{Severity: diagnostic.Error, Message: `the address "http://localhost:5001"`,
			Place: diagnostic.Place{File: "--urls"}}},
	}
	tests := map[string]error{
		"two_problems":    twoProblems(),
		"port_taken":      portTaken,
		"plain":           errors.New("there is no Go on PATH"),
		"wrapped":         fmt.Errorf("api cannot start: %w", portTaken),
		"joined":          errors.Join(errors.New("the first"), portTaken, errors.Join(errors.New("the third"), nil)),
		"several_wrapped": fmt.Errorf("both failed: %w and %w", &adviceError{message: "a", hint: "mind a"}, &adviceError{message: "b", hint: "mind b"}),
		"joined_wrapped":  fmt.Errorf("cannot: %w", errors.Join(&adviceError{message: "a", hint: "same"}, &adviceError{message: "b", hint: "same"})),
		"hint_below":      &wrapper{adviceError{message: "outer", details: []string{"one", "two\nlines"}}, &adviceError{hint: "inner", details: []string{"hidden"}}},
		"list": diagnostic.List{
			{Severity: diagnostic.Error, Message: "the first", Place: at("main.go", 1, 1, 0), Source: "x"},
			{Severity: diagnostic.Warning, Message: "to mind"},
		},
		"hostile": &adviceError{message: "there is no profile \"\x1b]0;title\a\x1b[31mred\"\r\n\u202etxt\xff\u009b", details: []string{"\x1b[2J\x00"}, hint: "a\tb\x7f",
			diagnostics: []diagnostic.Diagnostic{{Message: "\x1bc", Place: at("\x1b[1m.json", 1, 3, 5), Source: "a\x1b\x07\u202e[2J\x00z", Suggestion: "\x1b"}}},
		"long_message": errors.New(strings.Repeat("word ", 60)),
	}
	for name, err := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, stdout, stderr := recorded(Options{Dir: from("home", "me", "shop"), Verbosity: Quiet})
			u.Problem(err)
			golden(t, "problem_"+name, strings.ReplaceAll(stderr.String(), `Properties\`, "Properties/"))
			if stdout.Len() > 0 {
				t.Errorf("stdout has %q", stdout)
			}
		})
	}
}

// wrapper has things to say and an error inside.
type wrapper struct {
	adviceError
	inner error
}

func (w *wrapper) Unwrap() error { return w.inner }

func TestProblemInColour(t *testing.T) {
	t.Parallel()
	u, _, stderr := colourful(Options{Dir: from("home", "me", "shop")})
	u.Problem(twoProblems())
	u.Diagnostic(diagnostic.Diagnostic{Severity: diagnostic.Warning, Message: "it is not used", Place: at("x.json", 3, 2, 4), Source: " ab c", Suggestion: "remove it"})
	u.Say("profile %s", "Development")
	golden(t, "colour", strings.ReplaceAll(stderr.String(), `Properties\`, "Properties/"))
}

func TestDiagnosticGolden(t *testing.T) {
	t.Parallel()
	u, _, stderr := recorded(Options{Dir: from("home", "me", "shop"), Verbosity: Quiet})
	file := from("home", "me", "shop", "go.json")
	u.Diagnostic(diagnostic.Diagnostic{Severity: diagnostic.Warning, Message: "alone"})
	u.Diagnostic(diagnostic.Diagnostic{Severity: diagnostic.Warning, Message: "of a file", Place: diagnostic.Place{File: file}, Source: "not shown"})
	u.Diagnostic(diagnostic.Diagnostic{Severity: diagnostic.Warning, Message: "with a line", Place: at(file, 123456, 1, 3), Source: "ab c", Suggestion: "remove it"})
	u.Diagnostic(diagnostic.Diagnostic{Severity: diagnostic.Error, Message: "an error", Place: at(file, 1, 1, 0)})
	golden(t, "diagnostic", stderr.String())
}

func TestNoProblem(t *testing.T) {
	t.Parallel()
	u, _, stderr := recorded(Options{})
	u.Problem(nil)
	u.Problem(diagnostic.List{})
	if stderr.Len() > 0 {
		t.Errorf("stderr has %q", stderr)
	}
}
