package backend

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// StdoutLog is the file that a program's output is written to, too (reference: servers.md, 1.10). Each process has one of
// its own: {File}_{yyyyMMddHHmmss}_{pid}.log, with the time of its start in UTC. Where the reference has the pid of its
// worker (Q7), here it is the program's: that is the one that people look for.
type StdoutLog struct {
	Enabled bool
	File    string // absolute, without what is added to it; its folders are made
}

// logFile is the log of one process. Its methods are called by one goroutine at a time.
type logFile struct {
	file   *os.File // nil: it could not be made, or written
	size   int64
	failed func(error) // hears what went wrong, once
}

// create makes the file of a process. Where it cannot be made that is told, and the log takes nothing.
func (l StdoutLog) create(began time.Time, pid int, failed func(error)) *logFile {
	name := fmt.Sprintf("%s_%s_%d.log", l.File, began.UTC().Format("20060102150405"), pid)
	f := &logFile{failed: failed}
	err := os.MkdirAll(filepath.Dir(name), 0o777)
	if err == nil {
		f.file, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	}
	if err != nil {
		f.fail(err)
	}
	return f
}

func (f *logFile) write(chunk []byte) {
	if f.file == nil {
		return
	}
	n, err := f.file.Write(chunk)
	f.size += int64(n)
	if err != nil {
		f.fail(err)
	}
}

// fail gives up: what is lost in between would not be seen in the file.
func (f *logFile) fail(err error) {
	f.failed(err)
	f.close()
}

// close closes the file, and removes it when nothing was written.
func (f *logFile) close() {
	if f.file == nil {
		return
	}
	_ = f.file.Close()
	if f.size == 0 {
		_ = os.Remove(f.file.Name())
	}
	f.file = nil
}
