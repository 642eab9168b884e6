package launchsettings

import (
	"bytes"
	"sort"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"

	"github.com/gorun-dev/gorun/internal/diagnostic"
)

// Text is the content of a settings file as UTF-8 with no byte order mark, and where its lines begin.
// Offsets are bytes of this form; for a file in UTF-8 without a mark they are those of the file.
type Text struct {
	file  string
	data  []byte
	lines []int // offset of the first byte of each line
}

// NewText decodes data as .NET's File.ReadAllText does: a byte order mark decides between UTF-8 and UTF-16, none
// means UTF-8, and every byte that is not valid becomes U+FFFD. The file only serves to say where things stand.
func NewText(file string, data []byte) *Text {
	t := &Text{file: file, data: decode(data), lines: []int{0}}
	owned := false
	for i, c := range t.data {
		if c == '\r' && (i+1 == len(t.data) || t.data[i+1] != '\n') {
			// The line ending of old Macs, which ends a comment in .NET. Nobody after this need know of it.
			if !owned {
				t.data, owned = bytes.Clone(t.data), true
			}
			t.data[i], c = '\n', '\n'
		}
		if c == '\n' {
			t.lines = append(t.lines, i+1)
		}
	}
	return t
}

func decode(data []byte) []byte {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		// The decoder replaces what is not valid, so it has no error to return.
		data, _ = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Bytes(data)
	default:
		data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	}
	if utf8.Valid(data) {
		return data
	}
	// One replacement for each bad byte: bytes.ToValidUTF8 would give one for a run of them.
	var out []byte
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		out = utf8.AppendRune(out, r)
		data = data[n:]
	}
	return out
}

// Bytes is the text, which must not be changed.
func (t *Text) Bytes() []byte { return t.data }

// position turns an offset into a Position. Offsets past the end mean the end.
func (t *Text) position(offset int) diagnostic.Position {
	offset = max(0, min(offset, len(t.data)))
	line := sort.SearchInts(t.lines, offset+1)
	start := t.lines[line-1]
	return diagnostic.Position{Offset: offset, Line: line, Column: utf8.RuneCount(t.data[start:offset]) + 1}
}

// Place is the range of bytes from start to end. Offsets outside the text mean its beginning or end.
func (t *Text) Place(start, end int) Place {
	return Place{File: t.file, Start: t.position(start), End: t.position(end)}
}

// line returns the text of a line, counted from 1, without its ending.
func (t *Text) line(n int) string {
	if n < 1 || n > len(t.lines) {
		return ""
	}
	end := len(t.data)
	if n < len(t.lines) {
		end = t.lines[n]
	}
	return string(bytes.TrimRight(t.data[t.lines[n-1]:end], "\r\n"))
}

// Diagnose makes a Diagnostic for the bytes from start to end, with the line in which they begin.
func (t *Text) Diagnose(code string, severity diagnostic.Severity, start, end int, message, suggestion string) Diagnostic {
	place := t.Place(start, end)
	return Diagnostic{
		Code: code, Severity: severity, Message: message, Suggestion: suggestion,
		Place: place, Source: t.line(place.Start.Line),
	}
}

// SourceLine reads one line of a settings file again, to be shown in a message; "" when that cannot be done.
func SourceLine(file string, line int) string {
	data, err := Read(file)
	if err != nil {
		return ""
	}
	return NewText(file, data).line(line)
}
