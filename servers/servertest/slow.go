package servertest

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/limits"
)

// slowCases are clients that keep the server waiting.
func slowCases() group {
	const short = 200 * time.Millisecond
	slow := func(c *Config) { c.Limits.RequestHeadersTimeout = short }
	rate := func(c *Config) {
		c.Limits.MinRequestBodyDataRate = limits.DataRate{BytesPerSecond: 1000, GracePeriod: short}
	}
	later := func(c *Config) { c.Limits.MinRequestBodyDataRate.GracePeriod = 10 * short } // an app behind a front is to answer first
	return group{
		"slow-head-408": func(e *env) {
			w := e.serve(whoAsks, slow).dial()
			w.ask("GET / HTTP/1.1\r\nHost: h\r\n").want(e, 408, "")
			w.closed()
		},
		"slow-line-408": func(e *env) {
			w := e.serve(whoAsks, slow).dial()
			w.ask("GET /").want(e, 408, "")
			w.closed()
		},
		"slow-second-head-408": func(e *env) {
			w := e.serve(whoAsks, slow).dial()
			w.ask(ask("/1")).want(e, 200, "/1")
			w.ask("GET /").want(e, 408, "")
			w.closed()
		},
		"slow-body-408": func(e *env) {
			w := e.serve(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }, rate).dial()
			w.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nhello").want(e, 408, "")
			w.closed()
		},
		"slow-chunks-408": func(e *env) {
			w := e.serve(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }, rate).dial()
			w.ask("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n").want(e, 408, "")
			w.closed()
		},
		"slow-body-allowed": func(e *env) { // by its handler, while another is too slow
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				if f, ok := feature.Get[feature.DataRates](r.Context()); ok && r.URL.Path == "/slow" {
					f.SetMinRequestBodyDataRate(limits.DataRate{BytesPerSecond: -1})
				}
				whoAsks(w, r)
			}, rate)
			allowed, other := s.dial(), s.dial()
			allowed.send("POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello")
			other.ask("POST /other HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello").want(e, 408, "")
			allowed.send("world")
			allowed.answer("POST").want(e, 200, "/slow")
		},
		"slow-body-forbidden": func(e *env) { // by its handler, where the server's rate would allow it
			w := e.serve(func(w http.ResponseWriter, r *http.Request) {
				if f, ok := feature.Get[feature.DataRates](r.Context()); ok {
					f.SetMinRequestBodyDataRate(limits.DataRate{BytesPerSecond: 1 << 30, GracePeriod: short})
				}
				whoAsks(w, r)
			}, func(c *Config) { c.Limits.MinRequestBodyDataRate.GracePeriod = time.Hour }).dial()
			w.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello").want(e, 408, "")
			w.closed()
		},
		"slow-body-after-response": func(e *env) { // too late for 408: the connection is closed
			w := e.serve(func(w http.ResponseWriter, r *http.Request) {
				c := http.NewResponseController(w)
				c.EnableFullDuplex()
				c.Flush()
				io.Copy(w, r.Body)
			}, rate, later).dial()
			w.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nhello")
			want(e, "status", w.line(), "HTTP/1.1 200 OK")
			if text := w.rest(); strings.HasSuffix(text, "0\r\n\r\n") {
				e.Errorf("the response looks whole: %q", text)
			}
		},
		"idle": func(e *env) { // closed without a word
			w := e.serve(whoAsks, func(c *Config) { c.Limits.KeepAliveTimeout = short }).dial()
			w.ask(ask("/1")).want(e, 200, "/1")
			w.closed()
		},
		"idle-from-the-start": func(e *env) {
			e.serve(whoAsks, func(c *Config) { c.Limits.KeepAliveTimeout = short }).dial().closed()
		},
		"slow-response-cut-off": func(e *env) { // the client takes nothing
			ended := make(chan error, 1)
			s := e.serve(func(w http.ResponseWriter, _ *http.Request) {
				_, err := io.Copy(w, newCounter())
				ended <- err
			}, func(c *Config) {
				c.Limits.MinResponseDataRate = limits.DataRate{BytesPerSecond: 1 << 40, GracePeriod: short}
			})
			s.dial().send("%s", ask("/"))
			if err := receive(e, ended, "for the response to be cut off"); err == nil {
				e.Error("an endless response has ended")
			}
		},
	}
}
