package closest

import (
	"math/rand/v2"
	"testing"
)

func TestWord(t *testing.T) {
	t.Parallel()
	verbs := []string{"run", "plan", "profiles", "ps", "doctor", "completion"}
	for _, test := range []struct {
		word  string
		known []string
		want  string
	}{
		{"profles", verbs, "profiles"},
		{"porfiles", verbs, "profiles"}, // two swapped are one edit
		{"PLAN", verbs, "plan"},         // case costs nothing
		{"doctors", verbs, "doctor"},
		{"completoin", verbs, "completion"},
		{"rnu", verbs, "run"},
		{"migrate", verbs, ""},
		{"pl", verbs, "ps"}, // the first word of one edit
		{"abc", verbs, ""},
		{"Developmnt", []string{"Production", "Development"}, "Development"},
		{"developent", []string{"Developer", "Development"}, "Development"}, // the nearer one
		{"aab", []string{"aac", "aad"}, "aac"},                              // the first of equals
		{"größe", []string{"grösse", "große"}, "große"},                     // letters, not bytes
		{"", verbs, ""},
		{"run", nil, ""},
	} {
		if got := Word(test.word, test.known); got != test.want {
			t.Errorf("Word(%q, %q) = %q, want %q", test.word, test.known, got, test.want)
		}
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "ABC", 3},
		{"abc", "abcd", 1}, {"abc", "ac", 1}, {"abc", "axc", 1}, {"abc", "acb", 1},
		{"ca", "abc", 3}, // no letter is edited twice
		{"kitten", "sitting", 3}, {"ä", "a", 1},
	} {
		if got := Distance(test.a, test.b); got != test.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

// The table gives what the definition gives.
func TestDistanceIsTheDefinition(t *testing.T) {
	t.Parallel()
	source := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		b := make([]byte, source.IntN(6))
		for i := range b {
			b[i] = "abc"[source.IntN(3)]
		}
		return string(b)
	}
	for range 500 {
		a, b := text(), text()
		if got, want := Distance(a, b), defined(a, b); got != want || got != Distance(b, a) {
			t.Errorf("Distance(%q, %q) = %d, want %d; the other way %d", a, b, got, want, Distance(b, a))
		}
	}
}

// defined is the optimal string alignment distance as it is defined.
func defined(a, b string) int {
	if a == "" || b == "" {
		return len(a) + len(b)
	}
	i, j := len(a)-1, len(b)-1
	cost := 1
	if a[i] == b[j] {
		cost = 0
	}
	d := min(defined(a[:i], b)+1, defined(a, b[:j])+1, defined(a[:i], b[:j])+cost)
	if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
		d = min(d, defined(a[:i-1], b[:j-1])+1)
	}
	return d
}
