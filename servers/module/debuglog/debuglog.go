// Package debuglog is the log of the ASP.NET Core Module about itself: what debugLevel and debugFile of handlerSettings ask
// for, or ASPNETCORE_MODULE_DEBUG and ASPNETCORE_MODULE_DEBUG_FILE before a web.config is read (reference: servers.md, 1.2 and
// 8.4).
//
// It reads neither settings nor the environment, and knows nothing of what is logged. It has no state of its own and no
// goroutines. A Logger may be used by several goroutines at once; Set and Close are called by one at a time.
package debuglog

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
)

// DefaultFile is the file of FILE where none is named, in the application's folder.
const DefaultFile = "aspnetcore-debug.log"

// Log is where the module's lines go. New makes one, which takes nothing until Set says what.
type Log struct {
	root   string
	stderr io.Writer
	logger *slog.Logger
	level  slog.LevelVar

	mu      sync.Mutex // for what follows, which Write reads
	console bool       // stderr gets the lines
	file    *os.File   // nil: none
}

// off is above every level.
const off = slog.Level(math.MaxInt32)

// New makes a Log for the application in root, which is absolute. stderr gets what CONSOLE and EVENTLOG ask for.
func New(root string, stderr io.Writer) *Log {
	l := &Log{root: root, stderr: stderr}
	l.level.Set(off)
	l.logger = slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: &l.level, ReplaceAttr: withNames}))
	return l
}

// withNames gives levels the reference's names.
func withNames(_ []string, a slog.Attr) slog.Attr {
	if level, ok := a.Value.Any().(slog.Level); ok && a.Key == slog.LevelKey {
		return slog.String(a.Key, nameOf(level))
	}
	return a
}

// Logger gives what is to be logged with. It stays the same.
func (l *Log) Logger() *slog.Logger { return l.logger }

// Set logs as s says from now on. Each place that is new gets a line with the versions first; a file that is left is told
// where the log goes on. Errors are a *LevelError, which changes nothing, and a *FileError, and then no file is
// written.
func (l *Log) Set(s Settings) error {
	wanted, err := parse(s)
	if err != nil {
		return err
	}
	path := l.path(wanted, s.File)
	if l.file != nil && path != l.file.Name() && path != "" {
		l.logger.Info("switching the log to another file", "file", path)
	}
	begun, err := l.change(wanted, path)
	if begun {
		l.begin()
	}
	if wanted.eventLog && begun {
		l.logger.Info("there is no event log here: EVENTLOG is stderr")
	}
	return err
}

// path is the file that is wanted, absolute, or "".
func (l *Log) path(w wanted, name string) string {
	if !w.file {
		return ""
	}
	if name == "" {
		name = DefaultFile
	}
	if runtime.GOOS != "windows" {
		name = strings.ReplaceAll(name, `\`, "/")
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(l.root, name)
	}
	return filepath.Clean(name)
}

// change opens and closes. begun says that there is a new place.
func (l *Log) change(w wanted, path string) (begun bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	console := w.console || w.eventLog
	begun = console && !l.console
	l.console = console
	l.level.Set(w.level)
	if l.file != nil && l.file.Name() == path {
		return begun, nil
	}
	_ = l.closeFile()
	if path == "" {
		return begun, nil
	}
	if l.file, err = open(path); err != nil {
		l.file = nil
		return begun, &FileError{path, err}
	}
	return true, nil
}

// open makes the folders, and adds to a file that is there.
func open(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
}

// begin writes who logs, whatever the level is.
func (l *Log) begin() {
	level := l.level.Level()
	l.level.Set(min(level, slog.LevelInfo))
	l.logger.Info("the module's log begins", "version", version(), "go", runtime.Version(),
		"system", runtime.GOOS+"/"+runtime.GOARCH, "pid", os.Getpid(), "root", l.root)
	l.level.Set(level)
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// Write takes one line of the Logger. What cannot be written is lost: a program is not to suffer from its log.
func (l *Log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.console {
		fmt.Fprintf(l.stderr, "gorun: module: %s", line)
	}
	if l.file != nil {
		_, _ = l.file.Write(line)
	}
	return len(line), nil
}

// Close closes the file. Nothing is logged from then on.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.level.Set(off)
	return l.closeFile()
}

// closeFile is called with mu held.
func (l *Log) closeFile() error {
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}
