package ui

import (
	"path/filepath"
	"strings"
)

// Path is an absolute path as the user would type it from the UI's folder: relative where it lies below, or where
// that is shorter. What is no absolute path, such as "--urls" for a value that stands in no file, stays as it is.
func (u *UI) Path(path string) string {
	if u.dir == "" || !filepath.IsAbs(path) {
		return path
	}
	rel, err := filepath.Rel(u.dir, path) // an error is another drive of Windows
	if err != nil {
		return path
	}
	outside := rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator))
	if outside && len(rel) >= len(path) {
		return path
	}
	return rel
}
