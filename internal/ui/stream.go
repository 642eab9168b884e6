package ui

import (
	"io"

	"github.com/fatih/color"
	"golang.org/x/term"
)

// stream is one of the two outputs: where it goes, and what it can show.
type stream struct {
	w        io.Writer
	terminal bool       // lines can be drawn again
	width    func() int // columns of the terminal; 0 when it is none or does not say

	redColor, yellowColor, dimColor, boldColor *color.Color
}

func newStream(w io.Writer, o Options) stream {
	getenv := o.Getenv
	if getenv == nil {
		getenv = func(string) string { return "" }
	}
	s := stream{w: w, width: func() int { return 0 }}
	if s.w == nil {
		s.w = io.Discard
	}
	if f, ok := w.(interface{ Fd() uintptr }); ok && term.IsTerminal(int(f.Fd())) && getenv("TERM") != "dumb" {
		s.terminal = true
		s.width = func() int { return terminalWidth(f) }
	}
	s.paint(s.terminal && !o.NoColor && getenv("NO_COLOR") == "")
	return s
}

func terminalWidth(f interface{ Fd() uintptr }) int {
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// paint sets the colours, each with its own switch: the library's package-level one knows only the process's stdout.
func (s *stream) paint(on bool) {
	make := func(attributes ...color.Attribute) *color.Color {
		c := color.New(attributes...)
		if on {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
		return c
	}
	s.redColor = make(color.FgRed, color.Bold)
	s.yellowColor = make(color.FgYellow, color.Bold)
	s.dimColor = make(color.Faint)
	s.boldColor = make(color.Bold)
}

func (s *stream) red(text string) string    { return s.redColor.Sprint(text) }    // what failed
func (s *stream) yellow(text string) string { return s.yellowColor.Sprint(text) } // what to mind
func (s *stream) dim(text string) string    { return s.dimColor.Sprint(text) }    // context
func (s *stream) bold(text string) string   { return s.boldColor.Sprint(text) }   // what to look at
