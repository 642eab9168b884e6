package dotenv

import (
	"errors"
	"strings"
)

// statement is one NAME=value of a file, not yet evaluated.
type statement struct {
	name  string
	value string // as written, quotes included; one line unless quoted
	line  int
}

// scanner walks through a file. Its rules for where a value ends are those of the library.
type scanner struct {
	rest string // what is still to be read, from the start of a line
	line int    // of the start of rest, from 1
	errs []error
}

func scan(text string) ([]statement, error) {
	s := scanner{rest: text, line: 1}
	var found []statement
	for s.rest != "" {
		if st, ok := s.next(); ok {
			found = append(found, st)
		}
	}
	return found, errors.Join(s.errs...)
}

const blanks = " \t\v\f\u0085\u00a0" // what the library skips within a line

// next reads one statement, or skips a line that has none or a wrong one.
func (s *scanner) next() (statement, bool) {
	line, _, _ := strings.Cut(s.rest, "\n")
	start := s.line
	head := strings.Trim(line, blanks)
	if head == "" || head[0] == '#' {
		s.skip(len(line))
		return statement{}, false
	}
	sep := strings.IndexAny(line, "=:")
	if sep < 0 {
		return s.fail(len(line), "there is no = after the name", "write NAME=value, or # in front of a comment")
	}
	name := strings.TrimRight(withoutExport(strings.TrimLeft(line[:sep], blanks)), blanks)
	value := strings.TrimLeft(s.rest[sep+1:], blanks)
	offset := len(s.rest) - len(value)
	if problem := checkName(name); problem != "" {
		return s.fail(offset+s.valueEnd(value), problem, "a name has letters, digits and _, and does not begin with a digit")
	}
	end := quotedEnd(value)
	if end < 0 {
		return s.fail(len(line), "the quote at the start of the value is not closed",
			`end it with the same quote; a \ in front of that quote escapes it`)
	}
	if end == 0 { // not quoted
		line, _, _ := strings.Cut(value, "\n")
		s.skip(offset + len(line))
		return statement{name, line, start}, true
	}
	after, _, _ := strings.Cut(value[end:], "\n")
	if tail := strings.Trim(after, blanks); tail != "" && tail[0] != '#' {
		return s.fail(offset+end+len(after), "there is text after the closing quote",
			`put the whole value in quotes, with \" for a quote in it, or begin a comment with #`)
	}
	s.skip(offset + end + len(after))
	return statement{name, value[:end], start}, true
}

// valueEnd gives how far a value reaches, so that the lines of one that is dropped are not taken for statements.
func (s *scanner) valueEnd(value string) int {
	end := max(quotedEnd(value), 0)
	if i := strings.IndexByte(value[end:], '\n'); i >= 0 {
		return end + i
	}
	return len(value)
}

// skip moves to the line after the next n bytes, which hold the end of a line or stand before one.
func (s *scanner) skip(n int) {
	if n < len(s.rest) {
		n++
	}
	s.line += strings.Count(s.rest[:n], "\n")
	s.rest = s.rest[n:]
}

func (s *scanner) fail(n int, reason, advice string) (statement, bool) {
	s.errs = append(s.errs, &ParseError{Line: s.line, Reason: reason, Advice: advice})
	s.skip(n)
	return statement{}, false
}

// quotedEnd gives the offset behind the closing quote of a value, 0 when it is not quoted, -1 when it is not closed.
func quotedEnd(value string) int {
	if value == "" || value[0] != '"' && value[0] != '\'' {
		return 0
	}
	for i := 1; i < len(value); i++ {
		if value[i] == value[0] && value[i-1] != '\\' {
			return i + 1
		}
	}
	return -1
}

func withoutExport(name string) string {
	if after, found := strings.CutPrefix(name, "export"); found && strings.TrimLeft(after, blanks) != after {
		return strings.TrimLeft(after, blanks)
	}
	return name
}

// checkName gives what is wrong with a name, "" for nothing. The name is not shown: on a line that is not meant as an
// assignment it may be part of a secret, such as a key that goes over several lines.
func checkName(name string) string {
	if name == "" {
		return "there is no name in front of the ="
	}
	for i, r := range name {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r != '.' && (r < '0' || r > '9')) {
			return "what stands in front of the = is not a name"
		}
	}
	return ""
}
