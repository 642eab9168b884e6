package servertest

// badCases are requests that Kestrel refuses, with its status (reference: servers.md, 3.8). The connection is closed, no
// handler is called, and the server goes on.
func badCases() group {
	g := group{}
	for name, c := range map[string]struct {
		request string
		status  int
	}{
		"no-host":                {"GET / HTTP/1.1\r\n\r\n", 400},
		"two-hosts":              {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
		"host-with-space":        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
		"host-and-target":        {"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", 400},
		"no-method":              {" / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"method-not-a-token":     {"GE(T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"no-target":              {"GET HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"target-without-slash":   {"GET a/b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"target-with-nul":        {"GET /a\x00b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"target-with-space":      {"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"target-asterisk":        {"GET * HTTP/1.1\r\nHost: h\r\n\r\n", 405},
		"no-version":             {"GET /\r\nHost: h\r\n\r\n", 400},
		"version-unknown":        {"GET / HTTP/9.9\r\nHost: h\r\n\r\n", 505},
		"version-not-http":       {"GET / SPDY/1.1\r\nHost: h\r\n\r\n", 505},
		"field-without-colon":    {"GET / HTTP/1.1\r\nHost: h\r\nfield\r\n\r\n", 400},
		"field-without-name":     {"GET / HTTP/1.1\r\nHost: h\r\n: value\r\n\r\n", 400},
		"field-space-in-name":    {"GET / HTTP/1.1\r\nHost: h\r\nX Y: z\r\n\r\n", 400},
		"field-folded":           {"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", 400},
		"field-with-nul":         {"GET / HTTP/1.1\r\nHost: h\r\nX: a\x00b\r\n\r\n", 400},
		"field-with-return":      {"GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", 400},
		"length-not-a-number":    {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: five\r\n\r\n", 400},
		"length-negative":        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n", 400},
		"length-too-many-digits": {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
		"tls-on-http":            {"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n", 400},
	} {
		g[name] = func(e *env) {
			s := e.serve(whoAsks)
			s.refuses(c.request, c.status)
			s.goesOn("/fine", "/fine")
		}
	}
	return g
}

// refuses has the server answer with an empty body and close the connection.
func (s *site) refuses(request string, status int) {
	s.Helper()
	w := s.dial()
	a := w.ask(request)
	a.want(s.env, status, "")
	if !a.Close {
		s.Error("the response does not say that the connection is closed")
		return
	}
	w.closed()
}
