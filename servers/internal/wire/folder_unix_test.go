//go:build darwin || linux

package wire

import "testing"

func TestFolder(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		env  map[string]string
		want string // "" is an error
	}{
		{nil, "/tmp/gorun-httpsys-1000"},
		{map[string]string{"TMPDIR": "/var/tmp/"}, "/var/tmp/gorun-httpsys-1000"},
		{map[string]string{"TMPDIR": "tmp"}, "/tmp/gorun-httpsys-1000"},
		{map[string]string{"XDG_RUNTIME_DIR": "/run/user/1000"}, "/run/user/1000/gorun-httpsys"},
		{map[string]string{"XDG_RUNTIME_DIR": "/run/user/0"}, "/tmp/gorun-httpsys-1000"}, // after su
		{map[string]string{"XDG_RUNTIME_DIR": "run"}, "/tmp/gorun-httpsys-1000"},
		{map[string]string{"GORUN_HTTPSYS": "/my/own/", "XDG_RUNTIME_DIR": "/run/user/1000"}, "/my/own"},
		{map[string]string{"GORUN_HTTPSYS": "own"}, ""},
	} {
		got, err := folder(func(name string) string { return row.env[name] }, 1000, func(dir string) bool { return dir == "/run/user/1000" })
		if got != row.want || (err == nil) != (row.want != "") {
			t.Errorf("%v: got %q, %v", row.env, got, err)
		}
	}
}
