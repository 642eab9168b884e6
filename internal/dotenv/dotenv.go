// Package dotenv reads .env files: names and values, in file order, with the line of each.
//
// The values are those of github.com/joho/godotenv, which many Go programs load for themselves, so that a file means the same
// whoever reads it. The library gives a map and errors without a place; this package finds the statements, refuses
// what the library would misread, and has it evaluate the rest.
//
// What a file may hold:
//
//	# a comment, on a line of its own or after a value and a space
//	NAME=value                    spaces around the name and the value are dropped
//	export NAME=value             as in a shell; NAME: value, as in YAML
//	NAME="line one\nline two"     \n and \r are escapes, \" a quote, \$ a dollar sign; may go over several lines
//	NAME='as $it is\n'            nothing is expanded; may go over several lines
//	NAME=http://${HOST}:$PORT/    a variable that this file set above, "" for any other; double quotes or none
//
// What to know of the library: only names in capitals, digits and _ are expanded, never those of the environment; $(command)
// is not run; a quoted value cannot end with a backslash, which would escape the quote.
//
// The package reads no file and no environment. Parse may be called from several goroutines.
package dotenv

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/joho/godotenv"
)

// Entry is one assignment of a file.
type Entry struct {
	Name  string // as written, never empty
	Value string // without quotes and with escapes and variables expanded; may be empty
	Line  int    // of the name, from 1
}

// ParseError says what is wrong on one line. It never shows the value, which may be a secret.
type ParseError struct {
	Line   int // from 1
	Reason string
	Advice string // what to write, "" when Reason says it all
}

func (e *ParseError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// Hint gives the Advice.
func (e *ParseError) Hint() string { return e.Advice }

// Parse reads the content of a .env file: UTF-8 with or without a byte order mark, lines ending in LF or CRLF.
//
// The entries come in file order. A name that is set twice is there twice, and the later one is meant to win.
// When there is an error there are no entries; the error joins a *ParseError for each line that is wrong.
func Parse(data []byte) ([]Entry, error) {
	if err := checkBytes(data); err != nil {
		return nil, err
	}
	text := strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n")
	if before, _, found := strings.Cut(text, "\r"); found { // the library would end a value here, an editor would not
		return nil, &ParseError{Line: lineAt([]byte(before), len(before)), Reason: "there is a carriage return within the line",
			Advice: `end lines with LF or CRLF, or write "\r" in double quotes`}
	}
	found, err := scan(text)
	if err != nil {
		return nil, err
	}
	return evaluate(found)
}

func checkBytes(data []byte) error {
	const advice = "save the file as UTF-8"
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return &ParseError{Line: 1, Reason: "the file is UTF-16", Advice: advice}
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return &ParseError{Line: lineAt(data, i), Reason: "there is a NUL byte, which no variable can hold"}
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return &ParseError{Line: lineAt(data, i), Reason: "there is a byte that is not UTF-8", Advice: advice}
		}
		i += size
	}
	return nil
}

func lineAt(data []byte, offset int) int { return 1 + bytes.Count(data[:offset], []byte("\n")) }

// evaluate has the library work out all values in one go. Its map keeps only the last value of a name, so each
// statement is given to it twice, first under a name of its own (.0, .1, ...) that no file can set and no ${} can read.
func evaluate(found []statement) ([]Entry, error) {
	var text strings.Builder
	for i, s := range found {
		fmt.Fprintf(&text, ".%d=%s\n%s=%s\n", i, s.value, s.name, s.value)
	}
	values, err := godotenv.Unmarshal(text.String())
	if err != nil {
		// The library's message quotes the text around the fault, so it is not passed on.
		return nil, errors.New("the file has a value that cannot be read")
	}
	var entries []Entry
	for i, s := range found {
		entries = append(entries, Entry{Name: s.name, Value: values["."+strconv.Itoa(i)], Line: s.line})
	}
	return entries, nil
}
