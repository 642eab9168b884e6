package servertest

import (
	"io"
	"net/http"
	"strings"

	"github.com/gorun-dev/gorun/servers/limits"
)

// requestLimitCases are the limits on heads and on connections (reference: servers.md, 3.1).
func requestLimitCases() group {
	line := func(n int) string { // a request whose first line has n bytes
		return ask("/" + strings.Repeat("a", n-len("GET / HTTP/1.1\r\n")))
	}
	fields := func(n int) string { // and one with n fields
		return "GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("X: y\r\n", n-1) + "\r\n"
	}
	size := func(n int) string { // and one whose fields have n bytes
		return "GET / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("y", n-len("Host: h\r\nX: \r\n")) + "\r\n\r\n"
	}
	small := func(c *Config) {
		c.Limits = limits.Limits{MaxRequestLineSize: 100, MaxRequestHeaderCount: 5, MaxRequestHeadersTotalSize: 200}
	}
	status := func(request string, status int, edits ...func(*Config)) func(*env) {
		return func(e *env) {
			s := e.serve(func(w http.ResponseWriter, _ *http.Request) {}, edits...)
			if status != 200 {
				s.refuses(request, status)
				return
			}
			s.dial().ask(request).want(e, 200, "")
		}
	}
	return group{
		"limit/line":                     status(line(100), 200, small),
		"limit/line-414":                 status(line(101), 414, small),
		"limit/line-default":             status(line(8192), 200),
		"limit/line-default-414":         status(line(8193), 414),
		"limit/header-count":             status(fields(5), 200, small),
		"limit/header-count-431":         status(fields(6), 431, small),
		"limit/header-count-default":     status(fields(100), 200),
		"limit/header-count-default-431": status(fields(101), 431),
		"limit/header-size":              status(size(200), 200, small),
		"limit/header-size-431":          status(size(201), 431, small),
		"limit/header-size-default":      status(size(32_768), 200),
		"limit/header-size-default-431":  status(size(32_769), 431),
		"limit/body-413-closes": func(e *env) { // what is left of the body is no request
			s := e.serve(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) },
				func(c *Config) { c.Limits.MaxRequestBodySize = 10 })
			s.refuses("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nhello world", 413)
		},
		"limit/connections": func(e *env) { // one more is closed without an answer
			s := e.serve(whoAsks, func(c *Config) { c.Limits.MaxConcurrentConnections = 1 })
			first := s.dial()
			first.ask(ask("/1")).want(e, 200, "/1")
			s.dial().closed()
			first.ask(ask("/2")).want(e, 200, "/2")
		},
	}
}
