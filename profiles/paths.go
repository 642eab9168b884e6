package profiles

import (
	"path"
	"strings"
)

// pathRules are the rules of paths of an operating system. path/filepath knows only those of the system that gorun
// was built for.
type pathRules string

func (goos pathRules) windows() bool { return goos == "windows" }

func (goos pathRules) isBare(name string) bool {
	if goos.windows() {
		return !strings.ContainsAny(name, `/\:`)
	}
	return !strings.Contains(name, "/")
}

func (goos pathRules) isAbs(name string) bool {
	if goos.windows() {
		volume := goos.volume(name)
		return volume != "" && len(name) > len(volume) && strings.IndexAny(name[len(volume):], `/\`) == 0
	}
	return strings.HasPrefix(name, "/")
}

// join makes name absolute: as it is when it is so already, else below dir. What begins with one separator is, on
// Windows, below the root of dir's drive.
func (goos pathRules) join(dir, name string) string {
	if goos.isAbs(name) {
		return goos.clean(name)
	}
	if goos.windows() && strings.IndexAny(name, `/\`) == 0 {
		return goos.clean(goos.volume(dir) + name)
	}
	return goos.clean(dir + "/" + name)
}

func (goos pathRules) dir(name string) string {
	volume := goos.volume(name)
	rest := name[len(volume):]
	if goos.windows() {
		rest = strings.ReplaceAll(rest, `\`, "/")
	}
	return goos.clean(volume + path.Dir(rest))
}

// clean is path.Clean, with backslashes on Windows, where the drive, or the second of the two that begin a network
// path, stays in front.
func (goos pathRules) clean(name string) string {
	if !goos.windows() {
		return path.Clean(name)
	}
	volume := goos.volume(name)
	rest := strings.ReplaceAll(name[len(volume):], `\`, "/")
	return strings.ReplaceAll(volume+path.Clean(rest), "/", `\`)
}

// volume is what stands before the root: on Windows a drive as in `C:`, or the first separator of a network path.
func (goos pathRules) volume(name string) string {
	switch {
	case !goos.windows() || len(name) < 2:
		return ""
	case name[1] == ':':
		return name[:2]
	case strings.ContainsRune(`/\`, rune(name[0])) && strings.ContainsRune(`/\`, rune(name[1])):
		return name[:1]
	}
	return ""
}

// processPath gives the places where the module looks for a program (reference: servers.md, 1.1): a relative path in
// the application's folder, then a bare name in PATH. Elsewhere than on Windows backslashes are slashes, and a name
// that ends in .exe is looked for without it too, so that a web.config which was written for IIS does.
func (goos pathRules) processPath(folder, name string) []string {
	if goos.windows() && strings.Contains(name, ":") {
		return []string{name}
	}
	names := []string{goos.separators(name)}
	if !goos.windows() {
		if bare, ok := cutSuffixFold(names[0], ".exe"); ok && bare != "" && !strings.HasSuffix(bare, "/") {
			names = append(names, bare)
		}
	}
	var places []string
	for _, name := range names {
		places = append(places, goos.join(folder, name))
	}
	for _, name := range names {
		if goos.isBare(name) {
			places = append(places, name)
		}
	}
	return places
}

// separators makes the backslashes of a file that was written on Windows slashes elsewhere.
func (goos pathRules) separators(name string) string {
	if goos.windows() {
		return name
	}
	return strings.ReplaceAll(name, `\`, "/")
}

func cutSuffixFold(s, suffix string) (string, bool) {
	if n := len(s) - len(suffix); n >= 0 && strings.EqualFold(s[n:], suffix) {
		return s[:n], true
	}
	return s, false
}
