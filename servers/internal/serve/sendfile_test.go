package serve

import (
	"bytes"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
)

// fileSpy sees what net/http gives to the socket.
type fileSpy struct {
	*net.TCPConn
	files atomic.Int64
}

func (s *fileSpy) ReadFrom(r io.Reader) (int64, error) {
	if l, ok := r.(*io.LimitedReader); ok {
		if _, ok := l.R.(fs.File); ok {
			s.files.Add(1)
		}
	}
	return s.TCPConn.ReadFrom(r)
}

func TestFilesAreSentBySendfile(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "file")
	content := bytes.Repeat([]byte("0123456789abcdef"), filePiece/16*2+64) // net/http writes the first 512 bytes itself
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.ServeFile(w, r, name)
			return
		}
		file, err := os.Open(name)
		if err != nil {
			t.Error(err)
			return
		}
		defer file.Close()
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		io.Copy(w, file)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Cleanup(func() { s.Close() })
	c := dial(t, l.Addr().String())
	raw, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	spy := &fileSpy{TCPConn: raw.(*net.TCPConn)}
	if err := s.ServeConn(spy, Binding{}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/copied"} {
		c.send(get(path))
		if body := c.want(http.StatusOK); body != string(content) {
			t.Fatalf("got %d bytes, want %d", len(body), len(content))
		}
	}
	if n := spy.files.Load(); n != 6 {
		t.Errorf("the file reached the socket's ReadFrom %d times, want 3 pieces twice", n)
	}
}
