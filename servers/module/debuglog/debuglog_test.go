package debuglog

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// logAll logs one line of each level.
func logAll(l *Log) {
	l.Logger().Error("bad")
	l.Logger().Warn("doubtful")
	l.Logger().Info("well")
	l.Logger().Debug("each step")
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestLevelsAndPlaces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		level, file   string
		lines         int // of the four
		console, disk bool
	}{
		{"", "", 0, false, false},
		{"ERROR,FILE", "", 1, false, true},
		{"file, Warning", "", 2, false, true},
		{"INFO,console", "", 3, true, false},
		{"TRACE,CONSOLE,FILE", "", 4, true, true},
		{"ERROR,INFO,FILE", "", 3, false, true},
		{"file", "", 4, false, true},
		{"warning", "", 2, false, true},
		{"", "debug.log", 4, false, true},
		{"ERROR,eventlog", "", 1, true, false},
		{"CONSOLE", "debug.log", 4, true, true},
	} {
		t.Run(c.level+" "+c.file, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			var stderr bytes.Buffer
			l := New(root, &stderr)
			if err := l.Set(Settings{c.level, c.file}); err != nil {
				t.Fatal(err)
			}
			logAll(l)
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			logAll(l) // goes nowhere
			disk := ""
			if c.disk {
				name := c.file
				if name == "" {
					name = DefaultFile
				}
				disk = read(t, root, name)
			} else if files, _ := os.ReadDir(root); len(files) > 0 {
				t.Errorf("there is %v", files)
			}
			for name, got := range map[string]string{"file": disk, "stderr": stderr.String()} {
				want := c.lines
				if name == "file" && !c.disk || name == "stderr" && !c.console {
					want = 0
				}
				n := 0
				for _, line := range []string{"level=ERROR msg=bad", "level=WARNING msg=doubtful", "level=INFO msg=well", `level=TRACE msg="each step"`} {
					n += strings.Count(got, line)
				}
				begins := strings.Count(got, "the module's log begins")
				if n != want || (begins == 1) != (want > 0) {
					t.Errorf("%s has %d lines, want %d, and %d times the versions:\n%s", name, n, want, begins, got)
				}
			}
		})
	}
}

func TestTheFirstLineHasTheVersions(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	l := New(root, nil)
	if err := l.Set(Settings{Level: "error,file"}); err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	line := read(t, root, DefaultFile)
	for _, part := range []string{"version=", "go=go1.", "pid=", "root="} {
		if !strings.Contains(line, part) {
			t.Errorf("no %q in %s", part, line)
		}
	}
}

// A file that is left says where the log goes on; what was there before stays.
func TestSwitch(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	l := New(root, nil)
	for _, file := range []string{`logs\first π.log`, "second.log", "", "second.log"} {
		if err := l.Set(Settings{"info,file", file}); err != nil {
			t.Fatal(err)
		}
		l.Logger().Info("while it is " + file)
	}
	_ = l.Close()
	first := filepath.Join(root, "logs", "first π.log")
	if got := read(t, first); !strings.Contains(got, "switching the log to another file") || !strings.Contains(got, "second.log") || strings.Contains(got, "while it is second") {
		t.Errorf("the first has %s", got)
	}
	if got := read(t, root, "second.log"); strings.Count(got, "while it is second.log") != 2 {
		t.Errorf("the second has %s", got)
	}
	if got := read(t, root, DefaultFile); !strings.Contains(got, "while it is") {
		t.Errorf("the usual one has %s", got)
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	l := New(root, nil)
	level, ok := errors.AsType[*LevelError](l.Set(Settings{Level: "FILE,WARN"}))
	if !ok || level.Word != "WARN" || level.Hint() == "" {
		t.Errorf("got %v", level)
	}
	if err := os.WriteFile(filepath.Join(root, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	file, ok := errors.AsType[*FileError](l.Set(Settings{File: "file/below.log"}))
	if !ok || file.Hint() == "" {
		t.Errorf("got %v", file)
	}
	logAll(l) // nowhere, and nobody minds
	if l.Logger().Enabled(t.Context(), slog.LevelError+1) != true {
		t.Error("the level is not what was asked for")
	}
}

func TestOver(t *testing.T) {
	t.Parallel()
	below := Settings{"info", "a"}
	if got := (Settings{}).Over(below); got != below {
		t.Errorf("got %v", got)
	}
	if got := (Settings{"trace", "b"}).Over(below); got != (Settings{"trace", "b"}) {
		t.Errorf("got %v", got)
	}
}
