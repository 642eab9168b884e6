package gobuild

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// walkers is how many folders are read at once. Reading is mostly waiting for the kernel; more gain nothing.
const walkers = 4

// below returns the folders of the programs at and below each of roots, in order. A root is searched up to the next
// nested module, and without the folders that ./... leaves out; the rules do not hold for the root itself.
// The goroutines that it starts have ended when it returns.
func (f finder) below(roots ...string) []string {
	w := &walk{finder: f, free: make(chan struct{}, walkers)}
	for _, root := range roots {
		w.ignoredPaths, w.ignoredNames = ignoredFolders(moduleOf(root).Dir)
		w.visit(root, root)
		w.pending.Wait()
	}
	slices.Sort(w.found)
	return slices.Compact(w.found)
}

// walk is one search. Folders are visited by the goroutine that found them, or by another where one is free.
type walk struct {
	finder
	ignoredPaths, ignoredNames []string

	free    chan struct{}
	pending sync.WaitGroup
	lock    sync.Mutex // for found
	found   []string
}

func (w *walk) visit(root, dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // a folder that cannot be read holds no program that could be built
	}
	if dir != root && slices.ContainsFunc(entries, isGoMod) {
		return
	}
	if readFolder(w.ctx, dir, entries, true).isMain() {
		w.lock.Lock()
		w.found = append(w.found, dir)
		w.lock.Unlock()
	}
	for _, e := range entries {
		if !e.IsDir() || isLeftOut(e.Name()) {
			continue
		}
		if sub := filepath.Join(dir, e.Name()); !w.ignored(sub) {
			w.spread(func() { w.visit(root, sub) })
		}
	}
}

// spread runs visit on another goroutine if one is free, else at once.
func (w *walk) spread(visit func()) {
	select {
	case w.free <- struct{}{}:
		w.pending.Go(func() {
			defer func() { <-w.free }()
			visit()
		})
	default:
		visit()
	}
}

// ignored reports whether an ignore line of go.mod leaves the folder out.
func (w *walk) ignored(dir string) bool {
	return slices.Contains(w.ignoredPaths, dir) || slices.ContainsFunc(w.ignoredNames, func(name string) bool {
		return strings.HasSuffix(dir, string(filepath.Separator)+name)
	})
}

func isGoMod(e os.DirEntry) bool { return e.Name() == "go.mod" && !e.IsDir() }

// isLeftOut reports whether the go command passes over folders of this name, or nobody keeps programs there.
func isLeftOut(name string) bool {
	switch name {
	case "testdata", "vendor", "node_modules":
		return true
	}
	return name[0] == '.' || name[0] == '_'
}
