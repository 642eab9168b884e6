package cli

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"
)

// sampleCommands are like the real ones, as far as the argv pass looks.
func sampleCommands() []*cli.Command {
	common := func() []cli.Flag {
		return []cli.Flag{
			&cli.StringFlag{Name: "verbosity", Aliases: []string{"v"}},
			&cli.BoolFlag{Name: "no-color"},
		}
	}
	launch := func(more ...cli.Flag) []cli.Flag {
		return slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "launch-profile", Aliases: []string{"lp"}},
			&cli.BoolFlag{Name: "no-launch-profile"},
			&cli.StringFlag{Name: "project"},
			&cli.StringFlag{Name: "configuration", Aliases: []string{"c"}},
			&cli.GenericFlag{Name: "environment", Aliases: []string{"e"}, Value: &Variables{}},
		}, common(), more)
	}
	jsonOnly := func() []cli.Flag { return append(common(), &cli.BoolFlag{Name: "json"}) }
	return []*cli.Command{
		{Name: "run", Flags: launch(&cli.BoolFlag{Name: "no-build"})},
		{Name: "plan", Flags: launch(&cli.BoolFlag{Name: "json"})},
		{Name: "build", Flags: launch()},
		{Name: "env", Flags: launch(&cli.BoolFlag{Name: "json"})},
		{Name: "profiles", Flags: jsonOnly()},
		{Name: "ps", Flags: jsonOnly()},
		{Name: "version", Flags: jsonOnly()},
		{Name: "completion", Flags: common()},
	}
}

func divide(windows bool, args ...string) (Invocation, error) {
	p := parser{args: args, flags: flagTable(sampleCommands()), windows: windows}
	return p.parse()
}

// words is a command line for a table; ” is an empty argument.
func words(line string) []string {
	list := strings.Fields(line)
	for i, w := range list {
		if w == "''" {
			list[i] = ""
		}
	}
	return list
}

func TestParseArgv(t *testing.T) {
	t.Parallel()
	type inv = Invocation
	tests := []struct {
		line string
		want inv
	}{
		{"", inv{Verb: "run"}},
		{"run", inv{Verb: "run"}},
		{"ps", inv{Verb: "ps"}},

		// Flags, in all their forms.
		{"-lp X", inv{Verb: "run", Options: words("--launch-profile=X")}},
		{"-lp=X", inv{Verb: "run", Options: words("--launch-profile=X")}},
		{"-lp:X", inv{Verb: "run", Options: words("--launch-profile=X")}},
		{"--launch-profile X", inv{Verb: "run", Options: words("--launch-profile=X")}},
		{"--launch-profile=X", inv{Verb: "run", Options: words("--launch-profile=X")}},
		{"-launch-profile X", inv{Verb: "run", Options: words("--launch-profile=X")}},
		{"--lp X", inv{Verb: "run", Options: words("--launch-profile=X")}},
		{"--launch-profile --x", inv{Verb: "run", Options: words("--launch-profile=--x")}},
		{"--launch-profile=--x", inv{Verb: "run", Options: words("--launch-profile=--x")}},
		{"-lp -- x", inv{Verb: "run", Options: words("--launch-profile=--"), Args: words("x"), ArgsGiven: true}},
		{"--launch-profile ''", inv{Verb: "run", Options: words("--launch-profile=")}},
		{"--launch-profile=", inv{Verb: "run", Options: words("--launch-profile=")}},
		{"-lp a=b:c", inv{Verb: "run", Options: words("--launch-profile=a=b:c")}},
		{"-c Release -v q", inv{Verb: "run", Options: words("--configuration=Release --verbosity=q")}},
		{"--no-build --no-color=false", inv{Verb: "run", Options: words("--no-build=true --no-color=false")}},
		{"--no-build --no-build=false", inv{Verb: "run", Options: words("--no-build=true --no-build=false")}},
		{"-e A=1,2 -e A=3 --environment=B==", inv{Verb: "run", Options: words("--environment=A=1,2 --environment=A=3 --environment=B==")}},
		{"-lp run", inv{Verb: "run", Options: words("--launch-profile=run")}},

		// Before and after the verb.
		{"-lp X run", inv{Verb: "run", Options: words("--launch-profile=X")}},
		{"-lp X plan --json", inv{Verb: "plan", Options: words("--launch-profile=X --json=true")}},
		{"--json profiles", inv{Verb: "profiles", Options: words("--json=true")}},

		// What goes to the program, as dotnet run has it.
		{"--", inv{Verb: "run"}},
		{"-- ''", inv{Verb: "run", Args: []string{""}, ArgsGiven: true}},
		{"-- x", inv{Verb: "run", Args: words("x"), ArgsGiven: true}},
		{"x y", inv{Verb: "run", Args: words("x y"), ArgsGiven: true}},
		{"''", inv{Verb: "run", Args: []string{""}, ArgsGiven: true}},
		{"-", inv{Verb: "run", Args: words("-"), ArgsGiven: true}},
		{"foo -- -z", inv{Verb: "run", Args: words("foo -z"), ArgsGiven: true}},
		{"-- a -- b", inv{Verb: "run", Args: words("a -- b"), ArgsGiven: true}},
		{"a -- b -- c", inv{Verb: "run", Args: words("a b -- c"), ArgsGiven: true}},
		{"-- --launch-profile Z -c Release", inv{Verb: "run", Args: words("--launch-profile Z -c Release"), ArgsGiven: true}},
		{"x --launch-profile Nope", inv{Verb: "run", Args: words("x --launch-profile Nope"), ArgsGiven: true}},
		{"-- watch", inv{Verb: "run", Args: words("watch"), ArgsGiven: true}},
		{"-- pofiles", inv{Verb: "run", Args: words("pofiles"), ArgsGiven: true}},
		{"run watch", inv{Verb: "run", Args: words("watch"), ArgsGiven: true}},
		{"run pofiles", inv{Verb: "run", Args: words("pofiles"), ArgsGiven: true}},
		{"run run", inv{Verb: "run", Args: words("run"), ArgsGiven: true}},
		{"foo watch", inv{Verb: "run", Args: words("foo watch"), ArgsGiven: true}},
		{"foo bar", inv{Verb: "run", Args: words("foo bar"), ArgsGiven: true}},
		{"cmd/api", inv{Verb: "run", Args: words("cmd/api"), ArgsGiven: true}},
		{"foo --help", inv{Verb: "run", Args: words("foo --help"), ArgsGiven: true}},

		// The target.
		{".", inv{Verb: "run", Target: words(".")}},
		{"..", inv{Verb: "run", Target: words("..")}},
		{"./watch", inv{Verb: "run", Target: words("./watch")}},
		{"../x y", inv{Verb: "run", Target: words("../x"), Args: words("y"), ArgsGiven: true}},
		{"/x --", inv{Verb: "run", Target: words("/x")}},
		{"./cmd/api -- -x", inv{Verb: "run", Target: words("./cmd/api"), Args: words("-x"), ArgsGiven: true}},
		{"./cmd/api -x", inv{Verb: "run", Target: words("./cmd/api"), Args: words("-x"), ArgsGiven: true}},
		{"./cmd/api plan", inv{Verb: "run", Target: words("./cmd/api"), Args: words("plan"), ArgsGiven: true}},
		{"./a ./b", inv{Verb: "run", Target: words("./a"), Args: words("./b"), ArgsGiven: true}},
		{"./a b.go", inv{Verb: "run", Target: words("./a"), Args: words("b.go"), ArgsGiven: true}},
		{"-c Debug run ./a", inv{Verb: "run", Options: words("--configuration=Debug"), Target: words("./a")}},
		{"main.go", inv{Verb: "run", Target: words("main.go")}},
		{"a.go ./b.go c d.go", inv{Verb: "run", Target: words("a.go ./b.go"), Args: words("c d.go"), ArgsGiven: true}},
		{"a.go -x.go", inv{Verb: "run", Target: words("a.go"), Args: words("-x.go"), ArgsGiven: true}},
		{"a.go -- b.go", inv{Verb: "run", Target: words("a.go"), Args: words("b.go"), ArgsGiven: true}},

		// Verbs that start no program.
		{"profiles ./x --json", inv{Verb: "profiles", Target: words("./x"), Options: words("--json=true")}},
		{"build a.go b.go -c Release", inv{Verb: "build", Target: words("a.go b.go"), Options: words("--configuration=Release")}},
		{"plan ./x a --json", inv{Verb: "plan", Target: words("./x"), Args: words("a --json"), ArgsGiven: true}},
		{"completion bash --no-color", inv{Verb: "completion", Args: words("bash"), ArgsGiven: true, Options: words("--no-color=true")}},
		{"ps --", inv{Verb: "ps"}},

		// Help and version.
		{"--help", inv{Help: true}},
		{"-h", inv{Help: true}},
		{"-help", inv{Help: true}},
		{"help", inv{Help: true}},
		{"help help", inv{Help: true, Verb: "help"}},
		{"help plan", inv{Help: true, Verb: "plan"}},
		{"plan --help", inv{Help: true, Verb: "plan"}},
		{"-lp X plan -h --bogus", inv{Help: true, Verb: "plan"}},
		{"--help plan", inv{Help: true, Verb: "plan"}},
		{"--help ./x", inv{Help: true}},
		{"--version", inv{Verb: "version"}},
		{"--version --json", inv{Verb: "version", Options: words("--json=true")}},
	}
	for _, tt := range tests {
		got, err := divide(false, words(tt.line)...)
		if err != nil {
			t.Errorf("gorun %s: %v", tt.line, err)
		} else if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("gorun %s (-want +got)\n%s", tt.line, diff)
		}
	}
}

func TestParseArgvErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ line, message, details, hint string }{
		{"--cache 5 -- x", "there is no flag --cache", "", "`gorun -- --cache 5 x` hands it to the program"},
		{"-lp X --cache=$(rm) 'y", "there is no flag --cache", "", "`gorun -lp X -- '--cache=$(rm)' ''\\''y'` hands it to the program"},
		{"run --cache", "there is no flag --cache", "", "`gorun run -- --cache` hands it to the program"},
		{"--launch-profil x", "there is no flag --launch-profil", "did you mean --launch-profile?", "`gorun -- --launch-profil x` hands it to the program"},
		{"--Launch-Profile x", "there is no flag --Launch-Profile", "did you mean --launch-profile?", "`gorun -- --Launch-Profile x` hands it to the program"},
		{"-x", "there is no flag -x", "", "`gorun -- -x` hands it to the program"},
		{"---x", "there is no flag ---x", "", "`gorun -- ---x` hands it to the program"},
		{"-=x", "there is no flag -", "", "`gorun -- -=x` hands it to the program"},
		{"-cRelease", "there is no flag -cRelease", "", "`gorun -- -cRelease` hands it to the program"},
		{"plan --cache", "plan has no flag --cache", "", "`gorun plan -- --cache` hands it to the program"},
		{"profiles --jsn", "profiles has no flag --jsn", "did you mean --json?", "`gorun help profiles` lists its flags"},
		{"plan --no-build", "plan has no flag --no-build", "", "`gorun plan -- --no-build` hands it to the program"},
		{"--no-build ps", "ps has no flag --no-build", "", "`gorun help ps` lists its flags"},
		{"--json", "run has no flag --json", "", "`gorun -- --json` hands it to the program"},
		{"plan --version", "plan has no flag --version", "", "`gorun plan -- --version` hands it to the program"},

		{"-lp a --launch-profile b", "--launch-profile is given more than once", "", "give it once"},
		{"-v q run -v n", "--verbosity is given more than once", "", "give it once"},
		{"--launch-profile", "--launch-profile wants a value", "", "write it after the flag: --launch-profile VALUE"},
		{"--no-build=maybe", "--no-build=maybe is neither true nor false", "", "--no-build needs no value"},
		{"-e =v", `-e "=v" sets no variable: it has no name`, "", "-e wants NAME=VALUE"},
		{"-e ''", `-e "" sets no variable: it has no name`, "", "-e wants NAME=VALUE"},

		{"pofiles", `there is no verb "pofiles"`, "did you mean `gorun profiles`?", "`gorun -- pofiles` hands the word to the program"},
		{"-lp X rum ./x", `there is no verb "rum"`, "did you mean `gorun run`?", "`gorun -lp X -- rum ./x` hands the word to the program"},
		{"Run", `there is no verb "Run"`, "did you mean `gorun run`?", "`gorun -- Run` hands the word to the program"},
		{"watch", "watch is not in this version", "", "`gorun -- watch` hands the word to the program"},
		{"-lp X up -d -- y", "up is not in this version", "", "`gorun -lp X -- up -d y` hands the word to the program"},
		{"watch --help", "watch is not in this version", "", "`gorun -- watch --help` hands the word to the program"},
		{"help watch", "watch is not in this version", "", "`gorun help` lists the verbs"},
		{"help pofiles", `there is no verb "pofiles"`, "did you mean `gorun help profiles`?", "`gorun help` lists the verbs"},

		{"build api", `build wants a path, and "api" is none`, "", "a path begins with ./ or is absolute: ./api"},
		{"build ./a ./b", `build does not take the argument "./b"`, "", "`gorun help build` shows what it takes"},
		{"build -- x", "build starts no program, so there is nobody to hand arguments to", "", "leave out -- and what follows"},
		{"ps x", `ps does not take the argument "x"`, "", "`gorun help ps` shows what it takes"},
	}
	for _, tt := range tests {
		_, err := divide(false, words(tt.line)...)
		e, ok := errors.AsType[*UsageError](err)
		if !ok {
			t.Errorf("gorun %s: %v", tt.line, err)
			continue
		}
		want := UsageError{Message: tt.message, Suggestion: tt.hint}
		if tt.details != "" {
			want.Lines = []string{tt.details}
		}
		if diff := cmp.Diff(want, *e); diff != "" {
			t.Errorf("gorun %s (-want +got)\n%s", tt.line, diff)
		}
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	tests := []struct {
		word          string
		unix, windows bool
	}{
		{".", true, true}, {"..", true, true}, {"./x", true, true}, {"../x", true, true}, {"x.go", true, true},
		{"/x", true, false}, {`.\x`, false, true}, {`..\x`, false, true}, {`\x`, false, true},
		{`C:\x`, false, true}, {"c:/x", false, true}, {"C:x", false, false}, {"1:/x", false, false}, {`\\host\share`, false, true},
		{"x", false, false}, {"...", false, false}, {".x", false, false}, {"a/b", false, false}, {"", false, false}, {"-x.go", false, false},
	}
	for _, tt := range tests {
		for _, windows := range []bool{false, true} {
			p := parser{windows: windows}
			want := tt.unix
			if windows {
				want = tt.windows
			}
			if got := p.isPath(tt.word); got != want {
				t.Errorf("windows %v: isPath(%q) = %v", windows, tt.word, got)
			}
		}
	}
}

// TestUrfaveReadsOptions holds what the pass is for: the library gets each value exactly as it was typed.
func TestUrfaveReadsOptions(t *testing.T) {
	t.Parallel()
	inv, err := divide(false, "-lp", " --x, y ", "-e", "A=1,2", "-e", " B = x=\n", "-e", "C", "-c", "", "--no-build", "-v", "q", "--", "--no-color", "-e")
	if err != nil {
		t.Fatal(err)
	}
	ran := false
	commands := sampleCommands()
	commands[0].Action = func(c *cli.Context) error {
		ran = true
		got := []any{c.String("launch-profile"), c.String("configuration"), c.Bool("no-build"), c.Bool("no-color"), c.String("verbosity"), *c.Generic("environment").(*Variables)}
		want := []any{" --x, y ", "", true, false, "q", Variables{{"A", "1,2"}, {"B", " x=\n"}, {"C", ""}}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		return nil
	}
	app := &cli.App{Name: "gorun", Commands: commands, HideVersion: true}
	if err := app.RunContext(t.Context(), append([]string{"gorun", inv.Verb}, inv.Options...)); err != nil || !ran {
		t.Errorf("%v, ran %v", err, ran)
	}
}

// FuzzParseArgv holds that no command line is misread: each argument ends up in exactly one place, and what was
// understood can be written as a command line that is understood in the same way.
func FuzzParseArgv(f *testing.F) {
	for _, seed := range []string{"-lp\nX\nrun\n./x\n--\n-y", "-e\nA=1\n--no-build=false\nfoo\n--\nb\n--", "profiles\n./x\n--json", "a.go\nb.go\nc", "pofiles", "help\nwatch", "-c:Debug", "completion\nbash"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, "\n")
		inv, err := divide(false, args...)
		if err != nil {
			if _, ok := errors.AsType[*UsageError](err); !ok {
				t.Fatalf("%q: %v", args, err)
			}
			return
		}
		if inv.Help {
			return
		}
		if wrong := misplaced(args, inv); wrong != "" {
			t.Errorf("%q gave %+v: %s", args, inv, wrong)
		}
		again := slices.Concat([]string{inv.Verb}, inv.Options, inv.Target)
		if inv.Verb == "completion" {
			again = append(again, inv.Args...)
		} else if inv.ArgsGiven {
			again = append(append(again, "--"), inv.Args...)
		}
		second, err := divide(false, again...)
		if diff := cmp.Diff(inv, second); err != nil || (diff != "" && inv.Verb != "completion") {
			t.Errorf("%q is not read as %q: %v\n%s", again, args, err, diff)
		}
	})
}

// misplaced says what does not fit: too many or too few arguments, or the program's are not the end of the line.
func misplaced(args []string, inv Invocation) string {
	own := len(args) - len(inv.Target) - len(inv.Args)
	flags := len(inv.Options)
	if own < flags || own > 2*flags+2 { // each flag may have its value apart; the verb and -- are two more
		return "the number of arguments has changed"
	}
	if v, _ := findVerb(inv.Verb); v.takes != takesWords {
		i := len(args) - len(inv.Args)
		withDashes := i > 0 && slices.Equal(withoutDashes(args[i-1:]), inv.Args)
		if !withDashes && !slices.Equal(withoutDashes(args[i:]), inv.Args) {
			return "what goes to the program is not the end of the line"
		}
	}
	for _, arg := range slices.Concat(inv.Target, inv.Args) {
		i := slices.Index(args, arg)
		if i < 0 {
			return "out of nowhere, or in another order: " + arg
		}
		args = args[i+1:]
	}
	return ""
}
