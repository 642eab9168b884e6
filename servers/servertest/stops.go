package servertest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// stopCases are about the graceful stop (reference: servers.md, 3.9).
func stopCases() group {
	return group{
		"stop/idle": func(e *env) { // connections without a request are closed, or the server would wait for them
			s := e.serve(func(http.ResponseWriter, *http.Request) {})
			s.get("/")
			silent := s.dial()
			if err := s.stop(); err != nil {
				e.Errorf("the server ended with %v", err)
			}
			silent.closed()
		},
		"stop/running-request-finishes": func(e *env) {
			begun, goOn := make(chan struct{}), make(chan struct{})
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				close(begun)
				await(e, r, goOn)
				fmt.Fprint(w, len(body), " ", err)
			})
			idle := s.dial()
			done := make(chan answer, 1)
			body := pattern(100_000)
			go func() { done <- s.try(s.request(http.MethodPost, "/", body)) }()
			receive(e, begun, "for the handler")
			s.running.Stop()
			idle.closed() // now it stops
			if c, err := s.connect(s.url()); err == nil {
				s.wire(c).closed() // where a front has the port it may still accept
			}
			close(goOn)
			a := receive(e, done, "for the answer")
			a.want(e, 200, "100000 <nil>")
			if err := s.wait(); err != nil {
				e.Errorf("the server ended with %v", err)
			}
		},
		"stop/stream-goes-on": func(e *env) {
			begun, goOn := make(chan struct{}), make(chan struct{})
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, "before\n")
				http.NewResponseController(w).Flush()
				close(begun)
				await(e, r, goOn)
				io.Copy(w, pattern(1_000_000))
			})
			idle := s.dial()
			in := bufio.NewReader(s.open(s.request(http.MethodGet, "/", nil)).Body)
			receive(e, begun, "for the handler")
			s.running.Stop()
			idle.closed()
			close(goOn)
			if line, err := in.ReadString('\n'); err != nil || line != "before\n" {
				e.Errorf("got %q, %v", line, err)
			}
			want(e, "rest", digest(in), digest(pattern(1_000_000)))
			if err := s.wait(); err != nil {
				e.Errorf("the server ended with %v", err)
			}
		},
		"stop/cut-off": func(e *env) { // at the limit, with an error, and the handler sees it
			begun, ended := make(chan struct{}), make(chan error, 1)
			s := e.serve(func(_ http.ResponseWriter, r *http.Request) {
				close(begun)
				await(e, r, make(chan int))
				ended <- r.Context().Err()
			}, func(c *Config) { c.ShutdownTimeout = 50 * time.Millisecond })
			done := make(chan answer, 1)
			go func() { done <- s.try(s.request(http.MethodGet, "/", nil)) }()
			receive(e, begun, "for the handler")
			if err := s.stop(); err == nil {
				e.Error("the server cut a request off and returned nil")
			}
			want(e, "context", receive(e, ended, "for the context to be cancelled"), context.Canceled)
			e.failed(receive(e, done, "for the client"))
		},
		"stop/twice": func(e *env) {
			s := e.serve(func(http.ResponseWriter, *http.Request) {})
			s.running.Stop()
			if err := s.stop(); err != nil {
				e.Errorf("the server ended with %v", err)
			}
		},
		"stop/frees-the-address": func(e *env) {
			s := e.serve(func(http.ResponseWriter, *http.Request) {})
			s.get("/")
			s.client.CloseIdleConnections()
			if err := s.stop(); err != nil {
				e.Fatalf("the server ended with %v", err)
			}
			if c, err := s.connect(s.url()); err == nil {
				c.Close()
				e.Error("somebody still listens")
			}
		},
	}
}
