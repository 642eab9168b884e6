package dotenv

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/joho/godotenv"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []Entry
	}{
		"empty":         {"", nil},
		"blank":         {" \n\t\n# only a comment\n", nil},
		"plain":         {"A=1\nB=two words\n", []Entry{{"A", "1", 1}, {"B", "two words", 2}}},
		"no newline":    {"A=1", []Entry{{"A", "1", 1}}},
		"empty values":  {"A=\nB=''\nC=\"\"\nD=", []Entry{{"A", "", 1}, {"B", "", 2}, {"C", "", 3}, {"D", "", 4}}},
		"spaces":        {"  A = 1  \n\tB\t=\t2", []Entry{{"A", "1", 1}, {"B", "2", 2}}},
		"export":        {"export A=1\nexport\tB=2\nexport=3\nexported=4", []Entry{{"A", "1", 1}, {"B", "2", 2}, {"export", "3", 3}, {"exported", "4", 4}}},
		"yaml":          {"A: 1\nURL: http://x/", []Entry{{"A", "1", 1}, {"URL", "http://x/", 2}}},
		"comments":      {"# one\nA=1 # two\nB=a#b\nC='x' # three\nD=#e", []Entry{{"A", "1", 2}, {"B", "a#b", 3}, {"C", "x", 4}, {"D", "#e", 5}}},
		"equals":        {"A=b=c==", []Entry{{"A", "b=c==", 1}}},
		"quotes":        {`A="x y"` + "\n" + `B='x y'` + "\n" + `C="say \"hi\" now"`, []Entry{{"A", "x y", 1}, {"B", "x y", 2}, {"C", `say "hi" now`, 3}}},
		"quote inside":  {`A=it's "fine"`, []Entry{{"A", `it's "fine"`, 1}}},
		"escapes":       {`A="a\nb\rc\td"` + "\n" + `B='a\nb'` + "\n" + `C=a\nb`, []Entry{{"A", "a\nb\rctd", 1}, {"B", `a\nb`, 2}, {"C", `a\nb`, 3}}},
		"multi-line":    {"A=\"one\ntwo # no comment\n\nB=no\"\nC=3", []Entry{{"A", "one\ntwo # no comment\n\nB=no", 1}, {"C", "3", 5}}},
		"single multi":  {"A='one\n$TWO'\nC=3", []Entry{{"A", "one\n$TWO", 1}, {"C", "3", 3}}},
		"expansion":     {"H=h\nA=$H/${H}\nB=\"${H}!\"\nC='${H}'\nD=\"\\$H\"", []Entry{{"H", "h", 1}, {"A", "h/h", 2}, {"B", "h!", 3}, {"C", "${H}", 4}, {"D", "$H", 5}}},
		"not expanded":  {"A=$LATER\nLATER=1\nlow=x\nB=$low\nC=${PATH}", []Entry{{"A", "", 1}, {"LATER", "1", 2}, {"low", "x", 3}, {"B", "$low", 4}, {"C", "", 5}}},
		"duplicates":    {"A=1\nB=$A\nA=2\nC=$A\nA=3", []Entry{{"A", "1", 1}, {"B", "1", 2}, {"A", "2", 3}, {"C", "2", 4}, {"A", "3", 5}}},
		"own names":     {"A=$0 ${1} $.1", []Entry{{"A", "  $.1", 1}}},
		"bom, crlf":     {"\ufeffA=1\r\nB=\"x\r\ny\"\r\n\r\nC=3\r\n", []Entry{{"A", "1", 1}, {"B", "x\ny", 2}, {"C", "3", 5}}},
		"non-ASCII":     {"A=grüße 世界 # äöü\n", []Entry{{"A", "grüße 世界", 1}}},
		"dots":          {"app.name=x", []Entry{{"app.name", "x", 1}}},
		"windows paths": {`A=C:\new\run` + "\n" + `B='C:\new'`, []Entry{{"A", `C:\new\run`, 1}, {"B", `C:\new`, 2}}},
	} {
		got, err := Parse([]byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"nul":            {"A=1\nB=\x00", "line 2: there is a NUL byte, which no variable can hold"},
		"utf-16":         {"\xff\xfeA\x00=\x001\x00", "line 1: the file is UTF-16"},
		"latin-1":        {"A=1\nB=gr\xfc\xdfe", "line 2: there is a byte that is not UTF-8"},
		"lone cr":        {"A=1\r\nB=2\rC=3", "line 2: there is a carriage return within the line"},
		"no equals":      {"A=1\nsecret\nB=2", "line 2: there is no = after the name"},
		"at the end":     {"A=1\nB", "line 2: there is no = after the name"},
		"no name":        {"=1", "line 1: there is no name in front of the ="},
		"export only":    {"export =1", "line 1: there is no name in front of the ="},
		"digit":          {"1A=1", "line 1: what stands in front of the = is not a name"},
		"dot":            {".0=1", "line 1: what stands in front of the = is not a name"},
		"space":          {"A B=1", "line 1: what stands in front of the = is not a name"},
		"quoted name":    {`"A"=1`, "line 1: what stands in front of the = is not a name"},
		"not closed":     {"A=1\nB=\"x\nC=2\n", "line 2: the quote at the start of the value is not closed"},
		"backslash":      {`A="C:\"`, "line 1: the quote at the start of the value is not closed"},
		"after quote":    {`A="x" y`, "line 1: there is text after the closing quote"},
		"two statements": {`A="x" B=y`, "line 1: there is text after the closing quote"},
		"all of them":    {"x\nA=1\n-=\"\ny\"\n\nz", "line 1: there is no = after the name\nline 3: what stands in front of the = is not a name\nline 6: there is no = after the name"},
	} {
		got, err := Parse([]byte(c.text))
		if err == nil || got != nil {
			t.Errorf("%s: got %v, %v; want %q", name, got, err, c.want)
			continue
		}
		if err.Error() != c.want {
			t.Errorf("%s:\ngot  %q\nwant %q", name, err, c.want)
		}
		if _, ok := errors.AsType[*ParseError](err); !ok {
			t.Errorf("%s: no *ParseError in %T", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"A=1\nB=$A\nA='x'\n", "export A=\"x\\\"\ny\" # z\nB: ${A}", "\ufeffA=1\r\n", "A=\"x", "A", "=", "A=\\", "A=\"\\\\\"", "A='''", "A=\r\r\n\vB=\f",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := Parse(data)
		if err != nil {
			if _, ok := errors.AsType[*ParseError](err); !ok {
				t.Fatalf("%q: an error without a line: %v", data, err)
			}
			return
		}
		last := map[string]string{}
		line := 0
		for _, e := range entries {
			if e.Name == "" || e.Line <= line || e.Line > 1+strings.Count(string(data), "\n") {
				t.Fatalf("%q: %+v after line %d", data, e, line)
			}
			line = e.Line
			last[e.Name] = e.Value
		}
		// What this package accepts, the library reads to the same values by itself.
		want, err := godotenv.Unmarshal(strings.TrimPrefix(string(data), "\ufeff"))
		if err != nil {
			t.Fatalf("%q: the library refuses it: %v", data, err)
		}
		if diff := cmp.Diff(want, last); diff != "" {
			t.Fatalf("%q (-library +got):\n%s", data, diff)
		}
	})
}
