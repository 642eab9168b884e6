package cli

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/gorun-dev/gorun/internal/closest"
	"github.com/gorun-dev/gorun/internal/ui"
)

// Invocation is a command line, divided.
type Invocation struct {
	Verb    string   // "run" when none was given, "version" for --version
	Help    bool     // help was asked for: about Verb or, where it is "", about gorun
	Options []string // the flags in order, each as --name=value under its long name
	Target  []string // a folder, or .go files; as typed
	Args    []string // what goes to the program, or the words of a verb that wants words; as typed

	// ArgsGiven says that Args take the place of the profile's arguments. It is false for none, and for a bare --.
	ArgsGiven bool
}

// parseArgv divides the arguments, without the program's name. An error is a *UsageError.
//
// Flags may stand before and after the verb, and end at the first positional argument where a program may follow. A
// positional that is a path is the target; all others go to the program, with everything after them. The first -- is
// gorun's, wherever it stands, and what follows it is literal, as with dotnet run.
func parseArgv(args []string, flags FlagTable) (Invocation, error) {
	p := parser{args: args, flags: flags, windows: runtime.GOOS == "windows"}
	return p.parse()
}

// parser walks over the arguments once, from left to right.
type parser struct {
	args    []string
	flags   FlagTable
	windows bool // the paths of Windows are paths

	at      int // the argument that is looked at
	verb    verb
	named   bool // the verb was given
	given   []givenFlag
	inv     Invocation
	literal bool // -- was seen
}

// givenFlag is a flag that was found, and where.
type givenFlag struct {
	spec *flagSpec
	at   int
}

func (p *parser) parse() (Invocation, error) {
	p.verb, _ = findVerb("run")
	for p.at < len(p.args) && !p.inv.Help {
		if err := p.next(); err != nil {
			return Invocation{}, err
		}
	}
	if p.inv.Help {
		return p.help()
	}
	if err := p.checkFlags(); err != nil {
		return Invocation{}, err
	}
	if p.literal && len(p.inv.Args) > 0 && (p.verb.takes == takesNothing || p.verb.takes == takesPath) {
		return Invocation{}, usage(p.verb.name+" starts no program, so there is nobody to hand arguments to", "leave out -- and what follows")
	}
	p.inv.Verb = p.verb.name
	p.inv.ArgsGiven = len(p.inv.Args) > 0
	return p.inv, nil
}

// next looks at one argument, and what belongs to it.
func (p *parser) next() error {
	arg := p.args[p.at]
	switch {
	case arg == "--":
		p.literal = true
		p.inv.Args = append(p.inv.Args, p.args[p.at+1:]...)
		p.at = len(p.args)
		return nil
	case len(arg) > 1 && arg[0] == '-':
		return p.flag(arg)
	}
	if v, ok := findVerb(arg); ok && !p.named { // without a verb the first positional is also the last that is looked at
		return p.takeVerb(v)
	}
	return p.positional(arg)
}

func (p *parser) takeVerb(v verb) error {
	if v.absent {
		return usage(v.name+" is not in this version", p.handOver("hands the word to the program"))
	}
	p.verb, p.named = v, true
	p.inv.Help = v.name == "help"
	p.at++
	return nil
}

// flag takes one flag with its value. A value is the next argument, whatever it looks like.
func (p *parser) flag(arg string) error {
	name := strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-")
	value, inline := "", false
	if i := strings.IndexAny(name, "=:"); i >= 0 { // dotnet takes a colon as well
		name, value, inline = name[:i], name[i+1:], true
	}
	f := p.flags.find(name)
	switch {
	case !inline && (name == "h" || name == "help"):
		p.inv.Help = true
		p.at++
		return nil
	case !inline && name == "version" && !p.named:
		p.verb, _ = findVerb("version")
		p.named = true
		p.at++
		return nil
	case f == nil:
		return p.unknownFlag(arg, name)
	}
	return p.takeFlag(f, value, inline)
}

func (p *parser) takeFlag(f *flagSpec, value string, inline bool) error {
	given := givenFlag{f, p.at}
	p.at++
	switch {
	case inline:
	case f.kind == boolFlag:
		value = "true"
	case p.at == len(p.args):
		return usage("--"+f.name+" wants a value", "write it after the flag: --"+f.name+" VALUE")
	default:
		value = p.args[p.at]
		p.at++
	}
	if err := f.checked(value); err != nil {
		return err
	}
	if f.kind == valueFlag && slices.ContainsFunc(p.given, func(g givenFlag) bool { return g.spec == f }) {
		return usage("--"+f.name+" is given more than once", "give it once")
	}
	p.given = append(p.given, given)
	p.inv.Options = append(p.inv.Options, f.normalised(value))
	return nil
}

// positional takes an argument that is no flag and no verb, in the way of the verb.
func (p *parser) positional(arg string) error {
	switch p.verb.takes {
	case takesWords:
		p.inv.Args = append(p.inv.Args, arg)
		p.at++
		return nil
	case takesProgram:
		return p.program(arg)
	case takesPath:
		if p.inv.Target == nil && p.isPath(arg) {
			p.takeTarget()
			return nil
		}
		if p.inv.Target == nil {
			return usage(fmt.Sprintf("%s wants a path, and %q is none", p.verb.name, arg),
				"a path begins with ./ or is absolute: "+ui.ShellQuote([]string{"./" + arg}))
		}
	}
	return usage(fmt.Sprintf("%s does not take the argument %q", p.verb.name, arg), "`gorun help "+p.verb.name+"` shows what it takes")
}

// program takes the target, and everything that follows for the program.
func (p *parser) program(arg string) error {
	if p.isPath(arg) {
		p.takeTarget()
	} else if near := closeVerb(arg); near != "" && !p.named {
		return &UsageError{
			Message:    fmt.Sprintf("there is no verb %q", arg),
			Lines:      meant(near),
			Suggestion: p.handOver("hands the word to the program"),
		}
	}
	p.inv.Args = append(p.inv.Args, withoutDashes(p.args[p.at:])...)
	p.at = len(p.args)
	return nil
}

// meant asks whether a verb was meant; one that is not there would be no help.
func meant(near string) []string {
	if v, ok := findVerb(near); ok && v.absent {
		return nil
	}
	return []string{"did you mean `gorun " + near + "`?"}
}

// takeTarget takes one path, or the .go files that stand in a row.
func (p *parser) takeTarget() {
	first := p.at
	for p.at++; isGoFile(p.args[first]) && p.at < len(p.args) && isGoFile(p.args[p.at]); {
		p.at++
	}
	p.inv.Target = p.args[first:p.at:p.at]
}

func isGoFile(arg string) bool { return strings.HasSuffix(arg, ".go") && !strings.HasPrefix(arg, "-") }

func (p *parser) isPath(arg string) bool {
	if arg == "." || arg == ".." || strings.HasPrefix(arg, "./") || strings.HasPrefix(arg, "../") || isGoFile(arg) {
		return true
	}
	if p.windows {
		return strings.HasPrefix(arg, `.\`) || strings.HasPrefix(arg, `..\`) || isAbsWindows(arg)
	}
	return strings.HasPrefix(arg, "/")
}

// isAbsWindows reports whether arg is C:\x, C:/x, \x or \\host\share. /x is not among them: that is how flags look there.
func isAbsWindows(arg string) bool {
	if strings.HasPrefix(arg, `\`) {
		return true
	}
	letter := len(arg) > 2 && (arg[0]|0x20) >= 'a' && (arg[0]|0x20) <= 'z'
	return letter && arg[1] == ':' && (arg[2] == '\\' || arg[2] == '/')
}

// withoutDashes leaves out the first --.
func withoutDashes(args []string) []string {
	if i := slices.Index(args, "--"); i >= 0 {
		return slices.Concat(args[:i], args[i+1:])
	}
	return args
}

// help says what help was asked for. Of what follows only a verb is looked at.
func (p *parser) help() (Invocation, error) {
	inv := Invocation{Help: true}
	if p.named && p.verb.name != "help" {
		inv.Verb = p.verb.name
		return inv, nil
	}
	i := slices.IndexFunc(p.args[p.at:], func(arg string) bool { return !strings.HasPrefix(arg, "-") })
	if i < 0 {
		return inv, nil
	}
	word := p.args[p.at+i]
	v, known := findVerb(word)
	switch {
	case known && v.absent:
		return Invocation{}, usage(word+" is not in this version", "`gorun help` lists the verbs")
	case known:
		inv.Verb = word
	case p.verb.name == "help":
		e := &UsageError{Message: fmt.Sprintf("there is no verb %q", word), Suggestion: "`gorun help` lists the verbs"}
		if near := closeVerb(word); near != "" {
			e.Lines = meant("help " + near)
		}
		return Invocation{}, e
	}
	return inv, nil
}

// checkFlags refuses a flag that the verb does not have. It is known only when the verb is.
func (p *parser) checkFlags() error {
	for _, g := range p.given {
		if !slices.Contains(g.spec.defined, p.verb.name) {
			p.at = g.at
			return p.flagError(p.verb.name+" has no flag --"+g.spec.name, nil)
		}
	}
	return nil
}

func (p *parser) unknownFlag(arg, name string) error {
	var lines []string
	if len(name) > 2 && len(name) < 40 {
		if near := closest.Word(name, p.flags.longNames(p.verb.name)); near != "" {
			lines = []string{"did you mean --" + near + "?"}
		}
	}
	shown, _, _ := strings.Cut(arg, "=") // a value may be a secret
	message := "there is no flag " + shown
	if p.verb.name != "run" {
		message = p.verb.name + " has no flag " + shown
	}
	return p.flagError(message, lines)
}

// flagError is about the flag at p.at.
func (p *parser) flagError(message string, lines []string) error {
	hint := "`gorun help " + p.verb.name + "` lists its flags"
	if p.verb.takes == takesProgram {
		hint = p.handOver("hands it to the program")
	}
	return &UsageError{Message: message, Lines: lines, Suggestion: hint}
}

// handOver is this command line with everything from p.at on handed to the program, safe to paste.
func (p *parser) handOver(does string) string {
	words := slices.Concat([]string{"gorun"}, p.args[:p.at], []string{"--"}, withoutDashes(p.args[p.at:]))
	return "`" + ui.ShellQuote(words) + "` " + does
}

// UsageError is wrong use of the command line. gorun's exit status is 2.
type UsageError struct {
	Message    string   // what is wrong: lower case, no full stop
	Lines      []string // more about it
	Suggestion string   // what to do, "" when Message says it all
}

func (e *UsageError) Error() string { return e.Message }

// Details gives the Lines.
func (e *UsageError) Details() []string { return e.Lines }

// Hint gives the Suggestion.
func (e *UsageError) Hint() string { return e.Suggestion }

// usage makes a UsageError.
func usage(message, suggestion string) error {
	return &UsageError{Message: message, Suggestion: suggestion}
}
