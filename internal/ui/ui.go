// Package ui is how gorun looks: problems with their places and hints, its story on stderr, progress, tables and JSON
// on stdout, and lines for a shell.
//
// It decides nothing, reads no file and no environment, and ends nothing: it renders what it is given to the streams
// that it is given. What comes from files and programs is shown as text: it cannot drive the terminal.
//
// A UI may be used from several goroutines; each message is one Write. The only goroutines are those of a Progress
// and of EventLines, and each is waited for by the method that ends it.
package ui

import (
	"fmt"
	"io"
	"strings"
	"sync"
)

// Options are what a UI needs to know.
type Options struct {
	Stdout, Stderr io.Writer // a stream is a terminal when it has an Fd method, as *os.File has, and the system says so

	Getenv    func(string) string // NO_COLOR and TERM are asked for; nil means that neither is set
	Dir       string              // absolute; paths are shown from here. "" shows them as they are
	NoColor   bool                // no colours on any stream
	Verbosity Verbosity           // the zero value is Minimal
}

// UI renders to two streams. New makes one.
type UI struct {
	out, err  stream
	dir       string
	verbosity Verbosity

	mu    sync.Mutex // one message at a time on stderr
	drawn int        // the width of a line of progress that stands on stderr without a line ending, 0 for none
}

// New makes a UI. Nothing has to be closed.
func New(o Options) *UI {
	return &UI{out: newStream(o.Stdout, o), err: newStream(o.Stderr, o), dir: o.Dir, verbosity: o.Verbosity}
}

// Say tells one fact of gorun's story: a line on stderr with the program's name in front. It says nothing when the
// verbosity is Quiet.
func (u *UI) Say(format string, args ...any) { u.say("", format, args...) }

// SayAfter is Say with something raw written before the line: "\n" where the terminal has just echoed ^C.
func (u *UI) SayAfter(before, format string, args ...any) { u.say(before, format, args...) }

// Detail is Say for facts that only some want to know: from the verbosity Normal on.
func (u *UI) Detail(format string, args ...any) {
	if u.verbosity >= Normal {
		u.say("", format, args...)
	}
}

func (u *UI) say(before, format string, args ...any) {
	if u.verbosity <= Quiet {
		return
	}
	u.tell(before + u.err.dim("gorun:") + " " + indented(fmt.Sprintf(format, args...), "  ") + "\n")
}

// tell writes to stderr, in place of a line of progress if there is one: that draws itself again.
func (u *UI) tell(text string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.write(u.erased() + text)
}

// write needs u.mu. There is nobody to whom an error of stderr could be told.
func (u *UI) write(text string) { _, _ = io.WriteString(u.err.w, text) }

// erased takes the line of progress away. It needs u.mu. Spaces do it on every terminal, escape sequences only on most.
func (u *UI) erased() string {
	if u.drawn == 0 {
		return ""
	}
	blank := "\r" + strings.Repeat(" ", u.drawn) + "\r"
	u.drawn = 0
	return blank
}
