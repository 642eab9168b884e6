package launchsettings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gorun-dev/gorun/internal/diagnostic"
)

// one parses a file with the profile A, whose properties are given.
func one(t *testing.T, properties string) Profile {
	t.Helper()
	s := Parse("launchSettings.json", []byte(`{"profiles":{"A":{`+properties+`}}}`))
	if len(s.Diagnostics) > 0 || len(s.Profiles) != 1 {
		t.Fatalf("the file itself is refused: %v", s.Diagnostics)
	}
	return s.Profiles[0]
}

func TestParseKeepsValuesAndPlaces(t *testing.T) {
	t.Parallel()
	s := Parse("launchSettings.json", []byte("{\n  // a comment\n  \"profiles\": {\n    \"日本\": {\n      \"commandName\": \"Project\", /* é */ \"launchUrl\": \"x\",\n    },\n  },\n}"))
	if len(s.Diagnostics) > 0 {
		t.Fatal(s.Diagnostics)
	}
	p := s.Profiles[0]
	if p.Name != "日本" || p.CommandName.V != "Project" || p.LaunchURL.V != "x" {
		t.Errorf("got %+v", p)
	}
	if got := p.LaunchURL.Place.String(); got != "launchSettings.json:5:54" {
		t.Errorf("the place of launchUrl is %s", got)
	}
	if got := p.Place.End; got.Line != 4 || got.Column != 9 {
		t.Errorf("the name ends at %+v", got)
	}
}

func TestParseWrongTypes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ properties, want string }{
		{`"launchBrowser": 1`, `"launchBrowser" wants true or false, not a number`},
		{`"launchBrowser": "true"`, `"launchBrowser" wants true or false, not a string`},
		{`"launchBrowser": null`, `"launchBrowser" wants true or false, not null`},
		{`"dotnetRunMessages": "true"`, ``},
		{`"dotnetRunMessages": "yes"`, `"dotnetRunMessages" wants true or false, not a string`},
		{`"commandLineArgs": ["--cache"]`, `"commandLineArgs" wants a string, not a list`},
		{`"commandLineArgs": null`, ``},
		{`"applicationUrl": {}`, `"applicationUrl" wants a string, not an object`},
		{`"environmentVariables": null`, ``},
		{`"environmentVariables": []`, `"environmentVariables" wants an object of strings, not a list`},
		{`"environmentVariables": {"A": null}`, `the variable "A" wants a string, not null`},
		{`"environmentVariables": {"A": true}`, `the variable "A" wants a string, not true`},
		{`"environmentVariables": {"A": "x\u0000y"}`, `a NUL character cannot be handed to a program`},
		{`"environmentVariables": {"A": "\ud800"}`, `half of a surrogate pair is no character`},
		{`"environmentVariables": {"A": "\ud83d\ude00"}`, ``},
		{`"environmentVariables": {"A": "\\ud800"}`, ``},
		{`"commandName": "Project", "executablePath": 1`, ``},
		{`"commandName": "Executable", "executablePath": 1`, `"executablePath" wants a string, not a number`},
		{`"hotReloadEnabled": "x", "useSSL": []`, ``},
		{`"gorun": []`, `"gorun" wants an object, not a list`},
		{`"gorun": {"configuration": "Relase"}`, `"configuration" wants Debug or Release, not "Relase"`},
		{`"gorun": {"configuration": "release"}`, ``},
		{`"gorun": {"stop": {"timeout": "soon"}}`, `"timeout" wants a time such as "10s", not "soon"`},
		{`"gorun": {"buildFlags": ["-tags=x", 1]}`, `"buildFlags" wants a list of strings, and this is, not a number`},
	} {
		got := ""
		if errors := one(t, c.properties).Diagnostics.Errors(); len(errors) > 0 {
			got = errors[0].Message
		}
		if got != c.want {
			t.Errorf("%s\n got %q\nwant %q", c.properties, got, c.want)
		}
	}
}

func TestParseWarnings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ properties, want string }{
		{`"launchUrl": null, "launchUrl": "x"`, `"launchUrl" stands here a second time, and this one counts`},
		{`"environmentVariables": {"A": "1", "A": "2"}`, `"A" stands here a second time, and this one counts`},
		{`"environmentVariables": {"A=": "1"}`, `an "=" ends the name of a variable: the program sees "A", and its value begins with "="`},
		{`"gorun": {"sever": "kestrel"}`, `this gorun knows no "sever" in "gorun"`},
	} {
		warnings := one(t, c.properties).Diagnostics.Warnings()
		if len(warnings) != 1 || warnings[0].Message != c.want {
			t.Errorf("%s\n got %v\nwant %q", c.properties, warnings, c.want)
		}
	}
}

func TestParseReportsAllProblemsInTheOrderOfTheFile(t *testing.T) {
	t.Parallel()
	p := one(t, `"launchUrl": 1, "environmentVariables": {"A": 1, "B": 2}, "applicationUrl": 3, "commandLineArgs": 4`)
	var got []string
	for _, d := range p.Diagnostics {
		got = append(got, d.Message)
	}
	want := []string{`"launchUrl" wants a string, not a number`, `the variable "A" wants a string, not a number`,
		`the variable "B" wants a string, not a number`, `"applicationUrl" wants a string, not a number`, `"commandLineArgs" wants a string, not a number`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseOwnSettings(t *testing.T) {
	t.Parallel()
	g := one(t, `"gorun": {"package": "./cmd/api", "buildFlags": "-race -tags=\"a b\"", "envFile": ".env", "env": "Shell", "stop": {"signal": "SIGINT", "timeout": "3s"}}`).Gorun
	if g.Package.V != "./cmd/api" || g.Env.V != "shell" || g.Stop.Signal.V != "SIGINT" || g.Stop.Timeout.V != 3*time.Second {
		t.Errorf("got %+v", g)
	}
	if diff := cmp.Diff([]string{"-race", "-tags=a b"}, g.BuildFlags.V); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{".env"}, g.EnvFile.V); diff != "" {
		t.Error(diff)
	}
}

func TestParseKeepsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	p := one(t, `"zzz": {"a": [1, {}], /* x */}, "commandName": "Project", "nativeDebugging": true`)
	var got []string
	for _, o := range p.Other {
		got = append(got, o.Name+"="+o.JSON)
	}
	if diff := cmp.Diff([]string{`zzz={"a": [1, {}]         }`, "nativeDebugging=true"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseSyntaxErrors(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 70) + strings.Repeat("]", 70)
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "1:1: the file is empty"},
		{"only comments", "// x\n", "1:1: the file is empty"},
		{"brace", "}", `1:1: "}" stands where a value should`},
		{"lone comma in object", "{,}", `1:2: "," stands where a property name in double quotes should`},
		{"lone comma in list", `{"a":[,]}`, `1:7: "," stands where a value should`},
		{"two commas", `{"a":1,,}`, `1:8: "," stands where a property name in double quotes should`},
		{"missing comma", "{\"a\": 1\n \"b\": 2}", "2:2: a comma is missing before this"},
		{"single quotes", "{'a': 1}", `1:2: "'" stands where a property name in double quotes should`},
		{"hash", "{ # x\n}", `1:3: "#" stands where a property name in double quotes should`},
		{"unclosed", "{\"a\": {", `1:8: the file ends, but the "{" of line 1 is not closed with "}"`},
		{"unclosed string", "{\"a\": \"b\n}", "1:7: this string is not closed on its line"},
		{"unclosed string at the end", `{"a": "b`, "1:7: this string is not closed"},
		{"tab in string", "{\"a\": \"b\tc\"}", "1:9: the control character U+0009 cannot stand in a string"},
		{"escape", `{"a": "..\src"}`, `1:10: "\\s" is no escape sequence of JSON`},
		{"garbage", `{} xyz`, `1:4: "x" stands where the end of the file should`},
		{"conflict", "<<<<<<< HEAD\n{}", "1:1: a merge conflict marker stands here"},
		{"conflict inside", "{\n\"a\": 1,\n=======\n\"b\": 1}", "3:1: a merge conflict marker stands here"},
		{"leading zero", `{"a": 01}`, "1:7: this is no number of JSON"},
		{"plus", `{"a": +1}`, `1:7: "+" stands where a value should`},
		{"NUL", "{\x00}", "1:2: the character U+0000 stands where a property name in double quotes should"},
		{"deep", deep, "1:65: objects and lists are nested more than 64 deep"},
		{"comment", "{} /* x", "1:4: this comment is not closed"},
		{"no colon", `{"a" 1}`, `1:6: "1" stands where ":" after a property name should`},
		{"not an object", `[]`, "1:1: the file wants an object, not a list"},
		{"no profiles", `{}`, `1:1: there is no "profiles" in this file`},
		{"profiles is a list", `{"profiles": []}`, `1:14: "profiles" wants an object, not a list`},
		{"lone CR", "{\r// x\r\"profiles\": []}", `3:13: "profiles" wants an object, not a list`},
	} {
		s := Parse("", []byte(c.text))
		got := ""
		if len(s.Diagnostics) > 0 {
			got = strings.TrimPrefix(s.Diagnostics[0].Place.String(), ":") + ": " + s.Diagnostics[0].Message
		}
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestParseEncodings(t *testing.T) {
	t.Parallel()
	const plain = `{"profiles":{"é":{"commandName":"Project"}}}`
	utf16 := func(big bool) string {
		out := "\xff\xfe"
		if big {
			out = "\xfe\xff"
		}
		for _, r := range plain {
			if big {
				out += string([]byte{byte(r >> 8), byte(r)})
			} else {
				out += string([]byte{byte(r), byte(r >> 8)})
			}
		}
		return out
	}
	for name, data := range map[string]string{"plain": plain, "mark": "\xef\xbb\xbf" + plain, "little": utf16(false), "big": utf16(true)} {
		s := Parse("", []byte(data))
		if len(s.Profiles) != 1 || s.Profiles[0].Name != "é" {
			t.Errorf("%s: got %+v", name, s)
		}
	}
	s := Parse("", []byte("{\"profiles\":{\"\xe9\xff\":{}}}"))
	if len(s.Profiles) != 1 || s.Profiles[0].Name != "\uFFFD\uFFFD" {
		t.Errorf("bytes that are no UTF-8: got %+v", s)
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	large := write("large.json", strings.Repeat(" ", 50<<20))
	for path, want := range map[string]string{
		dir:                               "this is a folder, not a settings file",
		large:                             "the file has 50.0 MB; a settings file has at most 4 MB",
		filepath.Join(dir, "absent.json"): "the file cannot be read: no such file or directory",
	} {
		d := Load(path).Diagnostics
		if len(d) != 1 || d[0].Message != want || d[0].Place.File != path || d[0].Severity != diagnostic.Error {
			t.Errorf("%s: got %v, want %q", filepath.Base(path), d, want)
		}
	}
}

func TestOverlay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	shared := filepath.Join(dir, "launchSettings.json")
	personal := filepath.Join(dir, PersonalName)
	for path, text := range map[string]string{
		shared:   `{"profiles":{"Dev":{"commandName":"Project","applicationUrl":"http://a","environmentVariables":{"A":"1","B":"1"},"gorun":{"package":"./a","server":"x"}}}}`,
		personal: `{"profiles":{"dev":{"environmentVariables":{"B":"2","C":"2"},"gorun":{"package":"./b"}},"Mine":{"commandName":"Project"}}}`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := Load(shared)
	if diff := cmp.Diff([]string{"Dev", "Mine"}, s.Names()); diff != "" {
		t.Fatal(diff)
	}
	p := s.Profiles[0]
	var got []string
	for _, v := range p.EnvironmentVariables {
		got = append(got, v.Name+"="+v.Value.V+" "+filepath.Base(v.Value.Place.File))
	}
	if diff := cmp.Diff([]string{"A=1 launchSettings.json", "B=2 " + PersonalName, "C=2 " + PersonalName}, got); diff != "" {
		t.Error(diff)
	}
	if p.Gorun.Package.V != "./b" || p.Gorun.Server.V != "x" || p.ApplicationURL.V != "http://a" {
		t.Errorf("got %+v", p)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, path := range []string{"Properties/launchSettings.json", "a/b/launchSettings.json", "a/b/c/api.run.json", "a/both/launchSettings.json", "a/both/x.run.json"} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ from, root, program, want, project string }{
		{"", "", "", "Properties/launchSettings.json", ""},
		{"a", "", "", "", ""},
		{"a", ".", "", "Properties/launchSettings.json", ""},
		{"a/b/c", ".", "api", "a/b/c/api.run.json", "a/b/c"},
		{"a/b/c", ".", "other", "a/b/launchSettings.json", "a/b"},
		{"a/both", ".", "x", "a/both/launchSettings.json", "a/both"},
	} {
		top := ""
		if c.root != "" {
			top = root
		}
		found := Find(filepath.Join(root, c.from), top, c.program)
		want := Found{}
		if c.want != "" {
			want = Found{Path: filepath.Join(root, c.want), Project: filepath.Join(root, c.project)}
		}
		if c.from == "a/both" {
			want.Unused = []string{filepath.Join(root, "a/both/x.run.json")}
		}
		if diff := cmp.Diff(want, found, cmp.Comparer(func(a, b []string) bool { return strings.Join(a, "|") == strings.Join(b, "|") })); diff != "" {
			t.Errorf("%+v: %s", c, diff)
		}
	}
}

func TestPersonalFileMayChangeTheCommand(t *testing.T) {
	t.Parallel()
	shared := Parse("a", []byte(`{"profiles":{"A":{"commandName":"Project","executablePath":"tool"}}}`))
	personal := Parse("b", []byte(`{"profiles":{"A":{"commandName":"Executable"}}}`))
	if p := Overlay(shared, personal).Profiles[0]; p.CommandName.V != "Executable" || p.ExecutablePath.V != "tool" {
		t.Errorf("got %+v", p)
	}
	if s := Overlay(shared, Parse("b", []byte(`{"Profiles":{}}`))); len(s.Diagnostics) != 1 {
		t.Errorf("a misspelt name in the personal file is passed over: %v", s.Diagnostics)
	}
	if s := Overlay(shared, Parse("b", []byte(`{}`))); len(s.Diagnostics) != 0 {
		t.Errorf("an empty personal file is refused: %v", s.Diagnostics)
	}
}
