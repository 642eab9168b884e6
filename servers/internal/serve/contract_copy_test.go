package serve_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// sources are what is copied to a client, each of size bytes.
var sources = map[string]func(n *notes, size int) (io.Reader, error){
	"strings": func(n *notes, size int) (io.Reader, error) { return strings.NewReader(pattern(size)), nil },
	"a plain reader": func(n *notes, size int) (io.Reader, error) {
		return io.MultiReader(strings.NewReader(pattern(size)), strings.NewReader("")), nil
	},
	"a file": func(n *notes, size int) (io.Reader, error) { return n.file(size) },
	"a limited reader": func(n *notes, size int) (io.Reader, error) {
		return io.LimitReader(strings.NewReader(pattern(size)+"more"), int64(size)), nil
	},
	"a limited file": func(n *notes, size int) (io.Reader, error) {
		f, err := n.file(size + 10)
		return io.LimitReader(f, int64(size)), err
	},
}

// file is a file of so many bytes, removed after the test.
func (n *notes) file(size int) (*os.File, error) {
	name := filepath.Join(n.t.TempDir(), "file.txt")
	if err := os.WriteFile(name, []byte(pattern(size)), 0o600); err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	n.t.Cleanup(func() { f.Close() })
	return f, err
}

// copies are io.Copy and ReadFrom.
func copies() []promise {
	var all []promise
	for name, open := range sources {
		for _, size := range []int{0, 1, 511, 512, 513, 2048, 4096, 5000, 600_000} {
			plain := func(n *notes, w http.ResponseWriter, r *http.Request) {
				src, err := open(n, size)
				n.got("open", err)
				n.copied(w.(io.ReaderFrom).ReadFrom(src))
			}
			long := func(n *notes, w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", strconv.Itoa(size))
				plain(n, w, r)
			}
			text := fmt.Sprintf("%d bytes of %s", size, name)
			all = append(all,
				promise{name: "ReadFrom " + text, request: request("GET"), handler: plain},
				promise{name: "ReadFrom with a length " + text, request: request("GET"), handler: long})
			if size == 513 || size == 5000 {
				all = append(all,
					promise{name: "ReadFrom to HEAD " + text, request: request("HEAD"), handler: long},
					promise{name: "ReadFrom to 1.0 " + text, request: old("GET"), handler: plain},
					promise{name: "ReadFrom to 1.0 keep-alive " + text, request: old("GET", "Connection: keep-alive"), handler: long})
			}
		}
	}
	return append(all, oddCopies()...)
}

var errSource = errors.New("source failed")

// failing gives text and then errSource.
type failing struct{ io.Reader }

func (f failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err == io.EOF {
		err = errSource
	}
	return n, err
}

func oddCopies() []promise {
	from := func(length, before string, size int, then ...string) handler {
		return func(n *notes, w http.ResponseWriter, r *http.Request) {
			if length != "" {
				w.Header().Set("Content-Length", length)
			}
			n.wrote(io.WriteString(w, before))
			f, err := n.file(size)
			n.got("open", err)
			n.copied(io.Copy(w, f))
			for _, text := range then {
				n.wrote(io.WriteString(w, text))
			}
		}
	}
	get := request("GET")
	return []promise{
		{name: "copy after a write", request: get, handler: from("", "hello", 5000)},
		{name: "copy after a large write", request: get, handler: from("", pattern(5000), 5000)},
		{name: "copy after a write, with a length", request: get, handler: from("5005", "hello", 5000)},
		{name: "copy and a write, with a length", request: get, handler: from("5010", "hello", 5000, "world")},
		{name: "copy and a write, without one", request: get, handler: from("", "hello", 5000, "world")},
		{name: "copy too short", request: get, handler: from("9000", "", 5000), has: []string{"closed"}},
		{name: "copy too short, small", request: get, handler: from("100", "", 50), has: []string{"closed"}},
		{name: "copy too long, small", request: get, handler: from("50", "", 100)},
		{name: "copy and a write too much", request: get, handler: from("5000", "", 5000, "more"), has: []string{"ErrContentLength"}},
		{name: "copy twice", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10000")
			from("", "", 5000)(n, w, r)
			from("", "", 5000)(n, w, r)
		}},
		{name: "copy to 204", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(204)
			from("", "", 5000)(n, w, r)
		}, has: []string{"ErrBodyNotAllowed"}},
		{name: "copy to 304", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(304)
			from("5000", "", 5000)(n, w, r)
		}},
		{name: "copy after a flush", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "5000")
			w.(http.Flusher).Flush()
			f, err := n.file(5000)
			n.got("open", err)
			n.copied(io.Copy(w, f))
		}},
		{name: "copy with coding identity", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Transfer-Encoding", "identity")
			from("", "", 5000)(n, w, r)
		}},
		{name: "copy of a file from its middle", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			f, err := n.file(9000)
			n.got("open", err)
			f.Seek(4000, io.SeekStart)
			w.Header().Set("Content-Length", "5000")
			n.copied(io.Copy(w, f))
			at, err := f.Seek(0, io.SeekCurrent)
			n.note("at %d, %s", at, kind(err))
		}},
		{name: "copy types html", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.copied(w.(io.ReaderFrom).ReadFrom(io.MultiReader(strings.NewReader("<!DOC"), strings.NewReader("TYPE html>"+pattern(3000)))))
		}, has: []string{"text/html"}},
		{name: "copy of a source that fails at once", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.copied(w.(io.ReaderFrom).ReadFrom(failing{strings.NewReader("")}))
			http.Error(w, "failed", http.StatusBadGateway)
		}, has: []string{"> HTTP/1.1 502", "source failed"}},
		{name: "copy of a source that fails late", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.copied(w.(io.ReaderFrom).ReadFrom(failing{strings.NewReader(pattern(9000))}))
		}, has: []string{"source failed"}},
		{name: "copy of a source that fails late, with a length", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10000")
			n.copied(w.(io.ReaderFrom).ReadFrom(failing{strings.NewReader(pattern(9000))}))
		}, has: []string{"source failed"}},
		{name: "copy of the body", request: post(pattern(9000)), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.got("duplex", http.NewResponseController(w).EnableFullDuplex())
			n.copied(io.Copy(w, r.Body))
		}},
		{name: "copy of chunks", request: chunked(hello + "0\r\n\r\n"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.copied(io.Copy(w, r.Body))
		}},
	}
}
