package servertest

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// fileCases serve a file by http.ServeFile, which sends it by sendfile where the system can.
func fileCases() group {
	const size = 1 << 20
	file := func(e *env) *site {
		e.Helper()
		name := filepath.Join(e.TempDir(), "data.bin")
		f, err := os.Create(name)
		if err != nil {
			e.Fatal(err)
		}
		if _, err = io.Copy(f, pattern(size)); err == nil {
			err = f.Close()
		}
		if err == nil {
			err = os.Chtimes(name, time.Time{}, time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC))
		}
		if err != nil {
			e.Fatal(err)
		}
		return e.serve(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) })
	}
	with := func(s *site, method, name, value string) answer {
		s.Helper()
		req := s.request(method, "/data.bin", nil)
		req.Header.Set(name, value)
		return s.do(req)
	}
	return group{
		"file/whole": func(e *env) {
			a := file(e).get("/data.bin")
			want(e, "body", digest(strings.NewReader(a.body)), digest(pattern(size)))
			want(e, "Content-Length", a.ContentLength, size)
			want(e, "Accept-Ranges", a.Header.Get("Accept-Ranges"), "bytes")
		},
		"file/head": func(e *env) {
			a := with(file(e), http.MethodHead, "Accept", "*/*")
			a.want(e, 200, "")
			want(e, "Content-Length", a.ContentLength, size)
		},
		"file/range": func(e *env) {
			a := with(file(e), http.MethodGet, "Range", "bytes=9-17")
			a.want(e, 206, "00000001 ")
			want(e, "Content-Range", a.Header.Get("Content-Range"), fmt.Sprintf("bytes 9-17/%d", size))
		},
		"file/range-of-the-end": func(e *env) { want(e, "length", len(with(file(e), http.MethodGet, "Range", "bytes=-7").body), 7) },
		"file/ranges": func(e *env) {
			a := with(file(e), http.MethodGet, "Range", "bytes=0-8,18-26")
			want(e, "status", a.StatusCode, 206)
			if !strings.Contains(a.body, "00000000 ") || !strings.Contains(a.body, "00000002 ") || strings.Contains(a.body, "00000001 ") {
				e.Errorf("got %q", a.body)
			}
		},
		"file/range-outside": func(e *env) {
			want(e, "status", with(file(e), http.MethodGet, "Range", "bytes=9999999-").StatusCode, 416)
		},
		"file/not-modified": func(e *env) {
			with(file(e), http.MethodGet, "If-Modified-Since", "Thu, 02 Jan 2020 03:04:05 GMT").want(e, 304, "")
		},
	}
}
