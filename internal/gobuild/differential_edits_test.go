package gobuild

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// version is what edits of content change in every file: it gets into the program.
var version = regexp.MustCompile(`\b(v|0x1)\d{4,5}\b`)

// aside are folders that a program is made of only after some edits.
var aside = []string{"outside", "links", "dep2", "lib2", "away", "behind", "copy"}

// pick returns one of the regular files below the root whose name matches, "" when there is none.
func (x *trial) pick(pattern string) string {
	var names []string
	everywhere := x.rng.IntN(5) == 0
	filepath.WalkDir(x.root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil: // gone meanwhile
		case e.Name() == ".git", path == x.path("bin"), !everywhere && slices.Contains(aside, e.Name()):
			return filepath.SkipDir
		default:
			if ok, _ := filepath.Match(pattern, e.Name()); ok && e.Type().IsRegular() {
				names = append(names, filepath.ToSlash(strings.TrimPrefix(path, x.root+string(filepath.Separator))))
			}
		}
		return nil
	})
	if len(names) == 0 {
		return ""
	}
	return names[x.rng.IntN(len(names))]
}

// folder returns the folder of a Go file, without a name when there is none.
func (x *trial) folder() string {
	if name := x.pick("*.go"); name != "" {
		return filepath.ToSlash(filepath.Dir(name))
	}
	return ""
}

// source returns any file that has a version, of which half are Go files.
func (x *trial) source() string {
	pattern := "*.go"
	if x.rng.IntN(2) == 0 {
		pattern = "*.[a-z]*"
	}
	if name := x.pick(pattern); name != "" && version.MatchString(x.text(name)) {
		return name
	}
	return ""
}

// other is the text of a file with other versions of the same size, or of another one.
func (x *trial) other(name string, sameSize bool) string {
	return version.ReplaceAllStringFunc(x.text(name), func(old string) string {
		digits := len(old) - 1
		if strings.HasPrefix(old, "0x1") {
			digits = len(old) - 3
		}
		if !sameSize {
			digits = 9 - digits
		}
		n := fmt.Sprintf("%09d", x.rng.IntN(1e9))
		return strings.TrimRight(old, "0123456789") + map[bool]string{true: "1"}[strings.HasPrefix(old, "0x")] + n[:digits]
	})
}

// onFile makes an edit of a file that is picked.
func onFile(pick func(x *trial) string, do func(x *trial, name string)) func(x *trial) string {
	return func(x *trial) string {
		name := pick(x)
		if name != "" {
			do(x, name)
		}
		return name
	}
}

// matching picks by a pattern of names.
func matching(pattern string) func(x *trial) string {
	return func(x *trial) string { return x.pick(pattern) }
}

// put writes a file into a folder of the program, or removes it when it is there.
func put(name, text string) func(x *trial) string {
	return func(x *trial) string {
		dir := x.folder()
		if dir == "" {
			return ""
		}
		pkg := "main"
		if _, clause, ok := strings.Cut("\n"+x.text(x.pickIn(dir)), "\npackage "); ok {
			pkg, _, _ = strings.Cut(clause, "\n")
		}
		return x.toggle(dir+"/"+name, strings.ReplaceAll(text, "PACKAGE", pkg))
	}
}

// pickIn returns a Go file in a folder that has one.
func (x *trial) pickIn(dir string) string {
	files, _ := filepath.Glob(filepath.Join(x.path(dir), "*.go"))
	rel, _ := filepath.Rel(x.root, files[0])
	return filepath.ToSlash(rel)
}

// toggle writes a file, or removes what is there.
func (x *trial) toggle(name, text string) string {
	if _, err := os.Lstat(x.path(name)); err == nil {
		x.remove(name)
		return name + " removed"
	}
	if x.rng.IntN(2) == 0 && isDir(filepath.Dir(x.path(name))) {
		x.keepTime(filepath.ToSlash(filepath.Dir(name)), func() { x.write(name, text) })
		return name + " made, folder touched back"
	}
	x.write(name, text)
	return name + " made"
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

var editsOfContent = []edit{
	{kind: "content", do: onFile((*trial).source, func(x *trial, name string) { x.write(name, x.other(name, false)) })},
	{kind: "content, same size and time", do: onFile((*trial).source, func(x *trial, name string) {
		x.keepTime(name, func() { x.write(name, x.other(name, true)) })
	})},
	{kind: "content, renamed over", do: onFile((*trial).source, func(x *trial, name string) {
		x.keepTime(name, func() { x.write(name+"~", x.other(name, true)); x.rename(name+"~", name) })
	})},
	{kind: "content, twice at once", do: onFile((*trial).source, func(x *trial, name string) {
		x.write(name, x.other(name, true))
		x.write(name, x.other(name, true))
	})},
}

var editsOfFiles = slices.Concat(editsOfContent, []edit{
	{kind: "comment", do: onFile(matching("*.go"), func(x *trial, name string) { x.write(name, x.text(name)+"\n// more\n") })},
	{kind: "written again", quiet: true, do: onFile(matching("*.*"), func(x *trial, name string) { x.write(name, x.text(name)) })},
	{kind: "renamed over, same content", quiet: true, do: onFile(matching("*.*"), func(x *trial, name string) {
		x.write(name+"~", x.text(name))
		x.rename(name+"~", name)
	})},
	{kind: "touched", quiet: true, do: onFile(matching("*.*"), func(x *trial, name string) {
		x.touch(name, time.Duration(x.rng.IntN(99)-50)*24*time.Hour)
	})},
	{kind: "two files swapped", do: func(x *trial) string {
		a, b := x.pick("*.go"), x.pick("*.go")
		if a == b || a == "" || b == "" {
			return ""
		}
		x.rename(a, a+"~")
		x.rename(b, a)
		x.rename(a+"~", b)
		return a + " and " + b
	}},
	{kind: "file gone", do: onFile(matching("*.go"), func(x *trial, name string) { x.remove(name) })},
	{kind: "file renamed", do: onFile(matching("*.go"), func(x *trial, name string) { x.rename(name, filepath.Dir(name)+"/renamed.go") })},
	{kind: "only the tag", do: onFile(matching("*tagged*.go"), func(x *trial, name string) {
		text := x.text(name)
		if x.write(name, strings.Replace(text, "build extra", "build !other", 1)); text == x.text(name) {
			x.write(name, strings.Replace(text, "build !other", "build extra", 1))
		}
	})},
	{kind: "link to the same content", do: onFile(matching("*.go"), func(x *trial, name string) {
		x.write("links/same.txt", x.text(name))
		x.link(x.path("links/same.txt"), name)
	})},
	{kind: "link to other content", do: onFile((*trial).source, func(x *trial, name string) {
		x.write("links/"+filepath.Base(name), x.other(name, true))
		x.link(x.path("links/"+filepath.Base(name)), name)
	})},
	{kind: "content behind a link", do: func(x *trial) string {
		files, _ := filepath.Glob(x.path("links/*"))
		if len(files) == 0 {
			return ""
		}
		name := "links/" + filepath.Base(files[x.rng.IntN(len(files))])
		x.write(name, x.other(name, true))
		return name
	}},
	{kind: "new Go file", do: put("added.go", "package PACKAGE\n\nfunc init() { println(\"v0000\") }\n")},
	{kind: "new Go file with another tag", do: put("tagged_no.go", "//go:build extra\n\npackage PACKAGE\n\nfunc init() { println(\"v0000\") }\n")},
	{kind: "new Go file for another system", do: put("added_plan9.go", "package PACKAGE\n\nvar _ = \"v0000\"\n")},
	{kind: "new test file", quiet: true, do: put("added_test.go", "package PACKAGE\n\nvar _ = \"v0000\"\n")},
	{kind: "new hidden file", quiet: true, do: put("_added.go", "package PACKAGE\n")},
	{kind: "new file of another kind", quiet: true, do: put("README.md", "v0000\n")},
	{kind: "new assembly", do: put("added.s", "// nothing\n")},
	{kind: "new header", do: put("added.h", "#define ADDED 0x1000\n")},
	{kind: "new object file", do: put("added.syso", "nothing\n")},
	{kind: "new profile", do: put("default.pgo", "")},
	{kind: "folder away and back", quiet: true, do: func(x *trial) string {
		dir := x.folder()
		if isDir(x.path("away")) {
			return ""
		}
		if dir != "" {
			x.rename(dir, "away")
			x.rename("away", dir)
		}
		return dir
	}},
	{kind: "folder away", do: func(x *trial) string {
		dir := x.folder()
		if dir == "" || dir == "m" || dir == "." || isDir(x.path("away")) {
			return ""
		}
		x.rename(dir, "away")
		return dir
	}},
	{kind: "folder behind a link", do: func(x *trial) string {
		dir := x.folder()
		if info, err := os.Lstat(x.path(dir)); err != nil || dir == "m" || dir == "" || !info.IsDir() || isDir(x.path("behind")) {
			return ""
		}
		x.rename(dir, "behind")
		x.link(x.path("behind"), dir)
		return dir
	}},
	{kind: "link to another folder", do: func(x *trial) string {
		dir := x.folder()
		if dir == "m" || dir == "" || isDir(x.path("copy")) {
			return ""
		}
		x.check(os.CopyFS(x.path("copy"), os.DirFS(x.path(dir))))
		file := "copy/" + filepath.Base(x.pickIn(dir))
		x.write(file, x.other(file, true))
		x.link(x.path("copy"), dir)
		return dir
	}},
})

var editsOfModules = []edit{
	{kind: "go.mod, comment", do: onFile(matching("go.mod"), func(x *trial, name string) { x.write(name, x.text(name)+"// more\n") })},
	{kind: "go.mod, go line", do: onFile(matching("go.mod"), func(x *trial, name string) {
		x.write(name, regexp.MustCompile(`(?m)^go 1.*$`).ReplaceAllString(x.text(name), fmt.Sprintf("go 1.%d", 21+x.rng.IntN(6))))
	})},
	{kind: "go.mod in a folder", do: put("go.mod", "module example.com/nested\n\ngo 1.26\n")},
	{kind: "go.mod in a folder above", do: func(x *trial) string {
		dir := filepath.ToSlash(filepath.Dir(x.folder()))
		if dir == "." || dir == "m" {
			return ""
		}
		return x.toggle(dir+"/go.mod", "module example.com/nested\n")
	}},
	{kind: "go.work above", do: func(x *trial) string { return x.toggle("go.work", "go 1.26\n\ngodebug panicnil=1\n\nuse ./m\n") }},
	{kind: "go.work beside", do: func(x *trial) string { return x.toggle("m/go.work", "go 1.26\n\nuse .\n") }},
}

// variable changes one of the environment's variables to one of these values.
func variable(name string, values ...string) func(x *trial) string {
	return func(x *trial) string {
		x.vars[name] = values[x.rng.IntN(len(values))]
		return name + "=" + x.vars[name]
	}
}

var editsOfSettings = []edit{
	{kind: "GOFLAGS", do: variable("GOFLAGS", "", "-tags=extra", "-tags=more", "-trimpath")},
	{kind: "CGO_ENABLED", do: variable("CGO_ENABLED", "0", "1", "")},
	{kind: "GOWORK", do: variable("GOWORK", "off", "", "auto")},
	{kind: "GOAMD64", rare: true, do: variable("GOAMD64", "v1", "v3")},
	{kind: "variable of no weight", quiet: true, do: variable("TERM", "dumb", "xterm", "")},
	{kind: "file of go env -w", do: func(x *trial) string {
		x.vars["GOENV"] = x.path("goenv")
		x.write("goenv", "GOFLAGS=-ldflags=-X=main.stamped="+fmt.Sprint(x.rng.IntN(3))+"\n")
		return x.text("goenv")
	}},
	{kind: "build flags", do: func(x *trial) string {
		x.flags = [][]string{nil, {"-tags=extra"}, {"-ldflags=-X main.stamped=x"}, {"-ldflags", "-X main.stamped=y"}}[x.rng.IntN(4)]
		return fmt.Sprintf("%q", x.flags)
	}},
}

// onOutput makes an edit of a file of gorun's own.
func onOutput(which func(out string) string, do func(x *trial, path string)) func(x *trial) string {
	return func(x *trial) string {
		_, out, err := x.find()
		if err != nil || !isFile(which(out)) {
			return ""
		}
		do(x, which(out))
		return filepath.Base(which(out))
	}
}

func binary(out string) string { return out }

// flip changes one bit anywhere in a file.
func flip(x *trial, path string) {
	x.damage(path, func(data []byte) []byte {
		if len(data) > 0 {
			data[x.rng.IntN(len(data))] ^= 1 << x.rng.IntN(8)
		}
		return data
	})
}

var editsOfRemains = []edit{
	{kind: "binary damaged", do: onOutput(binary, func(x *trial, path string) {
		info, err := os.Stat(path)
		x.check(err)
		flip(x, path)
		x.check(os.Chtimes(path, info.ModTime(), info.ModTime()))
	})},
	{kind: "binary touched", do: onOutput(binary, func(x *trial, path string) { x.check(os.Chtimes(path, time.Time{}, time.Now())) })},
	{kind: "binary gone", do: onOutput(binary, func(x *trial, path string) { x.check(os.Remove(path)) })},
	{kind: "stamp damaged", do: onOutput(stampOf, flip)},
	{kind: "stamp cut off", do: onOutput(stampOf, func(x *trial, path string) {
		x.damage(path, func(data []byte) []byte { return data[:x.rng.IntN(len(data)+1)] })
	})},
	{kind: "stamp gone", do: onOutput(stampOf, func(x *trial, path string) { x.check(os.Remove(path)) })},
}
