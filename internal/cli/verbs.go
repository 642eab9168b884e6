package cli

import (
	"slices"
	"strings"

	"github.com/gorun-dev/gorun/internal/closest"
)

// takes says what the positional arguments of a verb are.
type takes int

const (
	takesNothing takes = iota
	takesPath          // what to look at: a folder, or .go files
	takesProgram       // the same, and then the program's own arguments
	takesWords         // anything
)

// verb is a word that is gorun's own when it is the first positional argument.
type verb struct {
	name   string
	takes  takes
	absent bool // kept for a later version, so that no script comes to use it as an argument of its program
}

// verbs are all of them, those of this version first.
var verbs = []verb{
	{name: "run", takes: takesProgram},
	{name: "build", takes: takesPath},
	{name: "profiles", takes: takesPath},
	{name: "plan", takes: takesProgram},
	{name: "env", takes: takesPath},
	{name: "ps"},
	{name: "init", takes: takesPath},
	{name: "doctor", takes: takesPath},
	{name: "clean"},
	{name: "dev-certs", takes: takesWords},
	{name: "httpsys", takes: takesWords},
	{name: "completion", takes: takesWords},
	{name: "version"},
	{name: "help", takes: takesWords},

	{name: "attach", absent: true},
	{name: "config", absent: true},
	{name: "dap", absent: true},
	{name: "dashboard", absent: true},
	{name: "debug", absent: true},
	{name: "down", absent: true},
	{name: "exec", absent: true},
	{name: "list", absent: true},
	{name: "logs", absent: true},
	{name: "publish", absent: true},
	{name: "restart", absent: true},
	{name: "schema", absent: true},
	{name: "start", absent: true},
	{name: "status", absent: true},
	{name: "stop", absent: true},
	{name: "test", absent: true},
	{name: "up", absent: true},
	{name: "url", absent: true},
	{name: "wait", absent: true},
	{name: "watch", absent: true},
}

// findVerb finds a verb by its exact name.
func findVerb(name string) (verb, bool) {
	i := slices.IndexFunc(verbs, func(v verb) bool { return v.name == name })
	if i < 0 {
		return verb{}, false
	}
	return verbs[i], true
}

// closeVerb is the verb that a word was probably meant to be, or "": one edit away or, where both have six letters or
// more, two. A word of one or two letters is near to everything, and so to nothing.
func closeVerb(word string) string {
	letters := len([]rune(word))
	if letters < 3 || letters > 20 { // no verb is that long, and the distance takes time
		return ""
	}
	best, limit := "", 3
	for _, v := range verbs {
		distance := closest.Distance(strings.ToLower(word), v.name)
		if distance < limit && (distance < 2 || min(letters, len(v.name)) >= 6) {
			best, limit = v.name, distance
		}
	}
	return best
}
