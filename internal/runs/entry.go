package runs

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// Entry is the record of the host that made it. It is to be closed when the host ends.
// The methods of a nil *Entry do nothing, so that a host whose record could not be made runs without one.
type Entry struct {
	files files

	mu     sync.Mutex
	record Record
	lock   *flock.Flock // nil once it is closed
}

// files names the files of one record.
type files struct{ json, lock, temp string }

func filesOf(dir, id string) files {
	base := filepath.Join(dir, id)
	return files{json: base + ".json", lock: base + ".lock", temp: base + ".temp"}
}

// Create makes the folder where it is missing and puts r into it. It sets ID and Version, and PID and Started where
// they are zero. A folder that others can use is a *FolderError.
func Create(dir string, r Record) (*Entry, error) {
	if err := EnsureFolder(dir); err != nil {
		return nil, err
	}
	r.Version = Version
	if r.PID == 0 {
		r.PID = os.Getpid()
	}
	if r.Started.IsZero() {
		r.Started = time.Now()
	}
	e, err := acquire(dir, r)
	if err != nil {
		return nil, err
	}
	// Nothing is to be replaced yet: a reader that comes upon half of it sees no record, as if it came earlier.
	if err := e.write(e.files.json); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// acquire makes a lock file and takes its lock. Between the two steps a reader may find the lock free and remove the
// file as stale. Then another id is taken: that reader may still be about to remove the files of this one.
func acquire(dir string, r Record) (*Entry, error) {
	for range 100 {
		r.ID = newID(r.PID)
		e := &Entry{files: filesOf(dir, r.ID), record: r}
		lock := flock.New(e.files.lock)
		locked, err := lock.TryLock()
		if err != nil {
			return nil, err
		}
		if locked && isSame(lock, e.files.lock) {
			e.lock = lock
			return e, nil
		}
		if err := lock.Close(); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("no lock can be taken in %s", dir)
}

// newID is short enough to be typed. The random part keeps the ids of one process apart, and those of another
// process that had the same pid.
func newID(pid int) string { return strconv.Itoa(pid) + "-" + strings.ToLower(rand.Text()[:6]) }

func isSame(lock *flock.Flock, path string) bool {
	held, err := lock.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(held, named)
}

// Record gives the record as it is now.
func (e *Entry) Record() Record {
	if e == nil {
		return Record{}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.record
}

// Update changes the record by change and writes it. A reader sees it as it was before or as it is after. change
// gets slices that it must not write into, may set new ones, and cannot change ID and Version. It is os.ErrClosed after Close.
func (e *Entry) Update(change func(*Record)) error {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lock == nil {
		return os.ErrClosed
	}
	id, version := e.record.ID, e.record.Version
	change(&e.record)
	e.record.ID, e.record.Version = id, version
	if err := e.write(e.files.temp); err != nil {
		return err
	}
	return replace(e.files.temp, e.files.json)
}

// write puts the record into the file at path. It is not synced to the disk: after a crash of the system the record is
// stale anyway.
func (e *Entry) write(path string) error {
	data, err := json.Marshal(e.record)
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o600)
}

// Close removes the record. Closing again does nothing.
func (e *Entry) Close() error {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lock == nil {
		return nil
	}
	lock := e.lock
	e.lock = nil
	return e.files.remove(lock)
}

// remove deletes the files of a record whose lock the caller holds, and drops the lock. The lock file goes last, so that
// a record never stands without one while its host lives.
func (f files) remove(lock *flock.Flock) error {
	err := errors.Join(gone(os.Remove(f.temp)), gone(os.Remove(f.json)))
	if runtime.GOOS == "windows" { // which removes no open file
		return errors.Join(err, lock.Close(), gone(os.Remove(f.lock)))
	}
	return errors.Join(err, gone(os.Remove(f.lock)), lock.Close())
}

// gone drops the error that there was nothing to remove.
func gone(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
