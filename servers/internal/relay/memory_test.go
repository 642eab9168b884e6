package relay

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"
)

const hundred = 100 << 20

// TestFlatMemory passes 100 MB in each direction and looks at what was allocated for it: buffers, and nothing that grows.
func TestFlatMemory(t *testing.T) {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.URL.Path == "/length" {
			w.Header().Set("Content-Length", fmt.Sprint(hundred))
		}
		if r.Method == "GET" {
			io.Copy(w, io.LimitReader(zeros{}, hundred))
		} else {
			fmt.Fprint(w, n)
		}
	})
	target := Target{Address: serveFront(t, app, noTLS)}
	client := dialFront(t, front(t, newRelay(t, Options{Timeout: DefaultTimeout}), target, nil))
	for name, c := range map[string]struct {
		path   string
		length int64 // of the request; -1: chunked
	}{
		"length down": {"/length", 0}, "chunks down": {"/", 0}, "length up": {"/", hundred}, "chunks up": {"/", -1},
	} {
		before := allocated()
		req, err := http.NewRequest("GET", "http://h"+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := int64(hundred)
		if c.length != 0 {
			req.Method, req.ContentLength = "POST", c.length
			req.Body, want = io.NopCloser(io.LimitReader(zeros{}, hundred)), int64(len(fmt.Sprint(hundred)))
		}
		if err := req.Write(client.Conn); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(client.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, res.Body); n != want || err != nil {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
		if n := allocated() - before; n > 8<<20 {
			t.Errorf("%s: %d bytes were allocated", name, n)
		} else {
			t.Logf("%s: %d bytes", name, n)
		}
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
