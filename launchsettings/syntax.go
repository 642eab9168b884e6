package launchsettings

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/gorun-dev/gorun/internal/diagnostic"
)

// maxDepth is how deep objects and arrays may be nested; System.Text.Json refuses more.
const maxDepth = 64

// checkSyntax reads the whole text as JSON with comments and trailing commas and returns the first error, or nil.
// It exists because the libraries that read the values afterwards are lenient: they accept `{,}`, take an unclosed
// comment for the rest of the file, and do not say where an error is.
func checkSyntax(t *Text) *Diagnostic {
	s := &scanner{t: t, src: t.data}
	s.document()
	return s.failure
}

type scanner struct {
	t       *Text
	src     []byte
	pos     int
	depth   int
	failure *Diagnostic // the first one; after it every method returns at once
}

func (s *scanner) fail(start, end int, suggestion, format string, args ...any) {
	if s.failure != nil {
		return
	}
	d := s.t.Diagnose("json-syntax", diagnostic.Error, start, end, fmt.Sprintf(format, args...), suggestion)
	s.failure = &d
}

func (s *scanner) document() {
	s.space()
	if s.failure == nil && s.pos == len(s.src) {
		s.fail(0, 0, `write the settings again, or remove the file; "gorun init" makes a new one`, "the file is empty")
		return
	}
	s.value()
	s.space()
	if s.failure == nil && s.pos < len(s.src) {
		s.unexpected("the end of the file")
	}
}

// space skips white space and comments.
func (s *scanner) space() {
	for s.failure == nil && s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			s.pos++
		case bytes.HasPrefix(s.src[s.pos:], []byte("//")):
			s.lineComment()
		case bytes.HasPrefix(s.src[s.pos:], []byte("/*")):
			n := bytes.Index(s.src[s.pos+2:], []byte("*/"))
			if n < 0 {
				s.fail(s.pos, s.pos+2, `end it with "*/"`, "this comment is not closed")
				return
			}
			s.pos += n + 4
		default:
			return
		}
	}
}

func (s *scanner) lineComment() {
	n := bytes.IndexAny(s.src[s.pos:], "\r\n")
	if n < 0 {
		n = len(s.src) - s.pos
	}
	s.pos += n
}

func (s *scanner) value() {
	if s.failure != nil {
		return
	}
	if s.pos == len(s.src) {
		s.unexpected("a value")
		return
	}
	switch c := s.src[s.pos]; {
	case c == '{':
		s.list('}', "a property name in double quotes", s.property)
	case c == '[':
		s.list(']', "a value", s.value)
	case c == '"':
		s.string()
	case c == '-' || c >= '0' && c <= '9':
		s.number()
	default:
		s.word()
	}
}

// list reads an object or an array, whose elements element reads. s.pos is at its opening bracket.
func (s *scanner) list(closer byte, wants string, element func()) {
	open := s.pos
	if s.depth++; s.depth > maxDepth {
		s.fail(open, open+1, "", "objects and lists are nested more than %d deep", maxDepth)
		return
	}
	defer func() { s.depth-- }()
	s.pos++
	for {
		s.space()
		if s.failure != nil {
			return
		}
		switch {
		case s.pos == len(s.src):
			s.unclosed(open, closer)
			return
		case s.src[s.pos] == closer:
			s.pos++
			return
		case s.src[s.pos] == ',':
			s.unexpected(wants)
			return
		}
		element()
		s.space()
		if s.failure != nil || s.pos == len(s.src) {
			continue // the top of the loop says what is missing
		}
		switch s.src[s.pos] {
		case ',':
			s.pos++
		case closer:
		default:
			s.missingComma(closer)
			return
		}
	}
}

func (s *scanner) property() {
	if s.src[s.pos] != '"' {
		s.unexpected("a property name in double quotes")
		return
	}
	s.string()
	s.space()
	if s.failure != nil {
		return
	}
	if s.pos == len(s.src) || s.src[s.pos] != ':' {
		s.unexpected(`":" after a property name`)
		return
	}
	s.pos++
	s.space()
	s.value()
}

func (s *scanner) string() {
	start := s.pos
	for s.pos++; s.pos < len(s.src); s.pos++ {
		switch c := s.src[s.pos]; {
		case c == '"':
			s.pos++
			return
		case c == '\n' || c == '\r':
			s.fail(start, s.pos, `close it with a double quote; a line break inside a string is written \n`, "this string is not closed on its line")
			return
		case c < ' ':
			suggestion := fmt.Sprintf(`write it as \u%04x`, c)
			if c == 0 {
				suggestion = "remove it: no value may hold it"
			}
			s.fail(s.pos, s.pos+1, suggestion, "the control character U+%04X cannot stand in a string", c)
			return
		case c == '\\':
			if !s.escape() {
				return
			}
		}
	}
	s.fail(start, len(s.src), "close it with a double quote", "this string is not closed")
}

// escape checks the escape sequence at s.pos and moves to its last byte.
func (s *scanner) escape() bool {
	rest := s.src[s.pos+1:]
	if len(rest) == 0 {
		return true // the string is not closed, and its reader says so
	}
	if bytes.IndexByte([]byte(`"\/bfnrt`), rest[0]) >= 0 {
		s.pos++
		return true
	}
	if rest[0] == 'u' && len(rest) >= 5 && isHex(rest[1:5]) {
		s.pos += 5
		return true
	}
	_, n := utf8.DecodeRune(rest)
	s.fail(s.pos, s.pos+1+n, `write a backslash as \\`, "%q is no escape sequence of JSON", s.src[s.pos:s.pos+1+n])
	return false
}

func isHex(digits []byte) bool {
	for _, c := range digits {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return true
}

// number reads a number by the grammar of RFC 8259, section 6.
func (s *scanner) number() {
	start := s.pos
	if s.src[s.pos] == '-' {
		s.pos++
	}
	whole := s.digits()
	ok := whole == 1 || whole > 1 && s.src[s.pos-whole] != '0'
	if ok && s.at('.') {
		s.pos++
		ok = s.digits() > 0
	}
	if ok && (s.at('e') || s.at('E')) {
		s.pos++
		if s.at('+') || s.at('-') {
			s.pos++
		}
		ok = s.digits() > 0
	}
	if !ok {
		s.fail(start, max(s.pos, start+1), "", "this is no number of JSON")
	}
}

func (s *scanner) at(c byte) bool { return s.pos < len(s.src) && s.src[s.pos] == c }

func (s *scanner) digits() int {
	start := s.pos
	for s.pos < len(s.src) && s.src[s.pos] >= '0' && s.src[s.pos] <= '9' {
		s.pos++
	}
	return s.pos - start
}

// word reads true, false or null.
func (s *scanner) word() {
	for _, w := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(s.src[s.pos:], []byte(w)) {
			s.pos += len(w)
			return
		}
	}
	s.unexpected("a value")
}

// unexpected says what stands at s.pos, what was wanted there, and, for well-known accidents, what happened.
func (s *scanner) unexpected(wants string) {
	if s.conflict() {
		return
	}
	if s.pos >= len(s.src) {
		s.fail(s.pos, s.pos, "", "the file ends where %s should stand", wants)
		return
	}
	r, n := utf8.DecodeRune(s.src[s.pos:])
	suggestion := ""
	switch {
	case r == 0:
		suggestion = "the file may be damaged, or be no text at all"
	case r == '\'':
		suggestion = "JSON wants double quotes"
	case r == '#':
		suggestion = "a comment begins with //"
	case r == ',':
		suggestion = "remove this comma"
	}
	s.fail(s.pos, s.pos+n, suggestion, "%s stands where %s should", show(r), wants)
}

func show(r rune) string {
	if r < ' ' || r == utf8.RuneError || r == 0x7f {
		return fmt.Sprintf("the character U+%04X", r)
	}
	return fmt.Sprintf("%q", string(r))
}

func (s *scanner) missingComma(closer byte) {
	if s.conflict() {
		return
	}
	suggestion := ""
	if bytes.Contains(s.src, []byte("//#if")) {
		suggestion = `this looks like the source of a "dotnet new" template: use the file that the template makes`
	}
	if c := s.src[s.pos]; c == '"' || c == '{' || c == '[' {
		s.fail(s.pos, s.pos+1, suggestion, `a comma is missing before this`)
		return
	}
	s.unexpected(fmt.Sprintf(`"," or %q`, string(closer)))
}

func (s *scanner) unclosed(open int, closer byte) {
	where := s.t.position(open)
	s.fail(s.pos, s.pos, "", "the file ends, but the %q of line %d is not closed with %q", string(s.src[open]), where.Line, string(closer))
}

// conflict reports whether a merge conflict marker stands at s.pos.
func (s *scanner) conflict() bool {
	for _, marker := range []string{"<<<<<<<", "=======", ">>>>>>>", "|||||||"} {
		if bytes.HasPrefix(s.src[min(s.pos, len(s.src)):], []byte(marker)) {
			s.fail(s.pos, s.pos+len(marker), "resolve the conflict and remove the marker lines", "a merge conflict marker stands here")
			return true
		}
	}
	return false
}
