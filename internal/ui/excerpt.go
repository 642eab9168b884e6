package ui

import (
	"strings"
	"unicode/utf8"

	"github.com/gorun-dev/gorun/internal/diagnostic"
)

const (
	tabWidth       = 4
	widestExcerpt  = 100 // columns of a source line that are shown
	shortestUseful = 20  // even where the terminal is narrower
	gutterWidth    = 11  // "       9 | "
)

// excerptWidth is how much of a source line is shown.
func (u *UI) excerptWidth() int {
	if w := u.err.width(); w > 0 {
		return max(shortestUseful, min(widestExcerpt, w-gutterWidth-1))
	}
	return widestExcerpt
}

// excerpt is a source line, safe to show and at most limit columns wide, and a line with carets under place. A longer
// line is cut on both sides of the place, with … where something is missing. An end on a later line means the end of this one.
func excerpt(line string, place diagnostic.Place, limit int) (text, caret string) {
	line = strings.TrimRight(line, "\r\n")
	start := offsetOf(line, place.Start.Column-1)
	end := len(strings.TrimRight(line, " \t"))
	switch {
	case place.End.Line == place.Start.Line && place.End.Column > place.Start.Column:
		end = offsetOf(line, place.End.Column-1)
	case place.End.Line <= place.Start.Line:
		end = start
	}
	for start > 0 && start < len(line) { // a combining character is marked with the one that it belongs to
		r, _ := utf8.DecodeRuneInString(line[start:])
		if runeWidth(r) > 0 {
			break
		}
		_, size := utf8.DecodeLastRuneInString(line[:start])
		start -= size
	}
	// A line may be megabytes long: only what can be shown is looked at. Each character but the combining ones takes a column.
	from, to := start, start
	for n := 0; n < 2*limit && from > 0; n++ {
		_, size := utf8.DecodeLastRuneInString(line[:from])
		from -= size
	}
	for n := 0; n < 2*limit && to < len(line); n++ {
		_, size := utf8.DecodeRuneInString(line[to:])
		to += size
	}
	left, at := cells(line[from:start], 0)
	right, _ := cells(line[start:to], at)
	marked, _ := cells(line[start:max(start, min(end, to))], at)
	return compose(left, right, len(marked), from > 0, to < len(line), limit)
}

// compose puts the two sides of a place together and cuts what is too much. more says that there is text beyond.
func compose(left, right []cell, marked int, moreLeft, moreRight bool, limit int) (text, caret string) {
	lw, rw := total(left), total(right)
	if lw+rw > limit || moreLeft || moreRight {
		room := max(limit/2, limit-lw) // for the right side; the left side gets what this does not need
		if rw > room || moreRight {
			for rw > room-1 && len(right) > 0 {
				rw -= right[len(right)-1].width
				right = right[:len(right)-1]
			}
			right, rw = append(right, cell{"…", 1}), rw+1
		}
		if lw > limit-rw || moreLeft {
			for lw > limit-rw-1 && len(left) > 0 {
				lw -= left[0].width
				left = left[1:]
			}
			left, lw = append([]cell{{"…", 1}}, left...), lw+1
		}
	}
	carets := max(1, total(right[:min(marked, len(right))]))
	return strings.TrimRight(written(left)+written(right), " "), strings.Repeat(" ", lw) + strings.Repeat("^", carets)
}

// offsetOf is where the character with this index begins, or the end of the line.
func offsetOf(line string, index int) int {
	offset := 0
	for ; index > 0 && offset < len(line); index-- {
		_, size := utf8.DecodeRuneInString(line[offset:])
		offset += size
	}
	return offset
}

// cell is one character as it is shown.
type cell struct {
	text  string
	width int
}

// cells are the characters of text, which begins at a column, and the column after them.
func cells(text string, column int) ([]cell, int) {
	var out []cell
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		c := cell{text: shown(r, text[:size])}
		if r == '\t' {
			c.text = strings.Repeat(" ", tabWidth-column%tabWidth)
		}
		c.width = displayWidth(c.text)
		out, column, text = append(out, c), column+c.width, text[size:]
	}
	return out, column
}

func total(cells []cell) int {
	n := 0
	for _, c := range cells {
		n += c.width
	}
	return n
}

func written(cells []cell) string {
	var b strings.Builder
	for _, c := range cells {
		b.WriteString(c.text)
	}
	return b.String()
}
