package ui

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gorun-dev/gorun/internal/diagnostic"
)

func TestExcerpt(t *testing.T) {
	t.Parallel()
	lines := func(line, column, endLine, endColumn int) diagnostic.Place {
		return diagnostic.Place{Start: diagnostic.Position{Line: line, Column: column}, End: diagnostic.Position{Line: endLine, Column: endColumn}}
	}
	tests := []struct {
		name, line  string
		place       diagnostic.Place
		text, caret string
	}{
		{"a range", "ab cd ef", lines(1, 4, 1, 6), "ab cd ef", "   ^^"},
		{"no end", "ab cd", lines(1, 4, 0, 0), "ab cd", "   ^"},
		{"an empty range", "ab cd", lines(1, 4, 1, 4), "ab cd", "   ^"},
		{"an end before the start", "ab cd", lines(2, 4, 1, 1), "ab cd", "   ^"},
		{"several lines", "ab cd  ", lines(1, 4, 3, 1), "ab cd", "   ^^"},
		{"after the end", "ab", lines(1, 3, 1, 3), "ab", "  ^"},
		{"far after the end", "ab", lines(1, 30, 1, 40), "ab", "  ^"},
		{"column 0", "ab", lines(1, 0, 0, 0), "ab", "^"},
		{"an empty line", "", lines(1, 1, 0, 0), "", "^"},
		{"tabs", "\ta\tb", lines(1, 4, 1, 5), "    a   b", "        ^"},
		{"a marked tab", "\ta", lines(1, 1, 1, 3), "    a", "^^^^^"},
		{"wide characters", "日本 = x語", lines(1, 6, 1, 8), "日本 = x語", "       ^^^"},
		{"a wide one marked", "a日b", lines(1, 2, 0, 0), "a日b", " ^^"[:2]},
		{"combining characters", "e\u0301 = x", lines(1, 6, 0, 0), "e\u0301 = x", "    ^"},
		{"on a combining one", "xe\u0301=", lines(1, 3, 1, 4), "xe\u0301=", " ^"},
		{"Hangul in parts", "\u1112\u1161\u11ab=x", lines(1, 5, 0, 0), "\u1112\u1161\u11ab=x", "   ^"},
		{"control characters", "a\x1b[31mb", lines(1, 7, 0, 0), `a\x1b[31mb`, "         ^"},
		{"bytes that are no UTF-8", "a\xffb", lines(1, 3, 0, 0), `a\xffb`, "     ^"},
		{"carriage return", "ab\r", lines(1, 2, 0, 0), "ab", " ^"},
	}
	for _, tt := range tests {
		text, caret := excerpt(tt.line, tt.place, widestExcerpt)
		if text != tt.text || caret != tt.caret {
			t.Errorf("%s: got\n%s|\n%s|\nwant\n%s|\n%s|", tt.name, text, caret, tt.text, tt.caret)
		}
	}
}

func TestLongLinesAreCut(t *testing.T) {
	t.Parallel()
	long := "BEGIN" + strings.Repeat("abcdefghi-", 1000) + "END"
	wide := strings.Repeat("日本語", 1000)
	tests := []struct {
		name              string
		line              string
		column, endColumn int
		limit             int
		cutLeft, cutRight bool
		under             string
	}{
		{"at the start", long, 1, 6, 100, false, true, "BEGIN"},
		{"in the middle", long, 5006, 5016, 100, true, true, "abcdefghi-"},
		{"at the end", long, 10006, 10009, 100, true, false, "END"},
		{"a range that is longer than the space", long, 5006, 9000, 40, true, true, "abcdefghi-abcdefghi…"},
		{"narrow", long, 5006, 5016, shortestUseful, true, true, "abcdefghi…"},
		{"wide characters", wide, 1501, 1504, 51, true, true, "日本語"},
		{"a little too long", strings.Repeat("x", 99) + "yz", 101, 102, 100, true, false, "z"},
	}
	for _, tt := range tests {
		text, caret := excerpt(tt.line, at("", 1, tt.column, tt.endColumn), tt.limit)
		if displayWidth(text) > tt.limit || strings.HasPrefix(text, "…") != tt.cutLeft || strings.HasSuffix(text, "…") != tt.cutRight {
			t.Errorf("%s: %d columns\n%s\n%s", tt.name, displayWidth(text), text, caret)
		}
		if got := under(text, caret); got != tt.under {
			t.Errorf("%s: the carets are under %q\n%s\n%s", tt.name, got, text, caret)
		}
	}
}

// under is the part of text that the carets mark, column by column.
func under(text, caret string) string {
	column, from := 0, strings.Index(caret, "^")
	var b strings.Builder
	for _, r := range text {
		if column >= from && column < len(caret) {
			b.WriteRune(r)
		}
		column += runeWidth(r)
	}
	return b.String()
}

func TestExcerptOfHugeLineIsQuick(t *testing.T) { // alone: it counts allocations
	line := strings.Repeat("x", 50<<20)
	allocs := testing.AllocsPerRun(1, func() { excerpt(line, at("", 1, 40<<20, 0), 100) })
	if allocs > 5000 {
		t.Errorf("%v allocations for one line", allocs)
	}
}

func FuzzExcerpt(f *testing.F) {
	f.Add("\ta日\x1b[0m e\u0301", 3, 1, 5, 20)
	f.Add("", -1, 2, 0, 100)
	f.Fuzz(func(t *testing.T, line string, column, endLine, endColumn, limit int) {
		limit = shortestUseful + max(0, limit)%100
		place := diagnostic.Place{Start: diagnostic.Position{Line: 1, Column: column}, End: diagnostic.Position{Line: endLine, Column: endColumn}}
		text, caret := excerpt(line, place, limit)
		if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("not safe: %q", text)
		}
		if w := displayWidth(text); w > limit || len(caret) > limit+6 || !strings.HasSuffix(caret, "^") {
			t.Errorf("%d columns of %d: %q\n%q", w, limit, text, caret)
		}
	})
}
