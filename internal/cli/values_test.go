package cli

import (
	"errors"
	"testing"
)

func TestParseVariable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string
		want Variable // without a name: an error
	}{
		{"A", Variable{"A", ""}},
		{"A=", Variable{"A", ""}},
		{"A=b=c", Variable{"A", "b=c"}},
		{"B==Y=", Variable{"B", "=Y="}},
		{"A=%ORACLE_VAR%", Variable{"A", "%ORACLE_VAR%"}},
		{" A = b ", Variable{"A", " b "}},
		{" A \t = X Y ", Variable{"A", " X Y "}},
		{"\u2003A\u00a0=\u2003", Variable{"A", "\u2003"}},
		{`A="q"`, Variable{"A", `"q"`}},
		{"A=1;B=2,C=3 D=4", Variable{"A", "1;B=2,C=3 D=4"}},
		{"C;=;", Variable{"C;", ";"}},
		{"A B=1", Variable{"A B", "1"}},
		{"é=ü", Variable{"é", "ü"}},
		{"", Variable{}}, {"=", Variable{}}, {"=v", Variable{}}, {"= X", Variable{}}, {" \t", Variable{}}, {"\u3000=x", Variable{}},
	}
	for _, tt := range tests {
		got, err := parseVariable(tt.in)
		_, isUsage := errors.AsType[*UsageError](err)
		if got != tt.want || isUsage != (tt.want.Name == "") {
			t.Errorf("%q: %q, %v", tt.in, got, err)
		}
		var list Variables
		if (list.Check(tt.in) == nil) != (err == nil) || (list.Set(tt.in) == nil) != (err == nil) {
			t.Errorf("%q: Check and Set do not agree with %v", tt.in, err)
		}
	}
}
