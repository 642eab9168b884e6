//go:build unix

package reverseproxy

import (
	"os"
	"path/filepath"
	"testing"
)

// open lets Apache's processes, which are not root's when the test is, use a socket.
func open(t *testing.T, folder, socket string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	for dir := folder; len(dir) > len(filepath.Clean(os.TempDir())); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(socket, 0o777); err != nil {
		t.Fatal(err)
	}
}
