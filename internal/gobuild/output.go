package gobuild

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gorun-dev/gorun/internal/stamp"
)

// recordName is the file beside the outputs of a target that says what they were made from.
const recordName = "target.json"

// Output returns where the binary of a target lies: one stable path below cacheDir for each module folder, package
// (or files) and configuration. Its last element is the program's name, so that ps shows it. Binaries for another
// system than this one have a folder of their own. Nothing is made on the disk.
//
//	<cacheDir>/build/api-3f9c21d07ab4/target.json
//	<cacheDir>/build/api-3f9c21d07ab4/Debug/api
func Output(cacheDir string, t Target, o Options) string {
	goos, goarch := o.environment().platform()
	variant := string(o.configuration())
	if goos != runtime.GOOS || goarch != runtime.GOARCH {
		variant += "-" + goos + "-" + goarch
	}
	name := t.Name
	if goos == "windows" {
		name += ".exe"
	}
	return filepath.Join(cacheDir, "build", t.Name+"-"+t.key(), variant, name)
}

// cacheOf is the cache folder that an output is in.
func cacheOf(out string) string {
	return filepath.Dir(filepath.Dir(filepath.Dir(filepath.Dir(out))))
}

// key tells targets apart that have the same name.
func (t Target) key() string {
	parts := append([]string{t.ModuleDir, t.Dir}, t.Files...)
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:6])
}

// Record says what the binaries in one folder of the cache were made from, so that they can be cleaned up when that
// is gone. It stands beside them as target.json.
type Record struct {
	Version    int      `json:"version"` // 1
	Name       string   `json:"name"`
	Dir        string   `json:"dir"`
	Files      []string `json:"files,omitempty"`
	ModuleDir  string   `json:"moduleDir,omitempty"`
	ModulePath string   `json:"modulePath,omitempty"`

	Folder string `json:"-"` // absolute path of the folder in the cache
	Bytes  int64  `json:"-"` // what its files take
}

// writeRecord puts the record of a target into the folder above that of its binary. It is written before the
// binary, because a folder without one is never cleaned up.
func writeRecord(t Target, out string) error {
	data, err := json.MarshalIndent(Record{
		Version: 1, Name: t.Name, Dir: t.Dir, Files: t.Files, ModuleDir: t.ModuleDir, ModulePath: t.ModulePath,
	}, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(filepath.Dir(filepath.Dir(out)), recordName)
	if old, err := os.ReadFile(path); err == nil && string(old) == string(data) {
		return nil
	}
	return stamp.ReplaceFile(path, string(data))
}

// readRecord reads the record in a folder of the cache.
func readRecord(folder string) (Record, error) {
	var r Record
	data, err := os.ReadFile(filepath.Join(folder, recordName))
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	r.Folder = folder
	return r, err
}
