package launchsettings

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplitArgs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{" \t ", nil},
		{"a  b\tc", []string{"a", "b", "c"}},
		{"a\nb", []string{"a\nb"}},
		{`a"b c"d`, []string{"ab cd"}},
		{`""`, []string{""}},
		{`a""b`, []string{"ab"}},
		{`"a""b"`, []string{`a"b`}},
		{`"open end`, []string{"open end"}},
		{`a\"b`, []string{`a"b`}},
		{`a\\"b c"`, []string{`a\b c`}},
		{`tail\`, []string{`tail\`}},
		{`\\server\share`, []string{`\\server\share`}},
		{`'one two'`, []string{"'one", "two'"}},
	} {
		if diff := cmp.Diff(c.want, SplitArgs(c.in)); diff != "" {
			t.Errorf("%q: %s", c.in, diff)
		}
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	lookup := func(name string) (string, bool) {
		v, ok := map[string]string{"A": "1", "P": "%A%", "E": ""}[name]
		return v, ok
	}
	for in, want := range map[string]string{
		"x%A%y": "x1y", "%NO%": "%NO%", "100%": "100%", "%%": "%%", "%A": "%A", "%%A%": "%1",
		"%P%": "%A%", "%E%": "", "%a%": "%a%", "50%A%%A%": "5011", "%NO%A%": "%NO1", "$A ${A} $(A)": "$A ${A} $(A)",
	} {
		if got := Expand(in, lookup); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
