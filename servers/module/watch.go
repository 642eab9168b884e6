package module

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/gorun-dev/gorun/internal/diagnostic"
	"github.com/gorun-dev/gorun/internal/event"
)

// offlineName is the file that takes an app offline while it is there (reference: servers.md, 1.10).
const offlineName = "app_offline.htm"

const (
	// quiet is how long a file must rest before it is read: an editor writes in several steps.
	quiet = 100 * time.Millisecond
	// lookEvery is how often folders are looked at that the system does not tell about.
	lookEvery = time.Second
)

// change is what the watcher has seen.
type change int

const (
	offlineChanged change = iota // app_offline.htm came, went or was written to
	configChanged                // one of Options.Watch
)

// watcher sees files come, change and go. It is one goroutine, which ends with its context and then closes done.
type watcher struct {
	front   *Front
	changes chan change
	done    chan struct{}
	seen    map[string]time.Time // when the watched files were last written, by their paths; the zero time for none
}

func (f *Front) watch(ctx context.Context) *watcher {
	w := f.newWatcher()
	source, err := w.open()
	if err != nil {
		f.warn(diagnostic.Diagnostic{Code: "watch", Message: "the system tells nothing of files that change, so they are looked at once a second: " + err.Error(),
			Suggestion: "more files may be watched with a higher fs.inotify.max_user_instances and max_user_watches"})
	}
	go w.run(ctx, source)
	return w
}

// newWatcher knows the files as they are now, and does nothing yet.
func (f *Front) newWatcher() *watcher {
	w := &watcher{front: f, changes: make(chan change), done: make(chan struct{}), seen: map[string]time.Time{}}
	for _, path := range f.o.Watch {
		w.seen[path] = written(path)
	}
	return w
}

// open watches the folders of all files: a file that is replaced is another one, and what is not there cannot be watched.
func (w *watcher) open() (*fsnotify.Watcher, error) {
	source, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	folders := []string{w.front.o.Root}
	for _, path := range w.front.o.Watch {
		if dir := filepath.Dir(path); !slices.Contains(folders, dir) {
			folders = append(folders, dir)
		}
	}
	for _, dir := range folders {
		if err := source.Add(dir); err != nil && !os.IsNotExist(err) {
			source.Close()
			return nil, err
		}
	}
	return source, nil
}

// run tells of changes. source may be nil.
func (w *watcher) run(ctx context.Context, source *fsnotify.Watcher) {
	defer close(w.done)
	var events <-chan fsnotify.Event
	var lost <-chan error // to be read, since nothing more is told before
	var look <-chan time.Time
	if source != nil {
		defer source.Close()
		events, lost = source.Events, source.Errors
	} else {
		ticker := time.NewTicker(lookEvery)
		defer ticker.Stop()
		look = ticker.C
	}
	var rested <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-events:
			switch {
			case isOffline(e.Name):
				w.tell(ctx, offlineChanged)
			case w.isWatched(e.Name):
				rested = time.After(quiet)
			}
		case <-lost: // such as more events than the system keeps
			w.tell(ctx, offlineChanged)
			rested = time.After(quiet)
		case <-look:
			w.tell(ctx, offlineChanged)
			rested = time.After(quiet)
		case <-rested:
			rested = nil
			if w.isNew() {
				w.tell(ctx, configChanged)
			}
		}
	}
}

func (w *watcher) tell(ctx context.Context, c change) {
	select {
	case w.changes <- c:
	case <-ctx.Done():
	}
}

func (w *watcher) isWatched(path string) bool {
	return slices.ContainsFunc(w.front.o.Watch, func(own string) bool { return filepath.Clean(own) == filepath.Clean(path) })
}

// isNew reports whether a watched file was written since the last look.
func (w *watcher) isNew() bool {
	found := false
	for path, before := range w.seen {
		if now := written(path); !now.Equal(before) {
			w.seen[path], found = now, true
		}
	}
	return found
}

func written(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

func isOffline(path string) bool { return strings.EqualFold(filepath.Base(path), offlineName) }

// readOffline gives the page of app_offline.htm, in whatever case its name is. A file that cannot be read takes the app
// offline too, with an empty page, as in the reference.
func readOffline(root string) (page []byte, there bool) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, false
	}
	for _, e := range entries {
		if isOffline(e.Name()) {
			page, _ = os.ReadFile(filepath.Join(root, e.Name()))
			return page, true
		}
	}
	return nil, false
}

// warn tells of something, and of what else belongs to it.
func (f *Front) warn(d diagnostic.Diagnostic, more ...diagnostic.Diagnostic) {
	list := append([]diagnostic.Diagnostic{d}, more...)
	for i := range list {
		list[i].Severity = diagnostic.Warning
	}
	f.o.Emit.Tell(event.Event{Kind: event.Warned, Diagnostics: list})
}
