package settings

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// maxDepth is how deep objects and arrays may be nested; System.Text.Json refuses more.
const maxDepth = 64

// value is a value of JSON with its place.
type value struct {
	kind    byte // one of { [ " 0 t n, for object, array, string, number, true or false, null
	text    string
	members []member // of an object or an array, in order
	offset  int
}

// member is a property of an object, or an element of an array, which has no name.
type member struct {
	name   string
	offset int
	value  value
}

// parser reads JSON as .NET's configuration does: with comments and trailing commas, and nothing else that is not JSON.
// It is one of our own because the libraries are lenient beyond that, and do not say where an error is.
type parser struct {
	source  *source
	pos     int
	depth   int
	failure *problem // the first one; after it every method returns at once
}

// parse reads a whole text.
func parse(s *source) (value, *problem) {
	p := &parser{source: s}
	p.space()
	if p.failure == nil && p.pos == len(s.data) {
		p.fail(0, "write {}, or remove the file", "the file is empty")
		return value{}, p.failure
	}
	v := p.value()
	p.space()
	if p.failure == nil && p.pos < len(s.data) {
		p.unexpected("the end of the file")
	}
	if p.failure == nil && v.kind != '{' {
		p.fail(v.offset, `write { "Kestrel": { ... } }`, "the file is not an object")
	}
	return v, p.failure
}

func (p *parser) fail(offset int, advice, reason string, args ...any) {
	if p.failure == nil {
		problem := newProblem(position{p.source, offset}, "", advice, reason, args...)
		p.failure = &problem
	}
}

func (p *parser) rest() []byte { return p.source.data[p.pos:] }

func (p *parser) at(c byte) bool { return p.pos < len(p.source.data) && p.source.data[p.pos] == c }

// space skips white space and comments.
func (p *parser) space() {
	for p.failure == nil && p.pos < len(p.source.data) {
		switch rest := p.rest(); {
		case bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0:
			p.pos++
		case bytes.HasPrefix(rest, []byte("//")):
			n := bytes.IndexAny(rest, "\r\n")
			if n < 0 {
				n = len(rest)
			}
			p.pos += n
		case bytes.HasPrefix(rest, []byte("/*")):
			n := bytes.Index(rest[2:], []byte("*/"))
			if n < 0 {
				p.fail(p.pos, `end it with "*/"`, "this comment is not closed")
				return
			}
			p.pos += n + 4
		default:
			return
		}
	}
}

func (p *parser) value() value {
	v := value{offset: p.pos}
	if p.pos == len(p.source.data) {
		p.unexpected("a value")
		return v
	}
	switch c := p.source.data[p.pos]; {
	case c == '{':
		v.kind, v.members = c, p.list('}', p.property)
	case c == '[':
		v.kind, v.members = c, p.list(']', func() member { return member{offset: p.pos, value: p.value()} })
	case c == '"':
		v.kind, v.text = c, p.string()
	case c == '-' || c >= '0' && c <= '9':
		v.kind, v.text = '0', p.number()
	default:
		v.kind, v.text = p.word()
	}
	return v
}

// list reads an object or an array, whose members element reads. p.pos is at its opening bracket.
func (p *parser) list(closer byte, element func() member) []member {
	open := p.pos
	if p.depth++; p.depth > maxDepth {
		p.fail(open, "", "objects and arrays are nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	p.pos++
	var members []member
	for p.space(); p.failure == nil && !p.at(closer); p.space() {
		if p.pos == len(p.source.data) {
			line := position{p.source, open}.place().Line
			p.fail(p.pos, "", "the file ends, but the %q of line %d is not closed with %q", p.source.data[open], line, closer)
			return nil
		}
		members = append(members, element())
		if p.space(); p.at(',') {
			p.pos++
		} else if p.failure == nil && p.pos < len(p.source.data) && !p.at(closer) {
			p.fail(p.pos, "", "a comma, or %q, is missing before this", closer)
		}
	}
	p.pos++
	return members
}

func (p *parser) property() member {
	m := member{offset: p.pos}
	if !p.at('"') {
		p.unexpected("a name in double quotes")
		return m
	}
	m.name = p.string()
	if p.space(); p.failure != nil {
		return m
	}
	if !p.at(':') {
		p.unexpected(`":" after a name`)
		return m
	}
	p.pos++
	if p.space(); p.failure == nil {
		m.value = p.value()
	}
	return m
}

// string reads a string and gives what it means. encoding/json knows the escapes, this finds its end and its faults.
func (p *parser) string() string {
	start := p.pos
	for p.pos++; p.pos < len(p.source.data); p.pos++ {
		switch c := p.source.data[p.pos]; {
		case c == '"':
			p.pos++
			return p.unquote(start)
		case c == '\n' || c == '\r':
			p.fail(start, `close it with a double quote; a line break inside a string is written \n`, "this string is not closed on its line")
			return ""
		case c < ' ':
			p.fail(p.pos, "", "the control character U+%04X cannot stand in a string", c)
			return ""
		case c == '\\' && p.pos+1 < len(p.source.data):
			p.pos++
			if bytes.IndexByte([]byte(`"\/bfnrtu`), p.source.data[p.pos]) < 0 {
				p.fail(p.pos-1, `write a backslash as \\`, "a backslash and what follows are no escape of JSON")
				return ""
			}
		}
	}
	p.fail(start, "close it with a double quote", "this string is not closed")
	return ""
}

func (p *parser) unquote(start int) string {
	var s string
	if err := json.Unmarshal(p.source.data[start:p.pos], &s); err != nil {
		p.fail(start, `four hex digits follow \u`, `this string has a \u that is no escape of JSON`)
	}
	return s
}

// number reads as many bytes as may belong to a number, and has encoding/json check it.
func (p *parser) number() string {
	start := p.pos
	for p.pos < len(p.source.data) && bytes.IndexByte([]byte("+-.eE0123456789"), p.source.data[p.pos]) >= 0 {
		p.pos++
	}
	text := p.source.data[start:p.pos]
	if !json.Valid(text) {
		p.fail(start, "", "%s is no number of JSON", text)
	}
	return string(text)
}

func (p *parser) word() (kind byte, text string) {
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(p.rest(), []byte(word)) {
			p.pos += len(word)
			if word == "null" {
				return 'n', ""
			}
			return 't', word
		}
	}
	p.unexpected("a value")
	return 0, ""
}

// unexpected says what stands at p.pos and what was wanted there.
func (p *parser) unexpected(wanted string) {
	if p.pos == len(p.source.data) {
		p.fail(p.pos, "", "the file ends where %s should stand", wanted)
		return
	}
	r, _ := utf8.DecodeRune(p.rest())
	advice := ""
	switch r {
	case '\'':
		advice = "JSON wants double quotes"
	case '#':
		advice = "a comment begins with //"
	case ',':
		advice = "remove this comma"
	}
	p.fail(p.pos, advice, "%q stands where %s should", string(r), wanted)
}
