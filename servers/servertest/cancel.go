package servertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// cancelCases are about the context of a request.
func cancelCases() group {
	return group{
		"cancel/client-gone": func(e *env) {
			begun, ended := make(chan struct{}), make(chan error, 1)
			s := e.serve(func(_ http.ResponseWriter, r *http.Request) {
				close(begun)
				ended <- await(e, r, make(chan error))
				if r.Context().Err() == nil {
					e.Error("the context is not cancelled")
				}
			})
			ctx, leave := context.WithCancel(e.ctx)
			go s.try(s.request(http.MethodGet, "/", nil).WithContext(ctx))
			receive(e, begun, "for the handler")
			leave()
			receive(e, ended, "for the context to be cancelled")
		},
		"cancel/while-body-comes": func(e *env) {
			begun, ended := make(chan struct{}), make(chan error, 1)
			s := e.serve(func(_ http.ResponseWriter, r *http.Request) {
				r.Body.Read(make([]byte, 1))
				close(begun)
				_, err := io.Copy(io.Discard, r.Body)
				ended <- err
			})
			ctx, leave := context.WithCancel(e.ctx)
			body, out := io.Pipe()
			defer out.Close()
			go s.try(s.request(http.MethodPost, "/", body).WithContext(ctx))
			io.WriteString(out, "begin")
			receive(e, begun, "for the handler")
			leave()
			if err := receive(e, ended, "for the body to fail"); err == nil {
				e.Error("a body that was cut off looks whole")
			}
		},
		"cancel/while-response-goes": func(e *env) {
			ended := make(chan error, 1)
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				_, err := io.Copy(w, newCounter())
				ended <- err
			})
			ctx, leave := context.WithCancel(e.ctx)
			resp := s.open(s.request(http.MethodGet, "/", nil).WithContext(ctx))
			resp.Body.Read(make([]byte, 1))
			leave()
			if err := receive(e, ended, "for the response to fail"); err == nil {
				e.Error("an endless response has ended")
			}
		},
		"cancel/not-while-client-waits": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				fmt.Fprint(w, r.Context().Err())
			})
			s.post("/", "hello").want(e, 200, "<nil>")
		},
		"cancel/when-handler-returns": func(e *env) {
			contexts := make(chan context.Context, 1)
			s := e.serve(func(_ http.ResponseWriter, r *http.Request) { contexts <- r.Context() })
			s.get("/")
			receive(e, (<-contexts).Done(), "for the context to be cancelled")
		},
	}
}

// panicCases have a request's client see that something went wrong, and nobody else.
func panicCases() group {
	at := func(when string, value any) func(*env) {
		return func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/" {
					io.WriteString(w, "fine")
					return
				}
				if when == "after" {
					io.WriteString(w, "half")
					http.NewResponseController(w).Flush()
				}
				panic(value)
			})
			s.fails(s.request(http.MethodGet, "/fails", nil))
			s.goesOn("/", "fine")
			if logged := strings.Contains(e.log.String(), "panic"); logged != (value != http.ErrAbortHandler) {
				e.Errorf("the panic is in the log: %v", logged)
			}
		}
	}
	return group{
		"panic/before-response": at("before", errors.New("servertest: on purpose")),
		"panic/after-response":  at("after", "servertest: on purpose"),
		"panic/abort-before":    at("before", http.ErrAbortHandler),
		"panic/abort-after":     at("after", http.ErrAbortHandler),
	}
}

// controlCases are about http.ResponseController's deadlines.
func controlCases() group {
	return group{
		"control/read-deadline": func(e *env) {
			failed := make(chan error, 1)
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
					e.Errorf("SetReadDeadline: %v", err)
				}
				_, err := io.Copy(io.Discard, r.Body)
				failed <- err
			})
			body, out := io.Pipe()
			defer out.Close()
			go s.try(s.request(http.MethodPost, "/", body))
			if err := receive(e, failed, "for the read"); !errors.Is(err, os.ErrDeadlineExceeded) {
				e.Errorf("Read: %v", err)
			}
		},
		"control/write-deadline": func(e *env) {
			failed := make(chan error, 1)
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				c := http.NewResponseController(w)
				io.WriteString(w, "begin")
				c.Flush()
				if err := c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
					e.Errorf("SetWriteDeadline: %v", err)
				}
				_, err := io.Copy(w, newCounter())
				failed <- err
			})
			resp := s.open(s.request(http.MethodGet, "/", nil))
			if err := receive(e, failed, "for the write"); err == nil {
				e.Error("an endless response has ended")
			}
			if a := read(resp); a.cut == nil {
				e.Error("the client takes the response for whole")
			}
		},
	}
}
