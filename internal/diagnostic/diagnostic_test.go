package diagnostic

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestString(t *testing.T) {
	t.Parallel()
	start := Position{Offset: 40, Line: 3, Column: 7}
	for _, test := range []struct {
		place   Place
		where   string
		whole   string
		nowhere bool
	}{
		{Place{}, "", "it is wrong", true},
		{Place{File: "/p/launchSettings.json"}, "/p/launchSettings.json", "/p/launchSettings.json: it is wrong", false},
		{Place{File: "a.json", Start: start}, "a.json:3:7", "a.json:3:7: it is wrong", false},
	} {
		if got := test.place.String(); got != test.where {
			t.Errorf("%+v is %q, want %q", test.place, got, test.where)
		}
		if got := test.place.IsZero(); got != test.nowhere {
			t.Errorf("%+v: IsZero is %v", test.place, got)
		}
		d := Diagnostic{Code: "wrong", Severity: Error, Message: "it is wrong", Place: test.place}
		if got := d.String(); got != test.whole {
			t.Errorf("%+v is %q, want %q", d, got, test.whole)
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	bad := Diagnostic{Severity: Error, Message: "bad", Place: Place{File: "a"}}
	odd := Diagnostic{Severity: Warning, Message: "odd"}
	worse := Diagnostic{Severity: Error, Message: "worse"}
	list := List{bad, odd, worse}
	if got, want := error(list).Error(), "a: bad\nodd\nworse"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for name, test := range map[string]struct{ got, want List }{
		"all":      {list.Diagnostics(), list},
		"errors":   {list.Errors(), List{bad, worse}},
		"warnings": {list.Warnings(), List{odd}},
		"none":     {List{odd}.Errors(), nil},
		"empty":    {List(nil).Warnings(), nil},
	} {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if got := List(nil).Error(); got != "" {
		t.Errorf("an empty list says %q", got)
	}
}

// Tools read it as JSON: what is not known is left out.
func TestJSON(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		d    Diagnostic
		want string
	}{
		{Diagnostic{Code: "c", Severity: Warning, Message: "m"}, `{"code":"c","severity":"warning","message":"m"}`},
		{Diagnostic{Code: "c", Severity: Error, Message: "m", Place: Place{File: "f", Start: Position{2, 1, 3}}, Source: "s", Suggestion: "do"},
			`{"code":"c","severity":"error","message":"m","place":{"file":"f","start":{"offset":2,"line":1,"column":3}},"source":"s","suggestion":"do"}`},
	} {
		got, err := json.Marshal(test.d)
		if err != nil || string(got) != test.want {
			t.Errorf("%s, %v; want %s", got, err, test.want)
		}
	}
}
