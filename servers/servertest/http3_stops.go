package servertest

import (
	"context"
	"io"
	"net"
	"net/http"
	"time"
)

// http3StopCases are the graceful stop as clients of HTTP/3 see it: GOAWAY, and a socket that answers nobody new.
func http3StopCases() group {
	waiting := func(e *env, begun, goOn chan struct{}) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			close(begun)
			await(e, r, goOn)
			whoAsks(w, r)
		}
	}
	return group{
		"stop/new-connection-refused": func(e *env) { // while a request runs
			begun, goOn := make(chan struct{}), make(chan struct{})
			s := e.serve(waiting(e, begun, goOn))
			idle := s.dial()
			done := make(chan answer, 1)
			req := s.request(http.MethodGet, "/1", nil)
			go func() { done <- s.try(req) }()
			receive(e, begun, "for the handler")
			s.running.Stop()
			idle.closed() // now it stops
			ctx, cancel := context.WithTimeout(e.ctx, soon)
			defer cancel()
			if a := s.asksByHTTP3(ctx, s.url()); a.cut == nil {
				e.Errorf("a new connection: got %d %q", a.StatusCode, a.body)
			}
			close(goOn)
			a := receive(e, done, "for the answer")
			a.want(e, 200, "/1")
			if err := s.wait(); err != nil {
				e.Errorf("the server ended with %v", err)
			}
		},
		"stop/cut-off-with-others": func(e *env) { // one request that finishes, and one that does not, on one connection
			begun, ended, goOn := make(chan struct{}), make(chan error, 1), make(chan struct{})
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/endless":
					close(begun)
					await(e, r, make(chan int))
					ended <- r.Context().Err()
				case "/finishes":
					http.NewResponseController(w).Flush()
					await(e, r, goOn)
					io.WriteString(w, "whole")
				}
			}, func(c *Config) { c.ShutdownTimeout = 2 * time.Second })
			finishes := s.open(s.request(http.MethodGet, "/finishes", nil))
			done := make(chan answer, 1)
			req := s.request(http.MethodGet, "/endless", nil)
			go func() { done <- s.try(req) }()
			receive(e, begun, "for the handler")
			s.running.Stop()
			close(goOn)
			read(finishes).want(e, 200, "whole")
			if err := s.wait(); err == nil {
				e.Error("the server cut a request off and returned nil")
			}
			want(e, "context", receive(e, ended, "for the context to be cancelled"), context.Canceled)
			e.failed(receive(e, done, "for the client"))
		},
		"stop/frees-the-port": func(e *env) {
			s := e.serve(whoAsks)
			s.get("/")
			if err := s.stop(); err != nil {
				e.Errorf("the server ended with %v", err)
			}
			c, err := net.ListenPacket("udp4", host(e, s.url()))
			if err != nil {
				e.Fatalf("the socket is still open: %v", err)
			}
			c.Close()
		},
	}
}
