package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The disk of the stdout log is full: that is said once, and the app goes on as if nothing was.
func TestFrontLogOnAFullDisk(t *testing.T) {
	t.Parallel()
	for _, hosting := range []string{"OutOfProcess", "InProcess"} {
		t.Run(hosting, func(t *testing.T) {
			t.Parallel()
			s := behindSite(t, hosting, `"stdoutLogEnabled": true, "stdoutLogFile": "../small/log"`, "")
			f := s.listens(s.onTmpfs("16k"))
			for i := range 20 {
				if got := f.ok(fmt.Sprintf("/print?text=line%d-%s", i, strings.Repeat("x", 2000))); got != "printed" {
					t.Errorf("got %q", got)
				}
			}
			f.says("no space left on device")
			f.within("all of the output", func() bool { return strings.Contains(f.stdout.String(), "line19-") })
			f.ok("/")
			f.end()
			if n := strings.Count(f.stderr.String(), "no space left on device"); n != 1 {
				t.Errorf("it is said %d times", n)
			}
		})
	}
}

// onTmpfs is gorun with a small file system of its own in the folder small beside the project.
func (s *site) onTmpfs(size string) *exec.Cmd {
	s.t.Helper()
	small := filepath.Join(s.root, "small")
	if err := os.Mkdir(small, 0o700); err != nil {
		s.t.Fatal(err)
	}
	flags := "-m"
	if os.Getuid() != 0 {
		flags = "-rm"
	}
	if err := exec.CommandContext(s.t.Context(), "unshare", flags, "true").Run(); err != nil {
		missing(s.t, fmt.Sprintf("this system lets nobody have a mount namespace: %v", err))
	}
	script := fmt.Sprintf(`mount -t tmpfs -o size=%s tmpfs "$1" && shift && exec "$@"`, size)
	return exec.Command("unshare", append([]string{flags, "sh", "-c", script, "sh", small, gorunBinary(s.t)}, s.arguments()...)...)
}
