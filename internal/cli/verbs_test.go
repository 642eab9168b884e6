package cli

import (
	"slices"
	"testing"

	"github.com/urfave/cli/v2"
)

func TestCloseVerb(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"pofiles": "profiles", "profil": "profiles", "Plan": "plan", "RUN": "run", "biuld": "build", "watc": "watch", "verison": "version",
		"x": "", "y": "", "foo": "", "bar": "", "baz": "", "hello": "", "serve": "", "server": "", "migrate": "", "seed": "",
		"worker": "", "listen": "", "create": "", "conf": "", "rn": "", "": "", "日本語": "", "--": "",
	}
	for word, want := range tests {
		if got := closeVerb(word); got != want {
			t.Errorf("closeVerb(%q) = %q, want %q", word, got, want)
		}
	}
}

// TestVerbsHaveCommands holds that the table of verbs and the commands say the same.
func TestVerbsHaveCommands(t *testing.T) {
	t.Parallel()
	commands := (&world{}).commands(&Invocation{})
	for _, command := range commands {
		if v, ok := findVerb(command.Name); !ok || v.absent {
			t.Errorf("there is a command %s, and no such verb", command.Name)
		}
	}
	for _, v := range verbs {
		has := slices.ContainsFunc(commands, func(c *cli.Command) bool { return c.Name == v.name })
		if has == (v.absent || v.name == "help") { // help is no command of the library's
			t.Errorf("verb %s: absent %v, command %v", v.name, v.absent, has)
		}
	}
}

// TestFlagsAreTheSameEverywhere holds what a FlagTable relies on: that a flag before the verb can be read without it.
func TestFlagsAreTheSameEverywhere(t *testing.T) {
	t.Parallel()
	kinds := map[string]flagKind{}
	for _, command := range (&world{}).commands(&Invocation{}) {
		for _, f := range flagTable([]*cli.Command{command}) {
			for _, name := range f.names {
				if kind, ok := kinds[name]; ok && kind != f.kind {
					t.Errorf("--%s of %s is of kind %d, elsewhere %d", name, command.Name, f.kind, kind)
				}
				kinds[name] = f.kind
			}
			if slices.Contains([]string{"h", "help", "version"}, f.name) {
				t.Errorf("--%s of %s is never reached", f.name, command.Name)
			}
		}
	}
}

func TestVerbsAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, v := range verbs {
		if seen[v.name] {
			t.Errorf("%s is there twice", v.name)
		}
		seen[v.name] = true
	}
}
