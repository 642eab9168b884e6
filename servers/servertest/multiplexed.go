package servertest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/gorun-dev/gorun/servers/feature"
)

// multiplexedCases are about many requests on one connection, as HTTP/2 and HTTP/3 have them (RFC 9113; RFC 9114).
func multiplexedCases() group {
	return group{
		"streams/parallel": func(e *env) { // all at once, on one connection
			const streams = 50
			var mu sync.Mutex
			remotes := map[string]bool{}
			var inside sync.WaitGroup
			inside.Add(streams)
			all := make(chan struct{})
			go func() { inside.Wait(); close(all) }()
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				if r.URL.Path != "/first" {
					remotes[r.RemoteAddr] = true
				}
				mu.Unlock()
				if r.URL.Path != "/first" {
					inside.Done()
					await(e, r, all)
				}
				io.WriteString(w, r.URL.Path)
			})
			s.get("/first") // so that the connection is there
			var clients sync.WaitGroup
			for i := range streams {
				clients.Go(func() {
					path := fmt.Sprint("/", i)
					if a := s.try(s.request(http.MethodGet, path, nil)); a.body != path {
						e.Errorf("%s: got %q, %v", path, a.body, a.cut)
					}
				})
			}
			clients.Wait()
			mu.Lock() // nothing but the network orders the handlers before this
			defer mu.Unlock()
			want(e, "connections", len(remotes), 1)
		},
		"streams/one-connection-id": func(e *env) {
			s := e.serve(telling(func(_ *http.Request, c feature.Connection) string { return c.ID }))
			first := s.get("/")
			want(e, "status", first.StatusCode, 200)
			s.get("/").want(e, 200, first.body)
		},
		"streams/reset-ends-one": func(e *env) { // a reset cancels a request, and no other of the connection
			begun, ended, goOn := make(chan struct{}), make(chan error, 1), make(chan struct{})
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/reset":
					close(begun)
					await(e, r, make(chan int))
					ended <- r.Context().Err()
				case "/stays":
					http.NewResponseController(w).Flush()
					await(e, r, goOn)
					io.WriteString(w, r.RemoteAddr)
				default:
					io.WriteString(w, r.RemoteAddr)
				}
			})
			connection := s.get("/").body
			stays := s.open(s.request(http.MethodGet, "/stays", nil))
			ctx, reset := context.WithCancel(e.ctx)
			go s.try(s.request(http.MethodGet, "/reset", nil).WithContext(ctx))
			receive(e, begun, "for the handler")
			reset()
			want(e, "context", receive(e, ended, "for the context to be cancelled"), context.Canceled)
			close(goOn)
			read(stays).want(e, 200, connection)
			s.get("/").want(e, 200, connection)
		},
		"streams/panic-ends-one": func(e *env) {
			goOn := make(chan struct{})
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/panic" {
					panic(http.ErrAbortHandler)
				}
				http.NewResponseController(w).Flush()
				await(e, r, goOn)
				io.WriteString(w, "fine")
			})
			stays := s.open(s.request(http.MethodGet, "/stays", nil))
			s.fails(s.request(http.MethodGet, "/panic", nil))
			close(goOn)
			read(stays).want(e, 200, "fine")
		},
		"streams/slow-reader-stops-itself": func(e *env) { // flow control: the others go on
			const size = 16 << 20
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/large" {
					io.Copy(w, pattern(size))
					return
				}
				io.WriteString(w, r.RemoteAddr)
			})
			connection := s.get("/").body
			slow := s.open(s.request(http.MethodGet, "/large", nil))
			for range 20 {
				s.get("/").want(e, 200, connection)
			}
			want(e, "body", digest(slow.Body), digest(pattern(size)))
		},
		"streams/unread-body-stops-itself": func(e *env) { // in the other direction
			goOn := make(chan struct{})
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/large" {
					await(e, r, goOn)
					io.WriteString(w, digest(r.Body))
					return
				}
				io.WriteString(w, r.RemoteAddr)
			})
			connection := s.get("/").body
			done := make(chan answer, 1)
			req := s.request(http.MethodPost, "/large", pattern(large))
			go func() { done <- s.try(req) }()
			for range 20 {
				s.get("/").want(e, 200, connection)
			}
			close(goOn)
			a := receive(e, done, "for the answer")
			a.want(e, 200, digest(pattern(large)))
		},
		"headers/no-connection-fields": func(e *env) { // which both forbid (RFC 9113, 8.2.2; RFC 9114, 4.2)
			s := e.serve(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Connection", "keep-alive")
				w.Header().Set("Keep-Alive", "timeout=5")
				w.Header().Set("Transfer-Encoding", "chunked")
				io.WriteString(w, "body")
			})
			a := s.get("/")
			a.want(e, 200, "body")
			want(e, "Connection", a.Header.Get("Connection"), "")
			want(e, "Transfer-Encoding", a.Header.Get("Transfer-Encoding"), "")
		},
		"headers/too-large": func(e *env) { // refused, with 431 or by resetting the stream
			s := e.serve(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) })
			req := s.request(http.MethodGet, "/large", nil)
			for i := range 40 {
				req.Header.Set(fmt.Sprint("X-Large-", i), strings.Repeat("a", 1000))
			}
			if a := s.try(req); a.cut == nil && a.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
				e.Errorf("got %d %q", a.StatusCode, a.body)
			}
			s.goesOn("/fine", "/fine")
		},
		"headers/too-many": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) })
			req := s.request(http.MethodGet, "/many", nil)
			for i := range 110 {
				req.Header.Set(fmt.Sprint("X-", i), "a")
			}
			if a := s.try(req); a.cut == nil && a.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
				e.Errorf("got %d %q", a.StatusCode, a.body)
			}
			s.goesOn("/fine", "/fine")
		},
		"upgrade/never": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				_, _, err := http.NewResponseController(w).Hijack()
				fmt.Fprint(w, err != nil)
			})
			s.get("/").want(e, 200, "true")
		},
	}
}
