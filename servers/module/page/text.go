package page

import (
	"bytes"
	"fmt"
	"net/http"
)

// writeText is the page for a terminal.
func writeText(h http.Header, p problem) []byte {
	h.Set("Content-Type", "text/plain; charset=utf-8")
	var b bytes.Buffer
	fmt.Fprintln(&b, p.heading())
	if p.Detail == "" {
		return b.Bytes()
	}
	fmt.Fprintf(&b, "%s\n%s\n", p.Name, p.Reason)
	p.writeTried(&b)
	textBlock(&b, "cause", p.Cause)
	textBlock(&b, outputTitle(len(p.Output)), p.Output)
	for i, s := range p.Settings {
		if i == 0 {
			fmt.Fprintln(&b)
		}
		fmt.Fprintf(&b, "setting  %s\n", s)
	}
	fmt.Fprintln(&b, "\nwhat to try next")
	for _, line := range p.Advice {
		fmt.Fprintln(&b, "  - "+line)
	}
	if p.Link != "" {
		fmt.Fprintln(&b, "  - "+p.Link)
	}
	return b.Bytes()
}

// writeTried says what was tried and how it ended.
func (p problem) writeTried(b *bytes.Buffer) {
	if p.commandLine == "" && len(p.Attempts) == 0 && p.ended() == "" {
		return
	}
	fmt.Fprintln(b)
	label := "tried    "
	if p.commandLine != "" {
		fmt.Fprintln(b, label+p.commandLine)
		label = "         "
	}
	for _, a := range p.Attempts {
		fmt.Fprintln(b, label+a.String())
		label = "         "
	}
	if end := p.ended(); end != "" {
		fmt.Fprintln(b, "ended    "+end)
	}
}

func textBlock(b *bytes.Buffer, title string, block []string) {
	if len(block) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", title)
	for _, line := range block {
		fmt.Fprintln(b, "  | "+line)
	}
}

func outputTitle(n int) string {
	if n == 1 {
		return "the last line that it wrote"
	}
	return fmt.Sprintf("the last %d lines that it wrote", n)
}

// String gives name, value and place on one line.
func (s Setting) String() string {
	text := s.Name
	if s.Value != "" {
		text += " = " + s.Value
	}
	if s.Place != "" {
		text += "  (" + s.Place + ")"
	}
	return text
}
