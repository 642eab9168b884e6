package gobuild

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/gorun-dev/gorun/internal/diagnostic"
)

// position returns the point at a byte offset of text.
func position(text []byte, offset int) diagnostic.Position {
	before := text[:offset]
	start := bytes.LastIndexByte(before, '\n') + 1
	return diagnostic.Position{
		Offset: offset,
		Line:   bytes.Count(before, []byte("\n")) + 1,
		Column: utf8.RuneCount(before[start:]) + 1,
	}
}

// pointAt returns the point that a compiler names by line and column, which counts bytes from 1, and the text of the
// line. Column 0 means that only the line was named. A point outside the text is kept as it was named, without text.
func pointAt(text []byte, line, column int) (diagnostic.Position, string) {
	column = max(column, 1)
	outside := diagnostic.Position{Line: line, Column: column}
	offset := 0
	for range line - 1 {
		i := bytes.IndexByte(text[offset:], '\n')
		if i < 0 {
			return outside, ""
		}
		offset += i + 1
	}
	source := lineAt(text, offset)
	if column-1 > len(source) {
		return outside, source
	}
	return position(text, offset+column-1), source
}

// lineAt returns the line of text that offset lies in, without its line ending.
func lineAt(text []byte, offset int) string {
	start := bytes.LastIndexByte(text[:offset], '\n') + 1
	line, _, _ := bytes.Cut(text[start:], []byte("\n"))
	return strings.TrimSuffix(string(line), "\r")
}
