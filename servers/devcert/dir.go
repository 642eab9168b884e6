package devcert

import (
	"path/filepath"
	"runtime"
)

// DefaultDir is where the certificate is kept: dev-certs in GORUN_DATA, or in gorun in the user's folder for data
// (XDG_DATA_HOME, by default ~/.local/share; ~/Library/Application Support; %LOCALAPPDATA%). getenv must not be nil.
// Without any of them the error is a *NoFolderError.
func DefaultDir(getenv func(string) string) (string, error) {
	if dir := getenv("GORUN_DATA"); dir != "" {
		dir, err := filepath.Abs(dir)
		return filepath.Join(dir, "dev-certs"), err
	}
	dir, err := dataHome(getenv, runtime.GOOS)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "gorun", "dev-certs"), nil
}

// dataHome is the user's folder for data.
func dataHome(getenv func(string) string, goos string) (string, error) {
	if goos == "windows" {
		if dir := getenv("LOCALAPPDATA"); dir != "" {
			return dir, nil
		}
		return "", &NoFolderError{"LOCALAPPDATA"}
	}
	// A relative XDG_DATA_HOME is to be ignored, says the XDG specification.
	if dir := getenv("XDG_DATA_HOME"); goos != "darwin" && filepath.IsAbs(dir) {
		return dir, nil
	}
	home := getenv("HOME")
	switch {
	case home == "":
		return "", &NoFolderError{"HOME"}
	case goos == "darwin":
		return filepath.Join(home, "Library", "Application Support"), nil
	}
	return filepath.Join(home, ".local", "share"), nil
}

// mkcertDir is where mkcert keeps its CA (its README: "Changing the location of the CA files"), or "".
func mkcertDir(getenv func(string) string) string {
	if dir := getenv("CAROOT"); dir != "" {
		return dir
	}
	dir, err := dataHome(getenv, runtime.GOOS)
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "mkcert")
}
