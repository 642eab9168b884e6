//go:build unix

package servers

import (
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
)

// What was handed over by mistake is an error, and is left open: it may be something else's.
func TestNoListeningSocket(t *testing.T) {
	t.Parallel()
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	connected, err := conn.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer connected.Close()
	for _, f := range []*os.File{file, connected} {
		if got, err := inheritedSocket(int(f.Fd())); err == nil && f == file {
			t.Errorf("%s is served as %v", f.Name(), got.Addr())
		} else if f == connected && runtime.GOOS == "linux" && (err == nil || !strings.Contains(err.Error(), "nobody listens")) {
			t.Errorf("a connected socket: %v", err)
		}
		if _, err := f.Stat(); err != nil {
			t.Errorf("%s was closed: %v", f.Name(), err)
		}
	}
}
