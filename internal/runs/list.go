package runs

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"
)

// List gives the records of the hosts that live, oldest first, and removes those of hosts that do not. A folder that is
// not there has none. A file that is no record is passed over. A folder that others can use is a *FolderError.
func List(dir string) ([]Record, error) {
	if err := checkFolder(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	ids, err := idsIn(dir)
	if err != nil {
		return nil, err
	}
	var live []Record
	for _, id := range ids {
		f := filesOf(dir, id)
		if f.removeStale() {
			continue
		}
		if r, ok := read(f.json, id); ok {
			live = append(live, r)
		}
	}
	slices.SortFunc(live, func(a, b Record) int {
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.ID, b.ID))
	})
	return live, nil
}

// idsIn gives the id of each file in dir that has the name of a record's file.
func idsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range entries {
		id, ext := strings.CutSuffix(e.Name(), filepath.Ext(e.Name()))
		if !ext || !isID(id) {
			continue
		}
		switch filepath.Ext(e.Name()) {
		case ".json", ".lock", ".temp":
			ids = append(ids, id) // sorted by name, so those of one record stand together
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// removeStale removes a record that nobody holds and reports whether it did. Of several readers that find it at once
// each must see that it is free, so they lock it shared.
func (f files) removeStale() bool {
	lock := flock.New(f.lock, flock.SetFlag(os.O_RDONLY)) // which does not make the file
	free, err := lock.TryRLock()
	if errors.Is(err, fs.ErrNotExist) {
		// The host ended since the folder was read, or somebody removed its lock: what is left has no owner.
		return gone(errors.Join(gone(os.Remove(f.temp)), gone(os.Remove(f.json)))) == nil
	}
	if err != nil || !free {
		return false
	}
	_ = f.remove(lock) // what cannot be removed now is stale the next time as well
	return true
}

func isID(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func read(path, id string) (Record, bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Record{}, false
	}
	var r Record
	if json.Unmarshal(data, &r) != nil || r.ID != id {
		return Record{}, false
	}
	return r, true
}
