package servertest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/limits"
)

// http3LimitCases are the limits that clients of HTTP/1.1 test with bytes of their own (reference: servers.md, 3.1). The line
// of HTTP/1.1 is the method, the scheme, the host and the path here, as in Kestrel.
func http3LimitCases() group {
	const short = 200 * time.Millisecond
	small := func(c *Config) {
		c.Limits = limits.Limits{MaxRequestLineSize: 100, MaxRequestHeaderCount: 5, MaxRequestHeadersTotalSize: 450}
		c.Limits.HTTP3.MaxRequestHeaderFieldSize = 50
	}
	rate := func(c *Config) {
		c.Limits.MinRequestBodyDataRate = limits.DataRate{BytesPerSecond: 1000, GracePeriod: short}
	}
	status := func(path string, fields, size, status int) func(*env) {
		return func(e *env) {
			s := e.serve(func(w http.ResponseWriter, _ *http.Request) {}, small)
			req := s.request(http.MethodGet, path, nil)
			req.Header.Set("User-Agent", "")
			for i := range fields {
				req.Header.Set(fmt.Sprint("X-", i), strings.Repeat("a", size))
			}
			s.do(req).want(e, status, "")
			s.get("/").want(e, 200, "") // the connection goes on
		}
	}
	return group{
		"limit/line":             status("/"+strings.Repeat("a", 50), 0, 0, 200),
		"limit/line-414":         status("/"+strings.Repeat("a", 100), 0, 0, 414),
		"limit/header-count":     status("/", 4, 1, 200),
		"limit/header-count-431": status("/", 6, 1, 431),
		"limit/header-field-431": status("/", 1, 50, 431),
		"limit/header-size-431":  status("/", 4, 45, 431), // each field counts 32 bytes more (RFC 9114, 4.2.2)
		"limit/connections": func(e *env) { // those of HTTP/3 count with the others
			s := e.serve(whoAsks, func(c *Config) { c.Limits.MaxConcurrentConnections = 1 })
			s.get("/1").want(e, 200, "/1")
			if a := s.asksByHTTP3(e.ctx, s.url()); a.cut == nil {
				e.Errorf("a second connection: got %d %q", a.StatusCode, a.body)
			}
			s.dial().closed()
			s.get("/2").want(e, 200, "/2")
		},
		"idle": func(e *env) { // a connection without requests, whose client is there and says so now and then
			s := e.serve(whoAsks, func(c *Config) { c.Limits.KeepAliveTimeout = short })
			config := e.certificate.client()
			config.NextProtos = []string{"h3"}
			c, err := newQUICDialer(e).dial(e.ctx, host(e, s.url()), config, &quic.Config{KeepAlivePeriod: short / 4})
			if err != nil {
				e.Fatal(err)
			}
			receive(e, c.Context().Done(), "for the connection to be closed")
		},
		"slow-body-408": func(e *env) {
			s := e.serve(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }, rate)
			body, out := io.Pipe()
			defer out.Close()
			s.do(s.request(http.MethodPost, "/", body)).want(e, 408, "")
		},
		"slow-body-allowed": func(e *env) { // by its handler, while another is too slow
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				if f, ok := feature.Get[feature.DataRates](r.Context()); ok && r.URL.Path == "/slow" {
					f.SetMinRequestBodyDataRate(limits.DataRate{BytesPerSecond: -1})
				}
				whoAsks(w, r)
			}, rate)
			allowed, out := io.Pipe()
			other, never := io.Pipe()
			defer never.Close()
			done := make(chan answer, 1)
			req := s.request(http.MethodPost, "/slow", allowed)
			go func() { done <- s.try(req) }()
			io.WriteString(out, "hello")
			s.do(s.request(http.MethodPost, "/other", other)).want(e, 408, "")
			io.WriteString(out, "world")
			out.Close()
			a := receive(e, done, "for the answer")
			a.want(e, 200, "/slow")
		},
		"slow-body-after-response": func(e *env) { // too late for 408: the stream is reset
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				http.NewResponseController(w).Flush()
				io.Copy(w, r.Body)
			}, rate, func(c *Config) { c.Limits.MinRequestBodyDataRate.GracePeriod = 10 * short }) // an app behind a front is to answer first
			body, out := io.Pipe()
			defer out.Close()
			resp := s.open(s.request(http.MethodPost, "/", body))
			if a := read(resp); a.StatusCode != 200 || a.cut == nil {
				e.Errorf("got %d and a whole answer: %q", a.StatusCode, a.body)
			}
		},
		"slow-response-cut-off": func(e *env) { // the client takes nothing
			ended := make(chan error, 1)
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				_, err := io.Copy(w, newCounter())
				ended <- err
			}, func(c *Config) {
				c.Limits.MinResponseDataRate = limits.DataRate{BytesPerSecond: 1 << 40, GracePeriod: short}
			})
			resp := s.open(s.request(http.MethodGet, "/", nil))
			if err := receive(e, ended, "for the response to be cut off"); err == nil {
				e.Error("an endless response has ended")
			}
			if a := read(resp); a.cut == nil {
				e.Error("the client takes it for whole")
			}
		},
	}
}
