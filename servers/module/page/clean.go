package page

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean makes text that was meant for a terminal plain: escape sequences are gone, and so are control and format characters
// other than tab and line feed. A line that was written over (carriage return) is what was left of it in the end. Bytes that are
// no UTF-8 become U+FFFD.
func clean(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for len(text) > 0 {
		if n := escapeLen(text); n > 0 {
			text = text[n:]
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		if isShown(r) {
			b.WriteRune(r)
		}
		text = text[size:]
	}
	return overwrite(b.String())
}

// isShown keeps \r for overwrite, and the two joiners that scripts and emoji need.
func isShown(r rune) bool {
	switch r {
	case '\n', '\t', '\r', '\u200c', '\u200d':
		return true
	}
	return !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// escapeLen is the length of the escape sequence (ECMA-48) that text begins with, 0 for none. One that does not end
// stops before the next line feed: it must not swallow what follows.
func escapeLen(text string) int {
	body, ok := strings.CutPrefix(text, "\x1b")
	if !ok {
		if body, ok = strings.CutPrefix(text, "\u009b"); ok { // CSI as one character
			return len(text) - len(body) + controlLen(body)
		}
		return 0
	}
	if body == "" {
		return 1
	}
	switch body[0] {
	case '[':
		return 2 + controlLen(body[1:])
	case ']', 'P', 'X', '^', '_':
		return 2 + stringLen(body[1:])
	}
	n := spanLen(body, 0x20, 0x2f)
	if n < len(body) && body[n] >= 0x30 && body[n] <= 0x7e {
		n++
	}
	return 1 + n
}

// controlLen is the length of a control sequence after its introducer: parameters, intermediates, final byte.
func controlLen(s string) int {
	n := spanLen(s, 0x30, 0x3f)
	n += spanLen(s[n:], 0x20, 0x2f)
	if n < len(s) && s[n] >= 0x40 && s[n] <= 0x7e {
		n++
	}
	return n
}

// stringLen is the length of a control string (a title, a link) with its end: BEL or ESC \.
func stringLen(s string) int {
	for i := range len(s) {
		switch {
		case s[i] == '\a':
			return i + 1
		case s[i] == '\n':
			return i
		case s[i] == '\x1b':
			if strings.HasPrefix(s[i:], "\x1b\\") {
				return i + 2
			}
			return i
		}
	}
	return len(s)
}

func spanLen(s string, from, to byte) int {
	n := 0
	for n < len(s) && from <= s[n] && s[n] <= to {
		n++
	}
	return n
}

// overwrite leaves of each line what follows its last carriage return.
func overwrite(text string) string {
	if !strings.Contains(text, "\r") {
		return text
	}
	all := strings.Split(text, "\n")
	for i, line := range all {
		line = strings.TrimRight(line, "\r")
		all[i] = line[strings.LastIndexByte(line, '\r')+1:]
	}
	return strings.Join(all, "\n")
}

// oneLine is text, cleaned, with spaces for what divides lines.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(clean(text), func(r rune) bool { return r == '\n' || r == '\t' }), " ")
}

// lines divides text; empty ones at the end are left out. Nil for no text.
func lines(text string) []string {
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func lastLines(text string, n int) []string {
	all := lines(text)
	return all[max(0, len(all)-n):]
}
