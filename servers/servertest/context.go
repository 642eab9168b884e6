package servertest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// contextKey is for a value in the context that the app is run with.
type contextKey struct{}

func contextCases() group {
	return group{
		"context/values": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Context().Value(contextKey{})) },
				func(c *Config) { c.Context = context.WithValue(c.Context, contextKey{}, "from main") })
			s.get("/").want(e, 200, "from main")
		},
		"context/not-stopped-with-server": func(e *env) { // running requests may finish
			begun, goOn := make(chan struct{}), make(chan struct{})
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				close(begun)
				await(e, r, goOn)
				fmt.Fprint(w, r.Context().Err())
			})
			done := make(chan answer, 1)
			go func() { done <- s.try(s.request(http.MethodGet, "/", nil)) }()
			receive(e, begun, "for the handler")
			s.running.Stop()
			close(goOn)
			a := receive(e, done, "for the answer")
			a.want(e, 200, "<nil>")
		},
	}
}

// loadCases have many requests at once, each with a body that no other has.
func loadCases() group {
	return group{
		"load/200-at-once": func(e *env) {
			const requests = 200
			var inside sync.WaitGroup // all handlers run at once, or none ends
			inside.Add(requests)
			all := make(chan struct{})
			go func() { inside.Wait(); close(all) }()
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					e.Errorf("read: %v", err)
				}
				inside.Done()
				await(e, r, all)
				w.Write(body)
			}, func(c *Config) { c.Limits.HTTP2.MaxStreamsPerConnection = requests })
			second := s.client
			if e.protocol == http3 { // its connections have 100 requests at once, and its client opens no second one by itself
				second = s.newClient()
			}
			var clients sync.WaitGroup
			for i := range requests {
				clients.Go(func() {
					body := strings.Repeat(fmt.Sprint(i, " "), 1000)
					client := []*http.Client{s.client, second}[i%2]
					if a := try(client, s.request(http.MethodPost, "/", strings.NewReader(body))); a.cut != nil || a.body != body {
						e.Errorf("%d: got %d %.20q, %v", i, a.StatusCode, a.body, a.cut)
					}
				})
			}
			clients.Wait()
		},
		"load/2000-after-another": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.RawQuery) })
			var clients sync.WaitGroup
			for c := range 4 {
				clients.Go(func() {
					for i := range 500 {
						query := fmt.Sprint(c, "-", i)
						if a := s.try(s.request(http.MethodGet, "/?"+query, nil)); a.cut != nil || a.body != query {
							e.Errorf("%s: got %d %.20q, %v", query, a.StatusCode, a.body, a.cut)
							return
						}
					}
				})
			}
			clients.Wait()
		},
	}
}
