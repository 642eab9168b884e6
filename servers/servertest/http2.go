package servertest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

// http2Cases are what HTTP/2 has alone. The client is net/http's.
func http2Cases() group {
	return group{
		"streams/over-the-limit": func(e *env) { // the client is told the limit, waits or takes another connection
			var mu sync.Mutex
			running, most := map[string]int{}, 0
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				running[r.RemoteAddr]++
				most = max(most, running[r.RemoteAddr])
				mu.Unlock()
				io.WriteString(w, "done")
				http.NewResponseController(w).Flush()
				mu.Lock()
				running[r.RemoteAddr]--
				mu.Unlock()
			}, func(c *Config) { c.Limits.HTTP2.MaxStreamsPerConnection = 3 })
			s.get("/")
			var clients sync.WaitGroup
			for range 30 {
				clients.Go(func() {
					if a := s.try(s.request(http.MethodGet, "/", nil)); a.body != "done" {
						e.Errorf("got %q, %v", a.body, a.cut)
					}
				})
			}
			clients.Wait()
			mu.Lock() // handlers may still be about to return
			defer mu.Unlock()
			if most > 3 {
				e.Errorf("%d streams at once on one connection, want 3 at most", most)
			}
		},
	}
}

// h2cCases are about an endpoint that speaks HTTP/2 alone, without TLS (reference: servers.md, 3.7).
func h2cCases() group {
	hasTLS := func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.TLS != nil) }
	return group{
		"get": func(e *env) {
			a := e.serve(hasTLS).get("/")
			a.want(e, 200, "false")
			want(e, "protocol", a.Proto, "HTTP/2.0")
		},
		"upload": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, digest(r.Body)) })
			s.do(s.request(http.MethodPost, "/", pattern(large))).want(e, 200, digest(pattern(large)))
		},
		"streams":    multiplexedCases()["streams/parallel"],
		"trailers":   trailerCases()["trailer/response-unannounced"],
		"body-limit": bodyLimitCases()["body/limit-413"],
		"stop":       stopCases()["stop/running-request-finishes"],
		"cut-off":    stopCases()["stop/cut-off"],
		"address":    featureCases()["feature/local-and-remote"],
		"http1-refused": func(e *env) { // it is not served; 400 says why
			s := e.serve(hasTLS)
			w := s.dial()
			w.send("%s", ask("/"))
			if text := w.rest(); strings.Contains(text, "200 OK") || strings.Contains(text, "false") {
				e.Errorf("got %q", text)
			}
		},
		"not-beside-http1": func(e *env) { // with both protocols and no TLS it is HTTP/1.1 alone, and h2c is refused
			s := e.serve(hasTLS, func(c *Config) { c.Protocols = endpoint.HTTP1AndHTTP2 })
			s.fails(s.request(http.MethodGet, "/", nil))
			s.dial().ask(ask("/")).want(e, 200, "false")
		},
	}
}
