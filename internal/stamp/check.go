package stamp

import (
	"cmp"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Result is what Check found.
type Result struct {
	Changes []Change // settings are not looked at; files and folders in the order of the stamp, the output first
	Now     Stamp    // the stamp as it would be taken now of the same files and folders
	Worth   bool     // whether Now says more than the stamp did, and is worth being written where nothing changed
}

// Check compares the stamp with the disk. It reads folders on several goroutines, which have ended when it returns.
func (s *Stamp) Check(rules Rules) Result {
	r := Result{Now: *s}
	r.Now.Taken = time.Now().UnixNano()
	c := checker{taken: s.Taken, rules: rules}
	// Its state is all that is known of the output: it cannot be unsettled, because it was made after what it is made of.
	if now := Look(s.Output.Name); now != s.Output.State {
		how := Changed
		if now.Kind == Absent {
			how = Gone
		}
		c.changes = append(c.changes, Change{What: s.Output.Name, How: how, File: true})
	}
	r.Now.Files = make([]File, len(s.Files))
	for i, f := range s.Files {
		r.Now.Files[i] = c.file(f, Look(f.Name), f.Name, "")
	}
	r.Now.Folders = make([]Folder, len(s.Folders))
	parts := make([]checker, len(s.Folders))
	spread(len(s.Folders), func(i int) {
		parts[i] = checker{taken: s.Taken, rules: rules}
		r.Now.Folders[i] = parts[i].folder(s.Folders[i])
	})
	for _, part := range parts {
		c.changes = append(c.changes, part.changes...)
		c.worth = c.worth || part.worth
	}
	r.Changes, r.Worth = c.changes, c.worth
	return r
}

// spread calls do for every number below n, on as many goroutines as there are processors.
func spread(n int, do func(int)) {
	workers := min(runtime.GOMAXPROCS(0), n/4)
	if workers < 2 {
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
}

// checker collects what one goroutine finds.
type checker struct {
	taken   int64
	rules   Rules
	changes []Change
	worth   bool
}

func (c *checker) report(path string, how How) {
	c.changes = append(c.changes, Change{What: path, How: how, File: true, Wide: true})
}

// file compares a file with how it is now, and returns it as it is.
func (c *checker) file(was File, now State, path, rule string) File {
	if was.State.same(now, c.taken) && (was.Sum != Sum{} || !was.State.content()) {
		return was
	}
	c.worth = true
	is := File{Name: was.Name, State: now}
	if now.content() {
		is = is.sum(path, c.rules, rule)
		if Look(path) != now { // it changes at this moment
			is.Sum, is.Part = Sum{}, Sum{}
		}
	}
	switch {
	case was.State.Kind == Unknown, was.State.content() && was.Sum == Sum{}:
		c.report(path, Moving)
	case was.State.Kind == Absent && now.Kind != Absent:
		c.report(path, New)
	case was.State.Kind != Absent && now.Kind == Absent:
		c.report(path, Gone)
	case was.State.Kind != now.Kind, was.Sum != is.Sum, now.content() && is.Sum == Sum{}:
		c.report(path, Changed)
		c.changes[len(c.changes)-1].Wide = was.State.Kind != now.Kind || was.Part != is.Part || is.Part == Sum{}
	}
	return is
}

// folder compares a folder with how it is now, and returns it as it is.
func (c *checker) folder(was Folder) Folder {
	opened, state := openFolder(was.Path)
	defer opened.close()
	is := Folder{Path: was.Path, Rule: was.Rule, Dirs: was.Dirs, Files: make([]File, 0, len(was.Files))}
	if !was.sameListing(opened, state, c.taken) {
		c.worth = true
		return c.relist(was, opened)
	}
	for _, f := range was.Files {
		is.Files = append(is.Files, c.file(f, opened.look(f.Name), f.path(was.Path), was.Rule))
	}
	return is
}

func (f File) path(folder string) string { return filepath.Join(folder, filepath.FromSlash(f.Name)) }

// sameListing reports whether no file can have come to the folder, which is in this state now, or left it.
func (f Folder) sameListing(opened folder, state State, taken int64) bool {
	for _, d := range f.Dirs {
		now := state
		if d.Path != "." {
			now = opened.look(d.Path)
		}
		if !d.State.unchanged(now, taken) {
			return false
		}
	}
	return true
}

// relist compares a folder whose listing may have changed.
func (c *checker) relist(was Folder, opened folder) Folder {
	is, ok := listFolder(c.rules, was.Path, was.Rule, opened)
	if slices.ContainsFunc(was.Dirs, func(d Dir) bool { return d.State.Kind == Unknown }) {
		c.report(was.Path, Moving)
	} else if !ok {
		c.report(was.Path, Gone)
	}
	old := was.Files
	for i, f := range is.Files {
		for len(old) > 0 && old[0].Name < f.Name {
			c.report(old[0].path(was.Path), Gone)
			old = old[1:]
		}
		if len(old) > 0 && old[0].Name == f.Name {
			is.Files[i] = c.file(old[0], f.State, f.path(was.Path), was.Rule)
			old = old[1:]
			continue
		}
		is.Files[i] = c.file(File{Name: f.Name, State: State{Kind: Absent}}, f.State, f.path(was.Path), was.Rule)
	}
	if ok {
		for _, f := range old {
			c.report(f.path(was.Path), Gone)
		}
	}
	return is
}

// listFolder returns a folder as it is, without sums; ok is false when it cannot be listed. What changes between the
// listing and the look at the folder is unsettled, and is listed again by the next check.
func listFolder(rules Rules, path, rule string, opened folder) (is Folder, ok bool) {
	is = Folder{Path: path, Rule: rule}
	files, dirs, err := rules.List(rule, path)
	if err != nil {
		is.Dirs = []Dir{{Path: ".", State: State{Kind: Unknown}}}
		return is, false
	}
	slices.Sort(files)
	for _, d := range dirs {
		is.Dirs = append(is.Dirs, Dir{Path: d, State: Look(filepath.Join(path, filepath.FromSlash(d)))})
	}
	slices.SortFunc(is.Dirs, func(a, b Dir) int { return cmp.Compare(a.Path, b.Path) })
	for _, name := range files {
		is.Files = append(is.Files, File{Name: name, State: opened.look(name)})
	}
	return is, true
}
