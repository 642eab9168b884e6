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
