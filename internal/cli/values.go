package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

// Variable is one variable that -e sets.
type Variable struct{ Name, Value string }

// parseVariable reads NAME=VALUE as dotnet run does (reference: its option -e): the first = divides, blanks around the
// name are dropped, the value stays as it is, and a name alone sets an empty value. A variable without a name is a *UsageError.
func parseVariable(s string) (Variable, error) {
	name, value, _ := strings.Cut(s, "=")
	name = strings.TrimSpace(name)
	if name == "" {
		return Variable{}, usage(fmt.Sprintf("-e %q sets no variable: it has no name", s), "-e wants NAME=VALUE")
	}
	return Variable{Name: name, Value: value}, nil
}

// Variables is the value of the flag -e: all that were given, in order. Of several with the same name the last is meant to win.
// It is a cli.Generic, because the slice flags of urfave/cli divide values at commas and trim them.
type Variables []Variable

// Set adds one variable.
func (v *Variables) Set(s string) error {
	if s == copied {
		return nil
	}
	variable, err := parseVariable(s)
	if err != nil {
		return err
	}
	*v = append(*v, variable)
	return nil
}

// Check reports whether Set would take s, and changes nothing.
func (*Variables) Check(s string) error {
	_, err := parseVariable(s)
	return err
}

// String lists the variables, for the help.
func (v *Variables) String() string {
	var words []string
	for _, variable := range *v {
		words = append(words, variable.Name+"="+variable.Value)
	}
	return strings.Join(words, " ")
}

// copied is no argument that a process can have.
const copied = "\x00"

// Serialize is asked by urfave/cli when it copies the value of a flag to its aliases by calling Set for each: they
// share this one value, which would then have everything twice.
func (*Variables) Serialize() string { return copied }

// flagKind is what a flag wants after its name.
type flagKind int

const (
	boolFlag  flagKind = iota // nothing, or =true or =false
	valueFlag                 // one value; may be given once
	listFlag                  // one value; may be given again and again
)

// flagSpec is a flag as the argv pass knows it.
type flagSpec struct {
	name    string   // the long name, without dashes
	names   []string // name and aliases
	kind    flagKind
	check   func(string) error // of a value; nil takes any
	defined []string           // the verbs that have it
}

// normalised is the flag with a value in the one form in which urfave/cli misreads nothing.
func (f *flagSpec) normalised(value string) string { return "--" + f.name + "=" + value }

// checked refuses a value that the flag does not take.
func (f *flagSpec) checked(value string) error {
	if f.kind == boolFlag {
		if _, err := strconv.ParseBool(value); err != nil {
			return usage(fmt.Sprintf("--%s=%s is neither true nor false", f.name, value), "--"+f.name+" needs no value")
		}
	}
	if f.check != nil {
		return f.check(value)
	}
	return nil
}

// FlagTable is every flag of every verb. A flag is the same wherever it is: equal names have equal kinds.
type FlagTable []*flagSpec

// flagTable reads the flags that commands declare.
func flagTable(commands []*cli.Command) FlagTable {
	var table FlagTable
	for _, command := range commands {
		for _, declared := range command.Flags {
			f := table.find(declared.Names()[0])
			if f == nil {
				f = specOf(declared)
				table = append(table, f)
			}
			f.defined = append(f.defined, command.Name)
		}
	}
	return table
}

func specOf(declared cli.Flag) *flagSpec {
	f := &flagSpec{name: declared.Names()[0], names: declared.Names(), kind: valueFlag}
	switch declared := declared.(type) {
	case *cli.BoolFlag:
		f.kind = boolFlag
	case *cli.GenericFlag:
		f.kind = listFlag
		if c, ok := declared.Value.(interface{ Check(string) error }); ok {
			f.check = c.Check
		}
	}
	return f
}

// find finds a flag by any of its names, or gives nil.
func (t FlagTable) find(name string) *flagSpec {
	for _, f := range t {
		if slices.Contains(f.names, name) {
			return f
		}
	}
	return nil
}

// longNames are the names of the flags of a verb.
func (t FlagTable) longNames(verb string) []string {
	var names []string
	for _, f := range t {
		if slices.Contains(f.defined, verb) {
			names = append(names, f.name)
		}
	}
	return names
}
