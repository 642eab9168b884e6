package ui

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		verbosity Verbosity
		want      string
	}{
		{Quiet, ""},
		{Minimal, "gorun: one\n\ngorun: two \\x1b[1m\n  lines\n"},
		{Normal, "gorun: one\n\ngorun: two \\x1b[1m\n  lines\ngorun: more\n"},
		{Diagnostic, "gorun: one\n\ngorun: two \\x1b[1m\n  lines\ngorun: more\n"},
	} {
		u, stdout, stderr := recorded(Options{Verbosity: tt.verbosity})
		u.Say("%s", "one")
		u.SayAfter("\n", "two \x1b[1m\nlines\n")
		u.Detail("more")
		if stderr.String() != tt.want || stdout.Len() > 0 {
			t.Errorf("%v: %q, stdout %q", tt.verbosity, stderr, stdout)
		}
	}
}

func TestParseVerbosity(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]Verbosity{
		"q": Quiet, "quiet": Quiet, "m": Minimal, "minimal": Minimal, "n": Normal, "Normal": Normal,
		"d": Detailed, "detailed": Detailed, "diag": Diagnostic, "DIAGNOSTIC": Diagnostic,
	} {
		got, err := ParseVerbosity(word)
		if got != want || err != nil {
			t.Errorf("%s: %v, %v", word, got, err)
		}
		if again, err := ParseVerbosity(got.String()); again != got || err != nil {
			t.Errorf("%v: %v, %v", got, again, err)
		}
	}
	for _, word := range []string{"", "loud", "dia", "q "} {
		if _, err := ParseVerbosity(word); err == nil {
			t.Errorf("%q is taken", word)
		} else if e, ok := errors.AsType[*UnknownVerbosityError](err); !ok || e.Hint() == "" {
			t.Errorf("%q: %v", word, err)
		}
	}
	if new(UI).verbosity != Minimal {
		t.Error("the zero value is not Minimal")
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	u, _, _ := recorded(Options{Dir: from("home", "me", "shop")})
	for path, want := range map[string]string{
		from("home", "me", "shop", "a", "b"):           filepath.Join("a", "b"),
		from("home", "me", "shop"):                     ".",
		from("home", "me", "other", "x"):               filepath.Join("..", "other", "x"),
		from("home", "me", "..x"):                      filepath.Join("..", "..x"),
		from("home", "me", "shop", "..x"):              "..x",
		from("usr"):                                    from("usr"),
		from("usr", "lib", "go", "src", "fmt", "x.go"): from("usr", "lib", "go", "src", "fmt", "x.go"),
		"--urls": "--urls",
		"a/b":    "a/b",
		"":       "",
	} {
		if got := u.Path(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	u, _, _ = recorded(Options{})
	if got := u.Path(from("a")); got != from("a") {
		t.Errorf("without a folder: %s", got)
	}
}

func TestTableGolden(t *testing.T) {
	t.Parallel()
	rows := [][]string{
		{"Development", "Project", "https://localhost:7443 http://localhost:5080", "(default)"},
		{"日本語", "IISExpress", "-"},
		{"cafe\u0301", "\x1b[31mred\n", "x", ""},
		{},
	}
	u, stdout, stderr := recorded(Options{})
	if err := u.Table([]string{"NAME", "COMMAND", "URLS", ""}, rows); err != nil {
		t.Fatal(err)
	}
	stdout.WriteString("---\n")
	_ = u.Table(nil, rows[:1])
	_ = u.Table(nil, nil)
	c, coloured, _ := colourful(Options{})
	_ = c.Table([]string{"NAME", "COMMAND"}, rows[:1])
	golden(t, "table", stdout.String()+"---\n"+coloured.String())
	if stderr.Len() > 0 {
		t.Errorf("stderr has %q", stderr)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	u, stdout, _ := recorded(Options{})
	v := map[string]any{"url": "http://x/?a=1&b=<2>", "n": []int{1}}
	if err := errors.Join(u.JSON(v), u.JSONLine(v)); err != nil {
		t.Fatal(err)
	}
	want := "{\n  \"n\": [\n    1\n  ],\n  \"url\": \"http://x/?a=1&b=<2>\"\n}\n" + `{"n":[1],"url":"http://x/?a=1&b=<2>"}` + "\n"
	if diff := cmp.Diff(want, stdout.String()); diff != "" {
		t.Error(diff)
	}
	if err := u.JSON(make(chan int)); err == nil {
		t.Error("a channel is no JSON")
	}
	broken := New(Options{Stdout: brokenPipe{}})
	if err := broken.JSON(1); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
	if err := broken.Table(nil, [][]string{{"x"}}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

// brokenPipe is a stream whose reader has gone.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
func (brokenPipe) Close() error              { return nil }

func TestNoColourWithoutTerminal(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	u := New(Options{Stderr: file, Stdout: file})
	u.Problem(errors.New("x"))
	_ = u.Table([]string{"NAME"}, nil)
	got, err := os.ReadFile(file.Name())
	if err != nil || bytes.ContainsRune(got, '\x1b') || !strings.HasSuffix(string(got), "NAME\n") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestVisible(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain": "plain", "": "", "é日本e\u0301": "é日本e\u0301", "👩\u200d💻 ❤\ufe0f": "👩\u200d💻 ❤\ufe0f", "\ue0a0": "\ue0a0",
		"\x1b[0m": `\x1b[0m`, "a\tb": "a b", "\r\n": `\r\n`, "\x7f": `\x7f`, "\u009b": `\u009b`, "\xff": `\xff`, "\u202e": `\u202e`,
		"\ufeff": `\ufeff`, "\u2028": `\u2028`, "\U000e0041": `\U000e0041`, "\ufffd": "\ufffd",
	} {
		if got := visible(text); got != want {
			t.Errorf("%+q: %+q, want %+q", text, got, want)
		}
	}
}

func TestFitted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text    string
		columns int
		want    string
	}{
		{"abcdef", 6, "abcdef"}, {"abcdef", 5, "abcd…"}, {"日本語", 6, "日本語"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"}, {"e\u0301e\u0301", 1, "…"},
	} {
		if got := fitted(tt.text, tt.columns); got != tt.want {
			t.Errorf("%s in %d: %s", tt.text, tt.columns, got)
		}
	}
}
