package stamp

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var rulesGo = Rules{List: listGo}

// listGo lists: every rule means the .go files of the folder, "deep" those of its folders, too.
func listGo(rule, path string) (files, dirs []string, err error) {
	entries, err := os.ReadDir(path)
	dirs = []string{"."}
	for _, e := range entries {
		if rule == "deep" && e.IsDir() {
			below, _, _ := listGo("", filepath.Join(path, e.Name()))
			for _, name := range below {
				files = append(files, e.Name()+"/"+name)
			}
			dirs = append(dirs, e.Name())
		} else if strings.HasSuffix(e.Name(), ".go") {
			files = append(files, e.Name())
		}
	}
	return files, dirs, err
}

// source is a folder whose files a stamp is taken of.
type source struct {
	t   testing.TB
	dir string
}

func newSource(t testing.TB, files ...string) source {
	t.Helper()
	s := source{t, t.TempDir()}
	for _, name := range files {
		s.write(name, "old "+name)
	}
	return s
}

func (s source) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

func (s source) write(name, text string) {
	s.t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(s.path(name), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s source) do(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// link puts a link in the place of a file.
func (s source) link(target, name string) {
	s.t.Helper()
	os.Remove(s.path(name))
	if err := os.Symlink(s.path(target), s.path(name)); err != nil {
		if os.Getenv("GORUN_CI") != "" {
			s.t.Fatal(err)
		}
		s.t.Skip(err)
	}
}

// snapshot looks at two single files and at the folder.
func (s source) snapshot() Stamp {
	return Snapshot(rulesGo, []string{s.path("absent"), s.path("single")}, []Folder{{Path: s.dir, Rule: "deep"}})
}

// taken is the stamp of an output that was made after the files were as before says.
func (s source) taken(before Stamp) Stamp {
	s.t.Helper()
	taker := Taker{Rules: rulesGo, Before: before}
	return taker.Take(s.path("output"), []string{s.path("absent"), s.path("single")}, []Folder{{Path: s.dir, Rule: "deep"}})
}

// changes are the changes by the names below the folder.
func (s source) changes(stamp Stamp) []string {
	var texts []string
	for _, c := range stamp.Check(rulesGo).Changes {
		texts = append(texts, filepath.ToSlash(strings.TrimPrefix(c.String(), s.dir+string(filepath.Separator))))
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

func (s source) expect(what string, stamp Stamp, want ...string) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.changes(stamp)); diff != "" {
		s.t.Errorf("%s: changes (-want +got):\n%s", what, diff)
	}
}

// edits are what can happen to the files a.go, b.go, sub/c.go, single and output, and how it is reported.
var edits = []struct {
	name string
	do   func(s source)
	want []string
}{
	{"nothing", func(s source) {}, nil},
	{"edited", func(s source) { s.write("a.go", "new") }, []string{"a.go changed"}},
	{"below", func(s source) { s.write("sub/c.go", "new") }, []string{"sub/c.go changed"}},
	{"single", func(s source) { s.write("single", "new") }, []string{"single changed"}},
	{"appeared", func(s source) { s.write("absent", "") }, []string{"absent is new"}},
	{"single gone", func(s source) { s.do(os.Remove(s.path("single"))) }, []string{"single is gone"}},
	{"new", func(s source) { s.write("new.go", "") }, []string{"new.go is new"}},
	{"new below", func(s source) { s.write("sub/new.go", "") }, []string{"sub/new.go is new"}},
	{"gone", func(s source) { s.do(os.Remove(s.path("b.go"))) }, []string{"b.go is gone"}},
	{"renamed", func(s source) { s.do(os.Rename(s.path("a.go"), s.path("z.go"))) }, []string{"a.go is gone", "z.go is new"}},
	{"swapped", func(s source) {
		s.do(os.Rename(s.path("a.go"), s.path("x")))
		s.do(os.Rename(s.path("b.go"), s.path("a.go")))
		s.do(os.Rename(s.path("x"), s.path("b.go")))
	}, []string{"a.go changed", "b.go changed"}},
	{"same size and time", func(s source) {
		info, err := os.Stat(s.path("a.go"))
		s.do(err)
		s.write("a.go", "OLD a.go")
		s.do(os.Chtimes(s.path("a.go"), info.ModTime(), info.ModTime()))
	}, []string{"a.go changed"}},
	{"same content", func(s source) { s.write("a.go", "old a.go") }, nil},
	{"touched", func(s source) { s.do(os.Chtimes(s.path("a.go"), time.Time{}, time.Now().Add(time.Hour))) }, nil},
	{"folder touched", func(s source) { s.do(os.Chtimes(s.dir, time.Time{}, time.Now().Add(time.Hour))) }, nil},
	{"away and back", func(s source) {
		s.do(os.Rename(s.path("a.go"), s.path("x")))
		s.do(os.Rename(s.path("x"), s.path("a.go")))
	}, nil},
	{"link to the same", func(s source) { s.write("x", "old a.go"); s.link("x", "a.go") }, []string{"a.go changed"}},
	{"folder in its place", func(s source) {
		s.do(os.Remove(s.path("single")))
		s.do(os.Mkdir(s.path("single"), 0o755))
	}, []string{"single changed"}},
	{"what does not count", func(s source) { s.write("x.txt", "") }, nil},
	{"output", func(s source) { s.write("output", "new") }, []string{"output changed"}},
	{"output gone", func(s source) { s.do(os.Remove(s.path("output"))) }, []string{"output is gone"}},
	{"folder gone", func(s source) { s.do(os.RemoveAll(s.path("sub"))) }, []string{"sub/c.go is gone"}},
}

var sourceFiles = []string{"a.go", "b.go", "sub/c.go", "single", "output"}

// Every edit is seen shortly after the stamp was taken, when content counts, and long after it, when states do.
func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range edits {
		for name, later := range map[string]time.Duration{" at once": 0, " long after": time.Hour} {
			t.Run(tt.name+name, func(t *testing.T) {
				t.Parallel()
				s := newSource(t, sourceFiles...)
				stamp := s.taken(s.snapshot())
				stamp.Taken += later.Nanoseconds()
				s.expect("before", stamp)
				tt.do(s)
				s.expect("after", stamp, tt.want...)
				next := stamp.Check(rulesGo)
				if next.Now.Output.State = Look(s.path("output")); next.Now.Output.State.Kind == Regular {
					s.expect("by the stamp of now", next.Now)
				}
			})
		}
	}
}

// Two edits within one tick of the clock leave the same state. Shortly after the stamp, the content is looked at.
func TestSameState(t *testing.T) {
	t.Parallel()
	s := newSource(t, sourceFiles...)
	stamp := s.taken(s.snapshot())
	s.write("a.go", "OLD a.go")
	stamp.Folders[0].Files[0].State = Look(s.path("a.go"))
	s.expect("unsettled", stamp, "a.go changed")
	stamp.Taken += time.Hour.Nanoseconds()
	s.expect("settled", stamp) // a state that was looked at long after the change is trusted
	stamp.Folders[0].Files[0].Sum = Sum{}
	s.expect("without a sum", stamp, "a.go may have changed during the last build")
}

func TestSettled(t *testing.T) {
	t.Parallel()
	const second = int64(time.Second)
	tests := []struct {
		name   string
		change int64
		moment int64
		want   bool
	}{
		{"long before", 10*second + 1, 20 * second, true},
		{"just before", 10*second + 1, 10*second + 2, false},
		{"a second before", 10*second + 1, 11*second + 1, false},
		{"more than a second before", 10*second + 1, 11*second + 2, true},
		{"later", 10*second + 1, second, false},
		{"in whole seconds", 10 * second, 12 * second, false},
		{"in whole seconds, long before", 10 * second, 14 * second, true},
	}
	for _, tt := range tests {
		s := State{Kind: Regular, Modified: tt.change, ChangeTime: tt.change}
		if got := s.settled(tt.moment); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// The edits of TestCheck happen while the output is made.
func TestTake(t *testing.T) {
	t.Parallel()
	const moving = " may have changed during the last build"
	for _, tt := range edits {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSource(t, sourceFiles...)
			before := s.snapshot()
			tt.do(s)
			changes := s.changes(s.taken(before))
			if strings.HasPrefix(tt.name, "output") { // it is looked at when all is done
				tt.want = nil
			}
			if seen := len(changes) > 0; !seen && len(tt.want) > 0 { // what leaves all as it was may count or not
				t.Errorf("changes %q, want those of %q", changes, tt.want)
			}
			for _, c := range changes {
				if !strings.HasSuffix(c, moving) {
					t.Errorf("%q is no change during the build", c)
				}
			}
		})
	}
}

// What was not looked at before the making may have been anything.
func TestTakeWithoutBefore(t *testing.T) {
	t.Parallel()
	s := newSource(t, sourceFiles...)
	const moving = " may have changed during the last build"
	s.expect("not looked at", s.taken(Stamp{}), // TempDir is the folder itself
		s.dir+moving, "a.go"+moving, "absent"+moving, "b.go"+moving, "single"+moving, "sub/c.go"+moving)
	s.expect("looked at", s.taken(s.snapshot()))
}

// What was unsettled at the look is compared by content, however much later the output is made.
func TestTakeUnsettled(t *testing.T) {
	t.Parallel()
	s := newSource(t, sourceFiles...)
	before := s.snapshot()
	s.write("a.go", "OLD a.go") // in the same tick as the first time
	before.Folders[0].Files[0].State = Look(s.path("a.go"))
	stamp := s.taken(before)
	s.write("a.go", "old a.go")
	if len(s.changes(stamp)) == 0 {
		t.Error("the output was made from other content")
	}
}

func TestWithSettings(t *testing.T) {
	t.Parallel()
	settings := func(pairs ...string) (list []Setting) {
		for _, p := range pairs {
			name, value, _ := strings.Cut(p, "=")
			list = append(list, Setting{name, SumOf(value)})
		}
		return list
	}
	old := Stamp{Settings: settings("A=1", "C=3", "D=4")}
	tests := []struct {
		now  []Setting
		want []string
	}{
		{settings("A=1", "C=3", "D=4"), nil},
		{settings("A=2", "C=3", "D=4"), []string{"A differs"}},
		{settings("A=1", "B=2", "C=3", "D=4", "E=5"), []string{"B differs", "E differs"}},
		{settings("D=4"), []string{"A differs", "C differs"}},
		{nil, []string{"A differs", "C differs", "D differs"}},
		{settings("A=1", "C=3", "D="), []string{"D differs"}},
	}
	for _, tt := range tests {
		var got []string
		for _, c := range old.WithSettings(tt.now) {
			got = append(got, c.String())
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tt.now, diff)
		}
	}
}

// BenchmarkCheck160 is the stamp of a program of the size of gorun, read from the disk and compared with it.
func BenchmarkCheck160(b *testing.B) { benchmarkCheck(b, 160) }

// BenchmarkCheck12800 is that of a large one.
func BenchmarkCheck12800(b *testing.B) { benchmarkCheck(b, 12800) }

func benchmarkCheck(b *testing.B, files int) {
	s := newSource(b, "output")
	var folders []Folder
	var paths []string
	for i := range files {
		name := fmt.Sprintf("internal/group%d/package%d/file%d.go", i/100, i/10, i%10)
		s.write(name, strings.Repeat("// "+name+"\n", 60))
		paths = append(paths, s.path(name))
		if i%10 == 0 {
			folders = append(folders, Folder{Path: filepath.Dir(s.path(name)), Rule: "package"})
		}
	}
	taker := Taker{Rules: rulesGo, Before: Snapshot(rulesGo, nil, folders)}
	stamp := taker.Take(s.path("output"), nil, folders)
	if changes := s.changes(stamp); len(changes) > 0 {
		b.Fatal(changes)
	}
	file := filepath.Join(b.TempDir(), "stamp")
	write := func(later time.Duration) {
		now := stamp
		now.Taken += later.Nanoseconds()
		s.do(now.Write(file))
	}
	check := func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			read, err := Read(file)
			if err != nil {
				b.Fatal(err)
			}
			if result := read.Check(rulesGo); len(result.Changes) > 0 {
				b.Fatal(result.Changes)
			}
		}
	}
	write(time.Hour)
	b.Run("settled", check)
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Read(file); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("lstat", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, path := range paths {
				if _, err := os.Lstat(path); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	write(0)
	b.Run("unsettled", check) // every file is read
}
