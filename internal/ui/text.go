package ui

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// visible makes text safe for a terminal: what could move the cursor, change colours, hide or reorder text is
// shown as an escape of Go. A tab is a space; a line feed is an escape, see indented.
func visible(text string) string {
	if isPlain(text) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		b.WriteString(shown(r, text[:size]))
		text = text[size:]
	}
	return b.String()
}

func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] >= 0x7f {
			return false
		}
	}
	return true
}

// shown is one character as it may be written; raw is its bytes.
func shown(r rune, raw string) string {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return fmt.Sprintf(`\x%02x`, raw[0])
	case r == '\t':
		return " "
	case unicode.IsGraphic(r), unicode.Is(unicode.Co, r), isJoiner(r):
		return raw
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// isJoiner reports whether r is a format character that scripts and emoji need, and that does no harm.
func isJoiner(r rune) bool { return r == '\u200c' || r == '\u200d' }

// indented makes text of several lines safe, and begins each line after the first with indent.
func indented(text, indent string) string {
	lines := strings.Split(strings.ReplaceAll(strings.TrimRight(text, "\r\n"), "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = visible(line)
	}
	return strings.Join(lines, "\n"+indent)
}

// displayWidth counts the columns that text, made visible before, takes on a terminal.
func displayWidth(text string) int {
	n := 0
	for _, r := range text {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case r < 0x300: // the first combining character
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me) || isJoiner(r) || 0x1160 <= r && r <= 0x11ff: // the last: Hangul that joins the letter before
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// fitted cuts text, made visible before, to at most columns, with … where it was cut.
func fitted(text string, columns int) string {
	if displayWidth(text) <= columns {
		return text
	}
	n := 0
	for i, r := range text {
		if n += runeWidth(r); n > columns-1 {
			return text[:i] + "…"
		}
	}
	return text
}
