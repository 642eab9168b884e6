package servertest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/gorun-dev/gorun/servers/feature"
)

// limitHandler reads the body after prepare, and answers with 413 when it is too large. The server may have done so before.
func limitHandler(prepare func(*http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if prepare != nil {
			prepare(r)
		}
		n, err := io.Copy(io.Discard, r.Body)
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		fmt.Fprint(w, n, " ", err)
	}
}

// bodyLimitCases have the body's limit of reference: servers.md, 3.1, and its change for a request.
func bodyLimitCases() group {
	ten := func(c *Config) { c.Limits.MaxRequestBodySize = 10 }
	body := func(n int) io.Reader { return strings.NewReader(strings.Repeat("x", n)) }
	change := func(e *env, size int64) http.HandlerFunc {
		return limitHandler(func(r *http.Request) {
			b, ok := feature.Get[feature.Body](r.Context())
			if !ok {
				e.Error("there is no feature.Body")
				return
			}
			if err := b.SetMaxSize(size); err != nil || b.MaxSize() != size {
				e.Errorf("SetMaxSize: %v; MaxSize is %d, want %d", err, b.MaxSize(), size)
			}
		})
	}
	status := func(e *env, h http.HandlerFunc, body io.Reader, status int, edits ...func(*Config)) {
		e.Helper()
		s := e.serve(h, edits...)
		want(e, "status", s.do(s.request(http.MethodPost, "/", body)).StatusCode, status)
	}
	return group{
		"body/limit-kept":    func(e *env) { status(e, limitHandler(nil), body(10), 200, ten) },
		"body/limit-413":     func(e *env) { status(e, limitHandler(nil), body(11), 413, ten) },
		"body/limit-default": func(e *env) { status(e, limitHandler(nil), pattern(30_000_001), 413) },
		"body/limit-unknown-length": func(e *env) {
			status(e, limitHandler(nil), io.MultiReader(body(1000)), 413, ten)
		},
		"body/limit-none": func(e *env) {
			status(e, limitHandler(nil), body(11), 200, func(c *Config) { c.Limits.MaxRequestBodySize = -1 })
		},
		"body/limit-raised":  func(e *env) { status(e, change(e, 1000), body(1000), 200, ten) },
		"body/limit-lifted":  func(e *env) { status(e, change(e, -1), body(1000), 200, ten) },
		"body/limit-lowered": func(e *env) { status(e, change(e, 5), body(6), 413, ten) },
		"body/limit-zero":    func(e *env) { status(e, change(e, 0), body(1), 413, ten) },
		"body/limit-is-for-one-request": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/raised" {
					change(e, 1000)(w, r)
					return
				}
				limitHandler(nil)(w, r)
			}, ten)
			s.do(s.request(http.MethodPost, "/raised", body(11))).want(e, 200, "11 <nil>")
			want(e, "status", s.do(s.request(http.MethodPost, "/", body(11))).StatusCode, 413)
		},
		"body/limit-told": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				if b, ok := feature.Get[feature.Body](r.Context()); ok {
					fmt.Fprint(w, b.MaxSize())
				}
			}, ten)
			s.get("/").want(e, 200, "10")
		},
		"body/limit-fixed-once-read": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				r.Body.Read(make([]byte, 1))
				if b, ok := feature.Get[feature.Body](r.Context()); ok {
					fmt.Fprint(w, b.SetMaxSize(1000) != nil)
				}
			}, ten)
			s.post("/", "hello").want(e, 200, "true")
		},
	}
}
