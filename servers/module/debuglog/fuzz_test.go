package debuglog

import (
	"log/slog"
	"strings"
	"testing"
	"unicode"
)

// What debugLevel says is either a mistake, with the word, or one of the levels with a place to write to.
func FuzzLevel(f *testing.F) {
	for _, level := range []string{"", "file", "ERROR,EVENTLOG", " trace , console ,", "4", "WARN"} {
		f.Add(level, "")
	}
	f.Add("", "debug.log")
	f.Fuzz(func(t *testing.T, level, file string) {
		w, err := parse(Settings{level, file})
		if e, ok := err.(*LevelError); ok {
			if e.Word == "" || !strings.Contains(level, e.Word) || e.Hint() == "" {
				t.Errorf("%q: the word is %q", level, e.Word)
			}
			return
		}
		some := strings.ContainsFunc(level, func(r rune) bool { return r != ',' && !unicode.IsSpace(r) }) || file != ""
		isOn := w.level <= slog.LevelError && (w.file || w.console || w.eventLog)
		if err != nil || some && !isOn || !some && (w.level != off || w.file || w.console || w.eventLog) {
			t.Errorf("%q, %q: %+v, %v", level, file, w, err)
		}
	})
}
