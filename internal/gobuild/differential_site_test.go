package gobuild

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/internal/event"
)

// site is a real program with all that decides how it is built, for tests that edit it and ask gorun and the go command
// what there is to do. Its methods report failures without ending the test, so that they can be used while a build runs.
type site struct {
	t             testing.TB
	root          string            // of all that edits touch
	from          string            // where the user stands
	args          []string          // what the user names
	vars          map[string]string // environment variables besides those of environ
	flags         []string
	configuration Configuration
	cache         string // gorun's
	truths        string // folder of what plain `go build` makes
	pristine      map[string]node
}

// node is what stands at a path: a folder, a link or a file.
type node struct {
	folder bool
	link   string
	text   string
}

// newSite unpacks an archive; the user stands in the folder from, below its root.
func newSite(t testing.TB, archive, from string) *site {
	t.Helper()
	need(t, "go")
	root := unpack(t, archive)
	if err := os.Symlink("go.mod", filepath.Join(root, "link")); err != nil {
		if os.Getenv("GORUN_CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	} else if err := os.Remove(filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	s := &site{
		t: t, root: root, from: filepath.Join(root, filepath.FromSlash(from)),
		cache: filepath.Join(t.TempDir(), "cache"), truths: t.TempDir(),
		// Its index lets the go command miss edits of the same size that were touched back, which gorun must see.
		vars: map[string]string{"GODEBUG": "goindex=0"},
	}
	s.pristine = s.tree()
	return s
}

func (s *site) check(err error) {
	if err != nil {
		s.t.Helper()
		s.t.Error(err)
	}
}

func (s *site) path(name string) string { return filepath.Join(s.root, filepath.FromSlash(name)) }

func (s *site) write(name, text string) {
	s.t.Helper()
	s.check(os.MkdirAll(filepath.Dir(s.path(name)), 0o755))
	s.check(os.WriteFile(s.path(name), []byte(text), 0o644))
}

// text reads a file that is there.
func (s *site) text(name string) string {
	s.t.Helper()
	data, err := os.ReadFile(s.path(name))
	s.check(err)
	return string(data)
}

// replace puts new in the place of old in a file, which must hold it.
func (s *site) replace(name, old, new string) {
	s.t.Helper()
	text := s.text(name)
	if !strings.Contains(text, old) {
		s.t.Errorf("%s does not hold %q", name, old)
	}
	s.write(name, strings.ReplaceAll(text, old, new))
}

func (s *site) remove(name string) {
	s.t.Helper()
	s.check(os.RemoveAll(s.path(name)))
}

func (s *site) rename(from, to string) {
	s.t.Helper()
	s.check(os.Rename(s.path(from), s.path(to)))
}

// link puts a link in the place of what stands at name.
func (s *site) link(target, name string) {
	s.t.Helper()
	s.remove(name)
	s.check(os.Symlink(filepath.FromSlash(target), s.path(name)))
}

// keepTime does an edit of a file that leaves its time of modification as it was.
func (s *site) keepTime(name string, edit func()) {
	s.t.Helper()
	info, err := os.Stat(s.path(name))
	if err != nil {
		s.t.Error(err)
		return
	}
	edit()
	s.check(os.Chtimes(s.path(name), info.ModTime(), info.ModTime()))
}

func (s *site) git(args ...string) {
	s.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"}, args...)...)
	cmd.Dir = s.from
	if text, err := cmd.CombinedOutput(); err != nil {
		s.t.Errorf("git %v: %v\n%s", args, err, text)
	}
}

// tree returns what is below the root, without what version control keeps.
func (s *site) tree() map[string]node {
	found := make(map[string]node)
	err := filepath.WalkDir(s.root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == s.root {
			return err
		}
		n := node{folder: e.IsDir()}
		switch {
		case e.Name() == ".git":
			return filepath.SkipDir
		case e.Type() == fs.ModeSymlink:
			n.link, err = os.Readlink(path)
		case !n.folder:
			var data []byte
			data, err = os.ReadFile(path)
			n.text = string(data)
		}
		found[strings.TrimPrefix(path, s.root)] = n
		return err
	})
	s.check(err)
	return found
}

// restore makes the tree what it was at first, touching only what differs.
func (s *site) restore() {
	now := s.tree()
	for name, n := range now {
		was, ok := s.pristine[name]
		if !ok || was.folder != n.folder || was.link != n.link {
			s.check(os.RemoveAll(filepath.Join(s.root, name)))
			delete(now, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.pristine)) {
		path, n := filepath.Join(s.root, name), s.pristine[name]
		is, ok := now[name]
		if _, err := os.Lstat(path); err != nil {
			ok = false // it went with its folder
		}
		switch {
		case ok && is == n:
		case n.folder:
			s.check(os.MkdirAll(path, 0o755))
		case n.link != "":
			s.check(os.Symlink(n.link, path))
		default:
			s.check(os.WriteFile(path, []byte(n.text), 0o644))
		}
	}
}

func (s *site) options() Options {
	var vars []string
	for name, value := range s.vars {
		vars = append(vars, name+"="+value)
	}
	slices.Sort(vars)
	return Options{Configuration: s.configuration, BuildFlags: s.flags, Env: environ(vars...)}
}

// find returns the target as each start of gorun finds it, and where its binary lies.
func (s *site) find() (Target, string, error) {
	o := s.options()
	target, err := Find(s.from, s.args, o.Env, o.BuildFlags...)
	return target, Output(s.cache, target, o), err
}

// mustFind is find for programs that are there.
func (s *site) mustFind() (Target, string) {
	s.t.Helper()
	target, out, err := s.find()
	if err != nil {
		s.t.Fatal(err)
	}
	return target, out
}

func (s *site) why() []string {
	s.t.Helper()
	target, out := s.mustFind()
	reasons, err := Why(s.t.Context(), target, s.options(), out)
	if err != nil {
		s.t.Fatal(err)
	}
	return sentences(reasons)
}

func (s *site) build(emit event.Emit) error {
	target, out, err := s.find()
	if err == nil {
		_, err = Build(s.t.Context(), target, s.options(), out, emit)
	}
	return err
}

func (s *site) mustBuild() {
	s.t.Helper()
	err := s.build(nil)
	if failed, ok := err.(*BuildError); ok {
		s.t.Fatalf("%v:\n%s", err, failed.Text)
	} else if err != nil {
		s.t.Fatal(err)
	}
}

// goBuild returns the sum of what plain `go build` makes now, with gorun's flags; "" and what it prints when it fails.
// The binary of the last time is left in its place: like gorun's, it is made again only if the go command wants that.
func (s *site) goBuild() (sum, text string) {
	s.t.Helper()
	target, out := s.mustFind()
	o := s.options()
	name := strings.ReplaceAll(strings.TrimPrefix(out, s.cache), string(filepath.Separator), "_")
	truth := filepath.Join(s.truths, name)
	args := append([]string{"build", "-o", truth}, Flags(target, o)...)
	cmd := exec.CommandContext(s.t.Context(), o.environment().lookPath("go"), append(args, target.patterns()...)...)
	cmd.Dir = target.workDir()
	cmd.Env = append(o.Env, "PWD="+cmd.Dir)
	if printed, err := cmd.CombinedOutput(); err != nil {
		return "", string(printed) + err.Error()
	}
	return s.sum(truth), ""
}

// sum returns the sum of a file; "" when there is none.
func (s *site) sum(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
