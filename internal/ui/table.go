package ui

import (
	"io"
	"strings"
)

// columnGap is between two columns of a table.
const columnGap = "  "

// Table writes rows to stdout in columns that are aligned by the width on a terminal. header, which may be nil, is
// bold there. Rows may have fewer cells than others. Cells are made safe for a terminal. An error is stdout's.
func (u *UI) Table(header []string, rows [][]string) error {
	all := make([][]string, 0, len(rows)+1)
	if header != nil {
		all = append(all, header)
	}
	all = append(all, rows...)
	var widths []int
	for i, row := range all {
		all[i] = make([]string, len(row))
		for j, text := range row {
			all[i][j] = visible(text)
			if j == len(widths) {
				widths = append(widths, 0)
			}
			widths[j] = max(widths[j], displayWidth(all[i][j]))
		}
	}
	var b strings.Builder
	for i, row := range all {
		line := strings.TrimRight(aligned(row, widths), " ")
		if i == 0 && header != nil {
			line = u.out.bold(line)
		}
		b.WriteString(line + "\n")
	}
	_, err := io.WriteString(u.out.w, b.String())
	return err
}

func aligned(row []string, widths []int) string {
	var b strings.Builder
	for j, text := range row {
		b.WriteString(text)
		b.WriteString(strings.Repeat(" ", widths[j]-displayWidth(text)))
		b.WriteString(columnGap)
	}
	return b.String()
}
