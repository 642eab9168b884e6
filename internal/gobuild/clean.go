package gobuild

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

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
// as on Windows those of running programs, are joined in the error; the others are removed all the same.
func Clean(cacheDir string) (removed []Record, bytes int64, err error) {
	records, err := Records(cacheDir)
	var failures []error
	for _, r := range records {
		if err := remove(r.Folder); err != nil {
			failures = append(failures, err)
			continue
		}
		removed = append(removed, r)
		bytes += r.Bytes
	}
	os.Remove(filepath.Join(cacheDir, "build")) // only when nothing is left in it
	return removed, bytes, errors.Join(err, errors.Join(failures...))
}

// remove takes a folder of the cache away, its record last: what could not be removed must be found the next time.
func remove(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != recordName {
			if err := os.RemoveAll(filepath.Join(folder, e.Name())); err != nil {
				return err
			}
		}
	}
	return os.RemoveAll(folder)
}

func size(folder string) int64 {
	var sum int64
	filepath.WalkDir(folder, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil
		}
		if info, err := e.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum
}
