package ui

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ShellQuote makes words that a POSIX shell reads as these arguments, in a form that is safe to show and to paste:
// nothing in them is expanded, run or hidden. A word with control characters is written as $'...', which bash, zsh and
// ksh read back; other shells take it literally.
func ShellQuote(args []string) string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = quoted(arg)
	}
	return strings.Join(words, " ")
}

func quoted(arg string) string {
	switch {
	case arg != "" && strings.IndexFunc(arg, needsQuotes) < 0 && arg[0] != '=': // zsh expands =name
		return arg
	case strings.ContainsFunc(arg, isHidden) || !utf8.ValidString(arg):
		return ansiQuoted(arg)
	}
	return singleQuoted(arg)
}

func singleQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func needsQuotes(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune("_@%+=:,./-", r)
}

func isHidden(r rune) bool {
	return !unicode.IsGraphic(r) && !unicode.Is(unicode.Co, r) && !isJoiner(r)
}

// ansiQuoted escapes with octal numbers, which end after three digits whatever follows.
func ansiQuoted(s string) string {
	var b strings.Builder
	b.WriteString("$'")
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		raw := s[:size]
		s = s[size:]
		switch {
		case r == '\\' || r == '\'':
			b.WriteString(`\` + raw)
		case r == '!' || isHidden(r) || r == utf8.RuneError && size == 1: // bash looks for its history in !
			for i := range len(raw) {
				fmt.Fprintf(&b, `\%03o`, raw[i])
			}
		default:
			b.WriteString(raw)
		}
	}
	b.WriteString("'")
	return b.String()
}
