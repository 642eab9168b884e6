package backend

import (
	"runtime"
	"slices"
	"strings"
)

// environment is a list of KEY=VALUE, of which the first of a name counts.
//
// The reference compares names without case, as Windows does. The module's own names are compared so on every system: an
// ASP.NET Core app reads them that way on Linux, too, and a variable "aspnetcore_token" must not stand beside the real one.
// Any other name is compared as the system does: on Linux "port" may be a variable of the app's own.
type environment []string

func same(a, b string) bool {
	if runtime.GOOS == "windows" || len(a) > 11 && strings.EqualFold(a[:11], "ASPNETCORE_") {
		return strings.EqualFold(a, b)
	}
	return a == b
}

func (env environment) find(name string) (value string, found bool) {
	for _, entry := range env {
		if key, value, ok := strings.Cut(entry, "="); ok && same(key, name) {
			return value, true
		}
	}
	return "", false
}

func (env environment) get(name string) string {
	value, _ := env.find(name)
	return value
}

func (env environment) has(name string) bool {
	_, found := env.find(name)
	return found
}

func (env *environment) unset(name string) {
	*env = slices.DeleteFunc(*env, func(entry string) bool {
		key, _, ok := strings.Cut(entry, "=")
		return ok && same(key, name)
	})
}

func (env *environment) set(name, value string) {
	env.unset(name)
	*env = append(*env, name+"="+value)
}
