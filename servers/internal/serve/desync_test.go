package serve

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A deadline of the handler's can end a read in the middle of a chunk's size. What comes after must not be read as if the
// size began there: the digits that have been read would be lost, and a part of the body be taken for a request.
func TestDeadlineInAChunkSizeEndsTheBody(t *testing.T) {
	t.Parallel()
	timedOut := make(chan error, 1)
	c := dial(t, startServer(t, handle(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			t.Errorf("a part of the body was taken for a request: %s", r.URL)
			return
		}
		http.NewResponseController(w).SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		_, err := io.ReadAll(r.Body)
		timedOut <- err
	})))
	c.send(post(chunked, "2")) // of 2e
	if err := <-timedOut; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the handler read %v", err)
	}
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
	c.send("0\r\n\r\n" + smuggled)
	if res, _ := c.response(); res.StatusCode != http.StatusOK || !res.Close {
		t.Errorf("got %d, close %v; want 200 and the end", res.StatusCode, res.Close)
	}
	c.closed()
}

func TestAFileIsNoLongerThanWasDeclared(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(strings.Repeat("x", 4000)), 0o600); err != nil {
		t.Fatal(err)
	}
	copied := make(chan error, 1)
	c := dial(t, startServer(t, handle(func(w http.ResponseWriter, r *http.Request) {
		file, err := os.Open(name)
		if err != nil {
			t.Error(err)
			return
		}
		defer file.Close()
		w.Header().Set("Content-Length", "1000")
		w.(http.Flusher).Flush()
		_, err = io.Copy(w, file)
		copied <- err
	})))
	c.send(get("/"))
	if _, body := c.response(); len(body) != 1000 {
		t.Errorf("got %d bytes", len(body))
	}
	c.closed()
	if err := <-copied; !errors.Is(err, http.ErrContentLength) {
		t.Errorf("the handler got %v, want http.ErrContentLength", err)
	}
}

func TestALimitedFileTellsWhatIsLeft(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(strings.Repeat("x", 4000)), 0o600); err != nil {
		t.Fatal(err)
	}
	left := make(chan int64, 1)
	c := dial(t, startServer(t, handle(func(w http.ResponseWriter, r *http.Request) {
		file, err := os.Open(name)
		if err != nil {
			t.Error(err)
			return
		}
		defer file.Close()
		w.Header().Set("Content-Length", "3000")
		limited := &io.LimitedReader{R: file, N: 3000}
		io.Copy(w, limited)
		left <- limited.N
	})))
	c.send(get("/"))
	c.want(http.StatusOK)
	if n := <-left; n != 0 {
		t.Errorf("the reader has %d bytes left, want 0", n)
	}
}

// The names of fields that say where a response ends are compared without regard to case by those who read it.
func TestFramingIsTheServersInWhateverCase(t *testing.T) {
	t.Parallel()
	c := dial(t, startServer(t, handle(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["content-length"] = []string{"1"}
		h["transfer-ENCODING"] = []string{"chunked"}
		h["Content-Length"] = []string{"+5", "7"}
		if r.URL.Path == "/early" {
			w.WriteHeader(http.StatusEarlyHints)
		}
		if r.URL.Path == "/trailer" {
			delete(h, "Content-Length")
			h[http.TrailerPrefix+"content-length"] = []string{"9"}
			h[http.TrailerPrefix+"Fine"] = []string{"yes"}
		}
		io.WriteString(w, "hello")
	})))
	for _, path := range []string{"/", "/early", "/trailer"} {
		c.send(get(path) + get("/end"))
		var got strings.Builder
		for strings.Count(got.String(), "hello") < 2 {
			b, err := c.r.ReadByte()
			if err != nil {
				t.Fatal(err)
			}
			got.WriteByte(b)
		}
		for _, bad := range []string{"content-length", "transfer-ENCODING", "+5", ": 7", ": 1\r", ": 9\r"} {
			if strings.Contains(got.String(), bad) {
				t.Errorf("%s: %q is in %q", path, bad, got.String())
			}
		}
		if path == "/trailer" && !strings.Contains(got.String(), "Fine: yes") {
			t.Errorf("the other trailer is missing in %q", got.String())
		}
	}
}

// After 101 the client speaks another protocol, which nobody may read as requests (as with Kestrel).
func TestSwitchingWithoutHijackEndsTheConnection(t *testing.T) {
	t.Parallel()
	c := dial(t, startServer(t, handle(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			t.Errorf("served %s", r.URL)
		}
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "own")
		w.WriteHeader(http.StatusSwitchingProtocols)
	})))
	c.send(get("/") + get("/smuggled"))
	for line := ""; line != "\r\n"; {
		var err error
		if line, err = c.r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	c.closed()
}

func TestEmptyLinesInPieces(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe() // each write is a read of its own
	s := handle(ok)
	t.Cleanup(func() { s.Close() })
	if err := s.ServeConn(far, Binding{}); err != nil {
		t.Fatal(err)
	}
	near.SetDeadline(time.Now().Add(patience))
	c := &client{t, near, bufio.NewReader(near)}
	for range 2 {
		for _, piece := range []string{"\r", "\n\r", "\n", "\n\r", "\n" + get("/")} {
			c.send(piece)
		}
		c.want(http.StatusOK)
	}
	go c.send("\rG")
	c.want(http.StatusBadRequest)
}
