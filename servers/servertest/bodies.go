package servertest

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const large = 10 << 20

// pattern is n bytes that show where a piece is missing.
func pattern(n int64) io.Reader { return io.LimitReader(newCounter(), n) }

// counter gives 0 to 6,999 with eight digits and a space each, and begins again, without an end. So many fit no buffer's size.
type counter struct {
	all  []byte
	next int
}

func newCounter() *counter {
	var c counter
	for i := range 7000 {
		c.all = fmt.Appendf(c.all, "%08d ", i)
	}
	return &c
}

func (c *counter) Read(p []byte) (n int, err error) {
	for n < len(p) {
		copied := copy(p[n:], c.all[c.next:])
		c.next = (c.next + copied) % len(c.all)
		n += copied
	}
	return n, nil
}

// digest is the length and the sum of what r gives.
func digest(r io.Reader) string {
	h := sha256.New()
	n, err := io.Copy(h, r)
	return fmt.Sprintf("%d bytes, %x, %v", n, h.Sum(nil)[:8], err)
}

func bodyCases() group {
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
		w.Write(body)
	}
	length := func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, r.ContentLength, " ", n, " ", err)
	}
	return group{
		"body/none": func(e *env) {
			s := e.serve(length)
			s.get("/").want(e, 200, "0 0 <nil>")
		},
		"body/empty": func(e *env) {
			s := e.serve(length)
			s.do(s.request(http.MethodPost, "/", http.NoBody)).want(e, 200, "0 0 <nil>")
		},
		"body/known-length": func(e *env) { e.serve(length).post("/", "hello").want(e, 200, "5 5 <nil>") },
		"body/unknown-length": func(e *env) {
			s := e.serve(length)
			s.do(s.request(http.MethodPost, "/", io.MultiReader(strings.NewReader("hello")))).want(e, 200, "-1 5 <nil>")
		},
		"body/with-get": func(e *env) {
			s := e.serve(echo)
			s.do(s.request(http.MethodGet, "/", strings.NewReader("hello"))).want(e, 200, "hello")
		},
		"body/echo": func(e *env) { e.serve(echo).post("/", "héllo\x00\r\n\r\n").want(e, 200, "héllo\x00\r\n\r\n") },
		"body/upload-large": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, digest(r.Body)) })
			s.do(s.request(http.MethodPost, "/", pattern(large))).want(e, 200, digest(pattern(large)))
		},
		"body/download-large": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, pattern(large)) })
			resp := s.open(s.request(http.MethodGet, "/", nil))
			want(e, "body", digest(resp.Body), digest(pattern(large)))
		},
		"body/download-large-known-length": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", strconv.Itoa(large))
				io.Copy(w, pattern(large))
			})
			resp := s.open(s.request(http.MethodGet, "/", nil))
			want(e, "Content-Length", resp.ContentLength, large)
			want(e, "body", digest(resp.Body), digest(pattern(large)))
		},
		"body/echo-large": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				http.NewResponseController(w).EnableFullDuplex() // HTTP/2 has it always
				io.Copy(w, r.Body)
			})
			resp := s.open(s.request(http.MethodPost, "/", pattern(large)))
			want(e, "body", digest(resp.Body), digest(pattern(large)))
		},
		"body/small-has-length": func(e *env) {
			a := e.serve(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }).get("/")
			want(e, "Content-Length", a.ContentLength, 5)
		},
		"body/unread": func(e *env) { // and the next request is not disturbed by it
			s := e.serve(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) })
			for _, path := range []string{"/1", "/2", "/3"} {
				s.post(path, strings.Repeat("GET /smuggled HTTP/1.1\r\n\r\n", 100)).want(e, 200, path)
			}
		},
		"body/read-to-the-end-twice": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				n, err := r.Body.Read(make([]byte, 1))
				fmt.Fprint(w, n, " ", err)
			})
			s.post("/", "hello").want(e, 200, "0 EOF")
		},
		"body/read-after-close": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				r.Body.Close()
				_, err := r.Body.Read(make([]byte, 1))
				fmt.Fprint(w, err != nil && err != io.EOF)
			})
			s.post("/", "hello").want(e, 200, "true")
		},
		"body/more-than-announced": func(e *env) {
			failed := make(chan error, 1)
			s := e.serve(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "5")
				io.WriteString(w, "hello")
				http.NewResponseController(w).Flush() // what is buffered in HTTP/2 is not compared
				_, err := io.WriteString(w, "more")
				failed <- err
			})
			s.get("/").want(e, 200, "hello")
			// HTTP/2 has an error without a name for it.
			if err := receive(e, failed, "for Write"); err == nil || e.protocol == http1 && err != http.ErrContentLength {
				e.Errorf("Write: %v", err)
			}
		},
		"body/less-than-announced": func(e *env) { // the client must not take it for whole
			s := e.serve(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "500")
				io.WriteString(w, "hello")
			})
			s.fails(s.request(http.MethodGet, "/", nil))
		},
		"body/form": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.FormValue("a")+r.FormValue("b")) })
			req := s.request(http.MethodPost, "/?b=2", strings.NewReader("a=1"))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			s.do(req).want(e, 200, "12")
		},
	}
}
