//go:build unix

package ui

import (
	"errors"
	"io"
	"os"
	"testing"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
)

// TestTerminal holds, on a real terminal, when there are colours and how wide it is.
func TestTerminal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		env      map[string]string
		noColor  bool
		colours  bool
		terminal bool
	}{
		{"plain", map[string]string{"TERM": "xterm"}, false, true, true},
		{"NO_COLOR", map[string]string{"NO_COLOR": "1"}, false, false, true},
		{"empty NO_COLOR", map[string]string{"NO_COLOR": ""}, false, true, true},
		{"--no-color", nil, true, false, true},
		{"a dumb one", map[string]string{"TERM": "dumb"}, false, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			master, tty, err := pty.Open()
			if err != nil {
				if os.Getenv("GORUN_CI") != "" {
					t.Fatal(err)
				}
				t.Skip(err)
			}
			defer master.Close()
			if err := pty.Setsize(tty, &pty.Winsize{Rows: 24, Cols: 72}); err != nil {
				t.Fatal(err)
			}
			u := New(Options{Stderr: tty, NoColor: tt.noColor, Getenv: func(name string) string { return tt.env[name] }})
			width := 0
			if tt.terminal {
				width = 72
			}
			if u.err.terminal != tt.terminal || u.err.width() != width || u.out.terminal {
				t.Errorf("terminal %v, width %d", u.err.terminal, u.err.width())
			}
			u.Problem(errors.New("x"))
			tty.Close()
			got, _ := io.ReadAll(master) // Linux ends it with EIO
			want := "gorun: x\r\n"
			if tt.colours {
				want = "\x1b[31;1mgorun:\x1b[0;22m \x1b[1mx\x1b[22m\r\n"
			}
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
