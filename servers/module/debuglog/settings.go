package debuglog

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/gorun-dev/gorun/internal/closest"
)

// Settings are the handler settings of the log, as they are written. The zero value logs nothing.
type Settings struct {
	// Level is debugLevel: words separated by commas, in any case. ERROR, WARNING, INFO and TRACE say how much, each with all
	// that stand before it, and of several the last in this order counts; without one it is all. CONSOLE, EVENTLOG and FILE say
	// where; without one it is the file.
	Level string
	// File is debugFile: a path that is absolute or starts from the application's folder. Its folders are made. It alone is
	// FILE; "" is DefaultFile.
	File string
}

// Over is s, with what it leaves open from below.
func (s Settings) Over(below Settings) Settings {
	if s.Level == "" {
		s.Level = below.Level
	}
	if s.File == "" {
		s.File = below.File
	}
	return s
}

// wanted is what Settings ask for.
type wanted struct {
	level                   slog.Level
	console, eventLog, file bool
}

// levels are in the order of what they add.
var levels = []struct {
	name  string
	level slog.Level
}{{"ERROR", slog.LevelError}, {"WARNING", slog.LevelWarn}, {"INFO", slog.LevelInfo}, {"TRACE", slog.LevelDebug}}

// nameOf is the reference's name of a level.
func nameOf(level slog.Level) string {
	for _, l := range levels {
		if level >= l.level {
			return l.name
		}
	}
	return "TRACE"
}

func parse(s Settings) (wanted, error) {
	w := wanted{level: off}
	for word := range strings.SplitSeq(s.Level, ",") {
		if word = strings.TrimSpace(word); word != "" && !w.place(word) && !w.more(word) {
			return wanted{level: off}, &LevelError{word}
		}
	}
	some := w.level != off || w.console || w.eventLog || w.file || s.File != ""
	switch {
	case !some:
		return w, nil
	case w.level == off:
		w.level = slog.LevelDebug
	}
	w.file = w.file || !w.console && !w.eventLog || s.File != ""
	return w, nil
}

// place takes a word that says where.
func (w *wanted) place(word string) bool {
	switch strings.ToUpper(word) {
	case "CONSOLE":
		w.console = true
	case "EVENTLOG":
		w.eventLog = true
	case "FILE":
		w.file = true
	default:
		return false
	}
	return true
}

// more takes a word that says how much.
func (w *wanted) more(word string) bool {
	for _, l := range levels {
		if strings.EqualFold(word, l.name) {
			w.level = min(w.level, l.level)
			return true
		}
	}
	return false
}

// LevelError is a word of debugLevel that says nothing. Nothing is changed then.
type LevelError struct{ Word string }

func (e *LevelError) Error() string { return fmt.Sprintf("debugLevel has no word %q", e.Word) }

// Hint says what it may be.
func (e *LevelError) Hint() string {
	words := []string{"ERROR", "WARNING", "INFO", "TRACE", "CONSOLE", "EVENTLOG", "FILE"}
	if near := closest.Word(strings.ToUpper(e.Word), words); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "it is a list of " + strings.Join(words, ", ")
}

// FileError is a debugFile that cannot be written.
type FileError struct {
	Path string
	Err  error
}

func (e *FileError) Error() string { return "the module's log is not written: " + e.Err.Error() }

func (e *FileError) Unwrap() error { return e.Err }

// Hint says what to do.
func (*FileError) Hint() string { return "check debugFile, and the rights of its folder" }
