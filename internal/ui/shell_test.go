package ui

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// awkward are values that a shell would do something with.
var awkward = []string{
	"", "plain", "a b", "it's", `"q"`, "$HOME", "${HOME}", "`id`", "$(id)", `back\slash`, `\`, "a\nb", "a\n", "\ttab", "!!", "a!b", "~", "*", "?x", "#c",
	"=ls", "a=b", "x;y", "a&b|c>d<e", "(a)", "[a]", "{a,b}", "é日本", "-x", "--", "%PATH%", "%%", "^", "''", "\u2018x\u2019", "\r", "\x1b[31m", "\u202e", "a'\x07!b", "\xff",
}

// shell is the path of a shell, or skips the test.
func shell(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("GORUN_CI") != "" && name != "pwsh" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return path
}

func TestShellQuoteIsReadBack(t *testing.T) {
	t.Parallel()
	script := "printf '%s\\0' " + ShellQuote(awkward)
	for _, r := range script {
		if r < ' ' || r == 0x7f || r == '\u202e' {
			t.Errorf("%q would reach the terminal", r)
		}
	}
	for _, name := range []string{"bash", "zsh"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.Command(shell(t, name), "-c", script).Output()
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
			if diff := cmp.Diff(awkward, got); diff != "" {
				t.Errorf("%s\n%s", script, diff)
			}
		})
	}
}

func TestShellQuote(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"":                           nil,
		"''":                         {""},
		"gorun -- --x=1 ./a 'b c'":   {"gorun", "--", "--x=1", "./a", "b c"},
		`'it'\''s'`:                  {"it's"},
		`$'\033[2J\041\\'`:           {"\x1b[2J!\\"},
		`'=x' a=x A=1,2 '$x' '~' @%`: {"=x", "a=x", "A=1,2", "$x", "~", "@%"},
	} {
		if got := ShellQuote(args); got != want {
			t.Errorf("%q: %s, want %s", args, got, want)
		}
	}
}

// TestExportIsReadBack has real shells read the lines and start a program, which gets the values.
func TestExportIsReadBack(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sh", "dash", "bash", "zsh", "fish", "pwsh"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, kind := shell(t, name), name
			if name == "dash" {
				kind = "sh"
			}
			for _, value := range awkward {
				line, err := Export(kind, "GORUN_X", value)
				if err != nil {
					t.Fatal(err)
				}
				out, err := exec.Command(path, "-c", line+"\nenv -0").Output()
				if err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				got := "(unset)"
				for kv := range strings.SplitSeq(string(out), "\x00") {
					if v, ok := strings.CutPrefix(kv, "GORUN_X="); ok {
						got = v
					}
				}
				if got != value && (name != "pwsh" || value != "") {
					t.Errorf("%s: %q, want %q", line, got, value)
				}
			}
		})
	}
}

// TestOrdinaryVariablesCanBeSet holds that what reads as an error in a shell is not more than what is left out.
func TestOrdinaryVariablesCanBeSet(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bash", "zsh", "fish"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := shell(t, name)
			for _, variable := range []string{"HOME", "PATH", "IFS", "TERM", "LINES", "RANDOM", "OLDPWD", "_x"} {
				line, err := Export(name, variable, "1")
				if err != nil {
					t.Fatal(err)
				}
				if out, err := exec.Command(path, "-c", line+"\n/bin/echo ok").CombinedOutput(); err != nil || string(out) != "ok\n" {
					t.Errorf("%s: %v, %s", line, err, out)
				}
			}
		})
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ shell, name, value, want string }{
		{"sh", "A", "it's", `export A='it'\''s'`},
		{"bash", "_a1", "", "export _a1=''"},
		{"fish", "A", `it's \n`, `set -gx A 'it\'s \\n'`},
		{"powershell", "A", "it's $x \u2019", "$env:A = 'it''s $x \u2019\u2019'"},
		{"pwsh", "ProgramFiles(x86)", `C:\x`, `${env:ProgramFiles(x86)} = 'C:\x'`},
		{"cmd", "A", "100% a&b", `set "A=100%% a&b"`},
		{"cmd", "A", `say "x" & calc`, `set A=say ^"x^" ^& calc`},
		{"cmd", "ProgramFiles(x86)", "x", `set "ProgramFiles(x86)=x"`},
	} {
		got, err := Export(tt.shell, tt.name, tt.value)
		if got != tt.want || err != nil {
			t.Errorf("%s %s: %s, %v, want %s", tt.shell, tt.name, got, err, tt.want)
		}
	}
	for _, tt := range []struct{ shell, name, value, message string }{
		{"sh", "A B", "x", `sh cannot have a variable called "A B"`},
		{"zsh", "1A", "x", `zsh cannot have a variable called "1A"`},
		{"bash", "", "x", `bash cannot have a variable called ""`},
		{"bash", "é", "x", `bash cannot have a variable called "é"`},
		{"bash", "UID", "x", "bash does not let UID be set"},
		{"fish", "PWD", "x", "fish does not let PWD be set"},
		{"powershell", "a}b", "x", `powershell cannot have a variable called "a}b"`},
		{"cmd", "a&b", "x", `cmd cannot have a variable called "a&b"`},
		{"cmd", "A", "secret\nline", "cmd cannot have a line break in A"},
	} {
		_, err := Export(tt.shell, tt.name, tt.value)
		if e, ok := errors.AsType[*ExportError](err); !ok || e.Error() != tt.message {
			t.Errorf("%s %s: %v", tt.shell, tt.name, err)
		}
	}
	_, err := Export("tcsh", "A", "x")
	if e, ok := errors.AsType[*UnknownShellError](err); !ok || e.Error() != `there is no shell "tcsh"` || e.Hint() == "" {
		t.Errorf("got %v", err)
	}
}
