package reverseproxy

import "strings"

// dialect is what the fronts differ in. Their signals are in signals_unix.go.
type dialect interface {
	name() string                                                 // in messages
	file() string                                                 // name of the configuration file
	text(c Config) string                                         // the configuration
	args(folder, file string) []string                            // to run with it in the foreground; with -t added, to test it
	place(lines []string, path string) (line int, message string) // of a mistake in the configuration; 0: none is told
	parse(line string) (level, message string)
	explain(message string) (said string, failed bool) // failed: it is the app's fault
	ignored(line string) bool
}

// dialects are the fronts that there are. Nobody writes to it.
var dialects = map[Kind]dialect{Nginx: nginx{}, Apache: apache{}}

// tellRequest adds where the app was looked for and which request that was for, as far as they are known. A query
// stays out: it may hold what is not for a terminal.
func tellRequest(said, at, request string) string {
	if at != "" {
		said = strings.Replace(said, "the app", "the app at "+at, 1)
	}
	if method, target, found := strings.Cut(request, " "); found {
		target, _, _ = strings.Cut(target, " ")
		target, _, _ = strings.Cut(target, "?")
		said += " (" + method + " " + target + ")"
	}
	return said
}
