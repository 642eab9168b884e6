package gobuild

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/stamp"
)

// staleCase is one edit of a program that was built.
type staleCase struct {
	name     string
	edit     func(s *site)
	want     string        // a part of a reason; "" when the binary suffices
	needless bool          // the go command would make the same program
	undo     func(s *site) // takes back what is not in the tree
}

// staleGroup is a program with the edits that it goes through, each of which is taken back before the next.
type staleGroup struct {
	name    string
	tool    string // that must be there
	archive string
	from    string
	prepare func(s *site) // before the program is built
	cases   []staleCase
}

// TestStale goes through every edit twice: shortly after the build, when times say little, and as if long after it,
// when a file that looks the same is not read again.
func TestStale(t *testing.T) {
	t.Parallel()
	for _, group := range slices.Concat(staleSources, staleKinds) {
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			if group.tool != "" {
				need(t, group.tool)
			}
			s := newSite(t, group.archive, cmp.Or(group.from, "m"))
			if group.prepare != nil {
				group.prepare(s)
				s.pristine = s.tree()
			}
			s.mustBuild()
			s.mustBuild() // the first one cannot know what changed in the second before it
			for _, tt := range group.cases {
				t.Run(tt.name, func(t *testing.T) { s.run(t, tt) })
			}
		})
	}
}

// run does one edit and takes it back.
func (s *site) run(t *testing.T, tt staleCase) {
	outer, vars, flags := s.t, s.vars, s.flags
	s.t = t
	defer func() { s.t = outer }()
	_, out := s.mustFind()
	first, err := stamp.Read(stampOf(out))
	if err != nil {
		t.Fatal(err)
	}
	want, thorough := s.sum(out), os.Getenv("GORUN_CI") != "" // else asking the go command takes too long
	if thorough {
		if sum, text := s.goBuild(); sum != want {
			t.Fatalf("before the edit, go build makes another program: %s", text)
		}
	}
	for name, later := range map[string]time.Duration{"at once": 0, "long after": time.Hour} {
		now := *first
		now.Taken += later.Nanoseconds()
		now.Output.State = stamp.Look(out)
		s.check(now.Write(stampOf(out)))
		if reasons := s.why(); len(reasons) > 0 {
			t.Fatalf("%s, before the edit: %q", name, reasons)
		}
		s.vars, s.flags = cloneMap(vars), slices.Clone(flags)
		tt.edit(s)
		reasons := strings.Join(s.why(), "; ")
		if tt.want == "" && reasons != "" || !strings.Contains(reasons, tt.want) {
			t.Errorf("%s: the reasons are %q, want %q", name, reasons, tt.want)
		}
		if thorough && later == 0 {
			sum, text := s.goBuild()
			if same := sum == want; same != (tt.want == "" || tt.needless) {
				t.Errorf("go build makes the same: %v\n%s", same, text)
			}
		}
		s.vars, s.flags = vars, flags
		s.restore()
		if tt.undo != nil {
			tt.undo(s)
		}
	}
	first.Output.State = stamp.Look(out)
	s.check(first.Write(stampOf(out)))
}

func cloneMap(m map[string]string) map[string]string {
	c := make(map[string]string, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

const plainSite = `
-- m/go.mod --
module example.com/m

go 1.26
-- m/main.go --
package main

import (
	"example.com/m/deep/er"
	"example.com/m/inner"
	"example.com/m/linked"
)

var version, stamped = "v0000", ""

func main() { println(version, stamped, more, tagged, inner.Name(), er.Name(), linked.Name()) }
-- m/more.go --
package main

const more = "v0000"
-- m/tagged.go --
//go:build !extra

package main

const tagged = "v0000"
-- m/tagged_extra.go --
//go:build extra

package main

const tagged = "v1111"
-- m/inner/inner.go --
package inner

func Name() string { return "v0000" }
-- m/inner/other.go --
package inner

var other = func() string { println("v0000"); return "" }()
-- m/deep/er/er.go --
package er

func Name() string { return "v0000" }
-- m/linked/name.go --
package linked

func Name() string { return text }
-- m/linked/text.go --
package linked

const text = "v0000"
-- outside/text.go --
package linked

const text = "v0000"
-- outside/text2.go --
package linked

const text = "v2222"
-- outside/linked2/name.go --
package linked

func Name() string { return "v3333" }
`

var staleSources = []staleGroup{
	{name: "files", archive: plainSite, cases: []staleCase{
		{"edited", func(s *site) { s.replace("m/main.go", "v0000", "v1") }, "main.go changed", false, nil},
		{"in a package", func(s *site) { s.replace("m/inner/inner.go", "v0000", "v1") }, "inner.go changed", false, nil},
		{"same size and time", func(s *site) {
			s.keepTime("m/main.go", func() { s.replace("m/main.go", "v0000", "v0001") })
		}, "main.go changed", false, nil},
		{"another one renamed over it", func(s *site) {
			s.keepTime("m/main.go", func() {
				s.write("m/main.go.tmp", strings.Replace(s.text("m/main.go"), "v0000", "v0001", 1))
				s.rename("m/main.go.tmp", "m/main.go")
			})
		}, "main.go changed", false, nil},
		{"twice at once", func(s *site) {
			s.replace("m/main.go", "v0000", "v0001")
			s.replace("m/main.go", "v0001", "v0002")
		}, "main.go changed", false, nil},
		{"swapped", func(s *site) {
			s.rename("m/main.go", "m/x")
			s.rename("m/more.go", "m/main.go")
			s.rename("m/x", "m/more.go")
		}, "main.go changed", false, nil},
		{"generated again", func(s *site) { s.write("m/main.go", s.text("m/main.go")) }, "", false, nil},
		{"renamed over with the same content", func(s *site) {
			s.write("m/tmp", s.text("m/main.go"))
			s.rename("m/tmp", "m/main.go")
		}, "", false, nil},
		{"from the future", func(s *site) { s.touch("m/main.go", 24*time.Hour) }, "", false, nil},
		{"from the past", func(s *site) { s.touch("m/main.go", -24*time.Hour*9999) }, "", false, nil},
		{"folder from the past", func(s *site) { s.touch("m/inner", -24*time.Hour*9999) }, "", false, nil},
		{"new", func(s *site) { s.write("m/new.go", "package main\n\nfunc init() { println(1) }\n") }, "new.go is new", false, nil},
		{"new and folder touched back", func(s *site) {
			s.keepTime("m/inner", func() { s.write("m/inner/new.go", "package inner\n\nfunc init() { println(1) }\n") })
		}, "new.go is new", false, nil},
		{"new with another tag", func(s *site) { s.write("m/new.go", "//go:build never\n\npackage main\n") }, "new.go is new", true, nil},
		{"new for another system", func(s *site) { s.write("m/new_plan9.go", "package main\n") }, "new_plan9.go is new", true, nil},
		{"only the tag", func(s *site) {
			s.keepTime("m/tagged_extra.go", func() { s.replace("m/tagged_extra.go", "build extra", "build  !never") })
		}, "tagged_extra.go changed", false, nil},
		{"gone", func(s *site) { s.remove("m/inner/other.go") }, "other.go is gone", false, nil},
		{"gone and folder touched back", func(s *site) {
			s.keepTime("m/inner", func() { s.remove("m/inner/other.go") })
		}, "other.go is gone", false, nil},
		{"renamed", func(s *site) { s.rename("m/inner/other.go", "m/inner/a.go") }, "a.go is new", false, nil},
		{"away and back", func(s *site) { s.rename("m/main.go", "m/x"); s.rename("m/x", "m/main.go") }, "", false, nil},
		{"a folder in its place", func(s *site) { s.remove("m/more.go"); s.write("m/more.go/x.txt", "") }, "more.go", false, nil},
		{"test file", func(s *site) { s.write("m/x_test.go", "package main\n") }, "", false, nil},
		{"test file of a test package", func(s *site) { s.write("m/inner/x_test.go", "package inner_test\n") }, "", false, nil},
		{"hidden", func(s *site) { s.write("m/.x.go", "x"); s.write("m/_x.go", "x") }, "", false, nil},
		{"no Go file", func(s *site) { s.write("m/README.md", "x"); s.write("m/data.json", "x") }, "", false, nil},
		{"new folder", func(s *site) { s.write("m/unused/x.go", "package unused\n") }, "", false, nil},
		{"assembly", func(s *site) { s.write("m/inner/x.s", "// nothing\n") }, "x.s is new", false, nil},
		{"header", func(s *site) { s.write("m/inner/x.h", "// nothing\n") }, "x.h is new", true, nil},
		{"object file", func(s *site) { s.write("m/inner/x.syso", "nothing\n") }, "x.syso is new", false, nil},
		{"profile", func(s *site) { s.write("m/default.pgo", "nothing\n") }, "default.pgo is new", false, nil},
	}},
	{name: "named by files", archive: plainSite, prepare: func(s *site) {
		s.args = []string{"main.go", "more.go", "tagged.go"}
		s.write("m/default.pgo", "")
	}, cases: []staleCase{
		{"profile gone", func(s *site) { s.remove("m/default.pgo") }, "default.pgo is gone", false, nil},
		{"profile gone and folder touched back", func(s *site) {
			s.keepTime("m", func() { s.remove("m/default.pgo") })
		}, "default.pgo is gone", false, nil},
		{"file edited", func(s *site) { s.replace("m/more.go", "v0000", "v0001") }, "more.go changed", false, nil},
		{"another file beside", func(s *site) { s.write("m/beside.go", "package main\n") }, "", false, nil},
	}},
	{name: "named by files, without a profile", archive: plainSite, prepare: func(s *site) {
		s.args = []string{"main.go", "more.go", "tagged.go"}
	}, cases: []staleCase{
		{"profile", func(s *site) { s.write("m/default.pgo", "") }, "default.pgo is new", false, nil},
	}},
	{name: "folders", archive: plainSite, cases: []staleCase{
		{"away", func(s *site) { s.rename("m/inner", "m/x") }, "inner is gone", false, nil},
		{"away and back", func(s *site) { s.rename("m/inner", "m/x"); s.rename("m/x", "m/inner") }, "", false, nil},
		{"folder above away and back", func(s *site) { s.rename("m", "x"); s.rename("x", "m") }, "", false, nil},
		{"a link to it in its place", func(s *site) {
			s.rename("m/linked", "outside/linked")
			s.link("../outside/linked", "m/linked")
		}, "", false, nil},
		{"a link to another one in its place", func(s *site) { s.link("../outside/linked2", "m/linked") }, "name.go changed", false, nil},
		{"another one in the place of that above", func(s *site) {
			s.rename("m/deep", "m/x")
			s.write("m/deep/er/er.go", "package er\n\nfunc Name() string { return `v0001` }\n")
		}, "er.go changed", false, nil},
		{"becomes a module", func(s *site) { s.write("m/deep/er/go.mod", "module example.com/x\n") }, "go.mod is new", false, nil},
		{"folder above becomes a module", func(s *site) { s.write("m/deep/go.mod", "module example.com/x\n") }, "go.mod is new", false, nil},
	}},
	{name: "links", archive: plainSite, prepare: func(s *site) {
		s.link("../../outside/text.go", "m/linked/text.go")
		s.write("other/er/er.go", s.text("m/deep/er/er.go"))
		s.write("other2/er/er.go", strings.Replace(s.text("m/deep/er/er.go"), "v0000", "v0001", 1))
		s.link("../other", "m/deep")
	}, cases: []staleCase{
		{"leads elsewhere", func(s *site) { s.link("../../outside/text2.go", "m/linked/text.go") }, "text.go changed", false, nil},
		{"leads to the same content", func(s *site) {
			s.write("outside/text3.go", s.text("outside/text.go"))
			s.link("../../outside/text3.go", "m/linked/text.go")
		}, "", false, nil},
		{"its file edited", func(s *site) {
			s.keepTime("outside/text.go", func() { s.replace("outside/text.go", "v0000", "v0001") })
		}, "text.go changed", false, nil},
		{"another file renamed over its file", func(s *site) { s.rename("outside/text2.go", "outside/text.go") }, "text.go changed", false, nil},
		{"its file gone", func(s *site) { s.remove("outside/text.go") }, "text.go changed", false, nil},
		{"the file itself in its place", func(s *site) {
			s.remove("m/linked/text.go")
			s.write("m/linked/text.go", s.text("outside/text.go"))
		}, "text.go changed", true, nil},
		{"of a folder leads elsewhere", func(s *site) { s.link("../other2", "m/deep") }, "er.go changed", false, nil},
		{"of a folder leads nowhere", func(s *site) { s.link("../none", "m/deep") }, "er is gone", false, nil},
		{"of a folder, behind which something changes", func(s *site) { s.replace("other/er/er.go", "v0000", "v0001") }, "er.go changed", false, nil},
	}},
	{name: "modules", archive: plainSite, cases: []staleCase{
		{"go line", func(s *site) { s.replace("m/go.mod", "1.26", "1.21") }, "go.mod changed", false, nil},
		{"comment", func(s *site) { s.replace("m/go.mod", "go 1.26", "go 1.26 // new") }, "go.mod changed", true, nil},
		{"sums appear", func(s *site) { s.write("m/go.sum", "") }, "go.sum is new", true, nil},
		{"vendor folder appears", func(s *site) { s.write("m/vendor/x", "") }, "vendor is new", true, nil},
		{"go.work beside it", func(s *site) { s.write("m/go.work", "go 1.26\n\nuse .\n") }, "go.work is new", true, nil},
		{"go.work above", func(s *site) { s.write("go.work", "go 1.26\n\ngodebug panicnil=1\n\nuse ./m\n") }, "go.work is new", false, nil},
		{"go.work without it", func(s *site) { s.write("go.work", "go 1.26\n") }, "go.work is new", false, nil},
	}},
}

func (s *site) touch(name string, by time.Duration) {
	s.t.Helper()
	moment := time.Now().Add(by)
	s.check(os.Chtimes(s.path(name), moment, moment))
}

func (s *site) damage(path string, edit func(data []byte) []byte) {
	s.t.Helper()
	data, err := os.ReadFile(path)
	s.check(err)
	s.check(os.WriteFile(path, edit(data), 0o700))
}

// What is at the place of the binary and of the stamp can be anything.
func TestStaleOutput(t *testing.T) {
	t.Parallel()
	s := newSite(t, plainSite, "m")
	s.mustBuild()
	s.mustBuild()
	_, out := s.mustFind()
	good, _ := os.ReadFile(out)
	file := stampOf(out)
	const broken = "no stamp"
	for _, tt := range []struct {
		name string
		edit func()
		want string
	}{
		{"binary damaged", func() {
			info, _ := os.Stat(out)
			s.damage(out, func(data []byte) []byte { data[len(data)/2] ^= 1; return data })
			s.check(os.Chtimes(out, info.ModTime(), info.ModTime()))
		}, "not that of the last build"},
		{"binary replaced", func() {
			s.check(os.WriteFile(out+".x", good[:len(good)-1], 0o700))
			s.check(os.Rename(out+".x", out))
		}, "not that of the last build"},
		{"binary emptied", func() { s.check(os.Truncate(out, 0)) }, "not that of the last build"},
		{"binary gone", func() { s.check(os.Remove(out)) }, "is gone"},
		{"folder in its place", func() { s.check(os.Remove(out)); s.check(os.Mkdir(out, 0o700)) }, "not that of the last build"},
		{"stamp gone", func() { s.check(os.Remove(file)) }, broken},
		{"both gone", func() { s.check(os.Remove(file)); s.check(os.Remove(out)) }, "not been built"},
		{"stamp empty", func() { s.check(os.Truncate(file, 0)) }, broken},
		{"stamp cut off", func() { s.damage(file, func(data []byte) []byte { return data[:len(data)-1] }) }, broken},
		{"stamp flipped", func() { s.damage(file, func(data []byte) []byte { data[len(data)/2] ^= 1; return data }) }, broken},
		{"stamp of another version", func() {
			s.damage(file, func(data []byte) []byte { return []byte(strings.Replace(string(data), "stamp 1", "stamp 2", 1)) })
		}, broken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if reasons := s.why(); len(reasons) > 0 {
				t.Fatalf("before the edit: %q", reasons)
			}
			tt.edit()
			if reasons := strings.Join(s.why(), "; "); !strings.Contains(reasons, tt.want) {
				t.Errorf("the reasons are %q, want %q", reasons, tt.want)
			}
			if info, err := os.Stat(out); err == nil && info.IsDir() {
				s.check(os.Remove(out))
			}
			s.mustBuild()
			if data, _ := os.ReadFile(out); string(data) != string(good) {
				t.Error("the binary is another one afterwards")
			}
		})
	}
}

// A stamp that was copied with a cache speaks of the binary of the other one.
func TestStaleCopiedCache(t *testing.T) {
	t.Parallel()
	s := newSite(t, plainSite, "m")
	s.mustBuild()
	s.mustBuild()
	copied := filepath.Join(t.TempDir(), "copied")
	if err := os.CopyFS(copied, os.DirFS(s.cache)); err != nil {
		t.Fatal(err)
	}
	s.cache = copied
	_, out := s.mustFind()
	if err := os.Remove(out); err != nil {
		t.Fatal(err)
	}
	if reasons := s.why(); len(reasons) == 0 {
		t.Error("there is no binary, and no reason to build one")
	}
}
