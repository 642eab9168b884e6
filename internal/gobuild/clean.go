package gobuild

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// unusedAfter is how long a binary that nobody starts is kept.
const unusedAfter = 30 * 24 * time.Hour

// sweptName is the file in the cache whose time says when it was last looked through.
const sweptName = ".swept"

// Records returns what the cache holds binaries of, in the order of their folders' names; none where there is no
// cache yet. Folders that gorun did not make are passed over.
func Records(cacheDir string) ([]Record, error) {
	root := filepath.Join(cacheDir, "build")
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var records []Record
	for _, e := range entries {
		if r, err := readRecord(filepath.Join(root, e.Name())); err == nil && r.Version > 0 {
			r.Bytes = size(r.Folder)
			records = append(records, r)
		}
	}
	return records, nil
}

// Clean removes all binaries from the cache and returns what they were made from and how many bytes that freed.
// A folder without a record is not gorun's (cacheDir is the user's choice) and stays. Folders that cannot be removed,
// because something is being built in them, or on Windows runs from them, are joined in the error, a *CacheError; the
// others are removed all the same.
func Clean(cacheDir string) (removed []Record, bytes int64, err error) {
	return clean(cacheDir, func(Record, string) bool { return true })
}

// CleanUnused is the part of Clean that removes binaries of programs that are gone, and those that were not started
// for 30 days. Build does the same once a day.
func CleanUnused(cacheDir string) (removed []Record, bytes int64, err error) {
	now := time.Now()
	return clean(cacheDir, func(r Record, variant string) bool {
		return r.isGone() || now.Sub(lastUse(filepath.Join(r.Folder, variant))) > unusedAfter
	})
}

// clean removes the variants, such as Debug, that are named by unwanted. A record is among removed when one of its
// variants was, with the bytes of these.
func clean(cacheDir string, unwanted func(r Record, variant string) bool) (removed []Record, bytes int64, err error) {
	records, err := Records(cacheDir)
	failures := []error{err}
	for _, r := range records {
		before := r.Bytes
		some, err := r.clean(unwanted)
		failures = append(failures, err)
		if some {
			r.Bytes = before - size(r.Folder)
			removed = append(removed, r)
			bytes += r.Bytes
		}
	}
	os.Remove(filepath.Join(cacheDir, "build", sweptName))
	os.Remove(filepath.Join(cacheDir, "build")) // only when nothing is left in it
	if err := errors.Join(failures...); err != nil {
		return removed, bytes, &CacheError{Dir: cacheDir, Err: err}
	}
	return removed, bytes, nil
}

// clean removes the unwanted variants of one target, and the record with the last of them: what could not be removed
// must be found the next time.
func (r Record) clean(unwanted func(Record, string) bool) (removed bool, err error) {
	entries, err := os.ReadDir(r.Folder)
	if err != nil {
		return false, err
	}
	left := false
	var failures []error
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if !unwanted(r, e.Name()) {
			left = true
		} else if err := removeVariant(filepath.Join(r.Folder, e.Name())); err != nil {
			left = true
			failures = append(failures, err)
		} else {
			removed = true
		}
	}
	if !left {
		removed = true
		failures = append(failures, r.removeFolder())
	}
	return removed, errors.Join(failures...)
}

// removeFolder removes the folder of a target that has no variant any more. When a build has begun in it meanwhile, it
// stays, and that build writes the record again.
func (r Record) removeFolder() error {
	remains, err := os.ReadDir(r.Folder)
	for _, e := range remains {
		if strings.HasPrefix(e.Name(), recordName) { // also what a killed build had not renamed yet
			err = errors.Join(err, removeFile(filepath.Join(r.Folder, e.Name())))
		}
	}
	os.Remove(r.Folder) // fails unless it is empty
	return err
}

// removeVariant removes the folder of a binary, with its stamp and its lock. One that is being built stays.
func removeVariant(dir string) error {
	out := filepath.Join(dir, "-") // any file in it
	l := flock.New(lockOf(out), flock.SetPermissions(0o600))
	locked, err := l.TryLock()
	if err != nil {
		return err
	}
	if !locked {
		return fmt.Errorf("%s is being built", dir)
	}
	err = errors.Join(removeFile(stampOf(out)), os.RemoveAll(dir))
	return errors.Join(err, l.Unlock(), removeFile(lockOf(out)))
}

func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// isGone reports whether the program that the record is of is no longer there.
func (r Record) isGone() bool {
	for _, path := range append([]string{r.Dir}, r.Files...) {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return r.ModuleDir != "" && !isFile(filepath.Join(r.ModuleDir, "go.mod"))
}

// lastUse is when the binary in the folder of a variant was built or, give or take a day, started.
func lastUse(dir string) time.Time {
	var latest time.Time
	for _, path := range []string{dir, dir + ".stamp"} {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(latest) {
			latest = info.ModTime()
		}
	}
	return latest
}

// sweep is CleanUnused for the cache that an output is in, at most once a day. What fails is tried again then.
func sweep(out string) {
	cacheDir := cacheOf(out)
	swept := filepath.Join(cacheDir, "build", sweptName)
	if info, err := os.Stat(swept); err == nil && time.Since(info.ModTime()) < usedOften {
		return
	}
	CleanUnused(cacheDir)
	os.WriteFile(swept, nil, 0o600)
}

// used notes that a binary is started.
func used(out string) {
	for _, path := range []string{stampOf(out), filepath.Dir(out)} {
		if info, err := os.Stat(path); err == nil {
			if time.Since(info.ModTime()) > usedOften {
				os.Chtimes(path, time.Time{}, time.Now())
			}
			return
		}
	}
}

// usedOften is how old the time of last use may become before it is set again.
const usedOften = 24 * time.Hour

func size(folder string) int64 {
	var sum int64
	filepath.WalkDir(folder, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), workPrefix) {
			return nil
		}
		if info, err := e.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum
}
