package settings

import (
	"bytes"
	"encoding/binary"
	"sort"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// source is a file, as UTF-8 without a byte order mark, or one variable of the environment.
type source struct {
	name  string
	order int // later sources win
	data  []byte
	lines []int // offset of the first byte of each line; nil for a variable
}

func newSource(name string, order int, data []byte) *source {
	s := &source{name: name, order: order, data: decode(data), lines: []int{0}}
	for i, c := range s.data {
		if c == '\n' || c == '\r' && !bytes.HasPrefix(s.data[i+1:], []byte{'\n'}) {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// decode does what .NET's StreamReader does: a byte order mark decides between UTF-8 and UTF-16, none means UTF-8, and what
// is not valid becomes U+FFFD.
func decode(data []byte) []byte {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return fromUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return fromUTF16(data[2:], binary.BigEndian)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	return bytes.ToValidUTF8(data, []byte(string(utf8.RuneError)))
}

func fromUTF16(data []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}

// position is a place that is not worked out yet: few of them are ever shown. The zero position is none.
type position struct {
	source *source
	offset int
}

func (p position) order() int {
	if p.source == nil {
		return -1
	}
	return p.source.order
}

func (p position) place() Place {
	switch {
	case p.source == nil:
		return Place{}
	case p.source.lines == nil:
		return Place{File: p.source.name}
	}
	line := sort.SearchInts(p.source.lines, p.offset+1)
	start := p.source.lines[line-1]
	return Place{File: p.source.name, Line: line, Column: utf8.RuneCount(p.source.data[start:p.offset]) + 1}
}

// before reports whether p stands before q, or in an earlier source.
func (p position) before(q position) bool {
	return p.order() < q.order() || p.order() == q.order() && p.offset < q.offset
}

// fold gives what is equal for all names that .NET takes for the same: it compares them in upper case.
func fold(name string) string { return strings.ToUpper(name) }
