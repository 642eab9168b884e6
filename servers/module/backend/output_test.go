package backend

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWhatIsKept(t *testing.T) {
	t.Parallel()
	var lines []string
	for i := range 100 {
		lines = append(lines, fmt.Sprint("line ", i))
	}
	for name, c := range map[string]struct {
		chunks []string
		head   int // characters
		tail   []string
	}{
		"nothing":        {nil, 0, nil},
		"blank":          {[]string{"\n\n"}, 2, nil},
		"a line":         {[]string{"one\r\n"}, 5, []string{"one"}},
		"no end":         {[]string{"one\ntw", "o"}, 7, []string{"one", "two"}},
		"many lines":     {[]string{strings.Join(lines, "\n")}, 789, lines[70:]},
		"many runes":     {[]string{strings.Repeat("π", MaxOutput-1), "\xcf", "\x80", "ππ"}, MaxOutput, nil},
		"many bytes":     {[]string{strings.Repeat("\xff", 2*MaxOutput)}, MaxOutput, nil},
		"four bytes":     {[]string{strings.Repeat("😀", MaxOutput+1)}, MaxOutput, nil},
		"one great line": {[]string{strings.Repeat("x", 5*maxTail), "y\n"}, MaxOutput, []string{strings.Repeat("x", maxTail-2) + "y"}},
	} {
		var o output
		for _, chunk := range c.chunks {
			o.take([]byte(chunk))
		}
		if got := utf8.RuneCountInString(o.head()); got != c.head {
			t.Errorf("%s: %d characters, want %d", name, got, c.head)
		}
		if got := o.tail(); c.tail != nil && strings.Join(got, "|") != strings.Join(c.tail, "|") || c.head == 0 && got != nil {
			t.Errorf("%s: got %d lines, want %d", name, len(got), len(c.tail))
		}
		if len(o.first) > MaxOutput*utf8.UTFMax || len(o.last) > 2*maxTail {
			t.Errorf("%s: %d and %d bytes are kept", name, len(o.first), len(o.last))
		}
	}
}
