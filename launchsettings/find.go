package launchsettings

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gorun-dev/gorun/internal/diagnostic"
)

// PersonalName is the name of the file beside the settings file whose values win over it. It is not meant to be
// committed.
const PersonalName = "launchSettings.user.json"

// maxSize is the largest file that is read, in bytes. Real ones have up to 14 kB.
const maxSize = 4 << 20

// Found says where the settings of a program stand.
type Found struct {
	Path    string   // the file, absolute; "" when there is none
	Project string   // the project folder: the one that holds the file, or above Properties
	Unused  []string // files of the same folder that would have been used but for Path
}

// Find looks for the settings file of a program: Properties/launchSettings.json, launchSettings.json and
// <program>.run.json, in folder first, then in its parents up to root. The nearest folder that has one wins.
// With root "" only folder is looked at; with program "" there is no run.json to look for.
//
// Whatever has the right name counts, so that a folder or an unreadable file is an error of Load, not overlooked.
func Find(folder, root, program string) Found {
	for dir := folder; ; dir = filepath.Dir(dir) {
		var found []string
		for _, path := range Candidates(dir, program) {
			if _, err := os.Lstat(path); err == nil {
				found = append(found, path)
			}
		}
		if len(found) > 0 {
			return Found{Path: found[0], Project: dir, Unused: found[1:]}
		}
		if root == "" || dir == root || dir == filepath.Dir(dir) {
			return Found{}
		}
	}
}

// Candidates are the places in one folder where settings may stand, best first.
func Candidates(dir, program string) []string {
	paths := []string{
		filepath.Join(dir, "Properties", "launchSettings.json"),
		filepath.Join(dir, "launchSettings.json"),
	}
	if program != "" {
		paths = append(paths, filepath.Join(dir, program+".run.json"))
	}
	return paths
}

// ProjectOf returns the project folder of a settings file: the folder that holds it, or above Properties.
func ProjectOf(path string) string {
	dir := filepath.Dir(path)
	if filepath.Base(dir) == "Properties" {
		return filepath.Dir(dir)
	}
	return dir
}

// Load reads the settings file at path, which is absolute, and lays the personal file beside it over it.
// A file that cannot be read is an error in the Diagnostics of the Settings, like one that cannot be parsed.
func Load(path string) Settings {
	settings := load(path)
	personal := filepath.Join(filepath.Dir(path), PersonalName)
	if _, err := os.Lstat(personal); err != nil || personal == path {
		return settings
	}
	return Overlay(settings, load(personal))
}

func load(path string) Settings {
	data, err := Read(path)
	if err != nil {
		return Settings{Path: path, Diagnostics: diagnostic.List{{
			Code: "unreadable", Severity: diagnostic.Error, Message: err.Error(), Place: Place{File: path},
			Suggestion: remedy(err),
		}}}
	}
	return Parse(path, data)
}

// remedy says what to do about a file that read refuses.
func remedy(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return `look at the spelling of the path; "gorun init" writes a first file`
	case errors.Is(err, fs.ErrPermission):
		return "make it readable for this user, or run with --no-launch-profile"
	case errors.Is(err, errFolder):
		return "name the file, or move the folder away"
	}
	return "name another file with --launch-settings, or run with --no-launch-profile"
}

var errFolder = errors.New("this is a folder, not a settings file")

// Read returns the bytes of a settings file. Its errors say why there are none in words that fit behind the file's
// place; a folder and a file of more than 4 MB are such reasons. What is not there is fs.ErrNotExist.
func Read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, plain(err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, plain(err)
	case info.IsDir():
		return nil, errFolder
	case info.Size() > maxSize:
		return nil, tooLarge(info.Size())
	}
	// A pipe or a device has no size to go by.
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, plain(err)
	}
	if len(data) > maxSize {
		return nil, fmt.Errorf("the file has more than %d MB, which a settings file has at most", maxSize>>20)
	}
	return data, nil
}

func tooLarge(size int64) error {
	return fmt.Errorf("the file has %.1f MB; a settings file has at most %d MB", float64(size)/(1<<20), maxSize>>20)
}

// plain drops what os adds to the reason of an error: the diagnostic names the file already.
func plain(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return fmt.Errorf("the file cannot be read: %w", pathError.Err)
	}
	return err
}
