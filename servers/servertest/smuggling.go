package servertest

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// smugglingCases are requests whose end two servers might see at different places. Whatever the answer to the first is, what
// comes after it must never be served as a request.
func smugglingCases() group {
	const post = "POST /first HTTP/1.1\r\nHost: h\r\n"
	const hidden = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
	g := group{}
	for name, request := range map[string]string{
		"two-lengths":          post + "Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
		"length-list":          post + "Content-Length: 0, 5\r\n\r\n",
		"length-plus":          post + "Content-Length: +0\r\n\r\n",
		"length-hex":           post + "Content-Length: 0x0\r\n\r\n",
		"name-with-space":      post + "Content-Length : 35\r\n\r\n",
		"name-with-tab":        post + "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
		"coding-unknown":       post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"coding-not-last":      post + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
		"coding-identity":      post + "Transfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n",
		"coding-quoted":        post + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
		"coding-folded":        post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
		"coding-vertical-tab":  post + "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n",
		"coding-http10":        "POST /first HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"chunk-size-bad":       post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
		"chunk-size-negative":  post + "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
		"chunk-size-0x":        post + "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
		"chunk-size-overflow":  post + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n",
		"chunk-size-space":     post + "Transfer-Encoding: chunked\r\n\r\n 0\r\n\r\n",
		"chunk-end-missing":    post + "Transfer-Encoding: chunked\r\n\r\n1\r\nab0\r\n\r\n",
		"chunk-bare-return":    post + "Transfer-Encoding: chunked\r\n\r\n0\rX\r\n\r\n",
		"chunk-extension-line": post + "Transfer-Encoding: chunked\r\n\r\n0;a\nb\r\n\r\n",
		"empty-name":           post + ": x\r\n\r\n",
		"bare-return":          post + "X: a\rContent-Length: 35\r\n\r\n",
		"nul-in-name":          post + "Content-Length\x00: 35\r\n\r\n",
	} {
		g[name] = func(e *env) {
			s, served := e.noting()
			w := s.dial()
			w.send("%s", request+hidden)
			w.rest()
			s.goesOn("/fine", "/fine") // with the first request's handler done, if it had one
			if err := s.stop(); err != nil {
				e.Errorf("the server ended with %v", err)
			}
			if slices.Contains(served(), "/smuggled") {
				e.Errorf("it served %q", served())
			}
		}
	}
	g["length-and-chunks"] = func(e *env) { // chunks count (RFC 9112, 6.1), and nothing may follow them
		s, served := e.noting()
		w := s.dial()
		w.send("%s", post+"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+hidden)
		w.rest()
		s.goesOn("/fine", "/fine")
		if slices.Contains(served(), "/smuggled") {
			e.Errorf("it served %q", served())
		}
	}
	g["unread-body"] = func(e *env) { // that looks like a request
		s, served := e.noting()
		w := s.dial()
		body := strings.Repeat(hidden, 100)
		w.send("POST /unread HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		w.answer("POST").want(e, 200, "/unread")
		w.ask(ask("/second")).want(e, 200, "/second")
		if slices.Contains(served(), "/smuggled") {
			e.Errorf("it served %q", served())
		}
	}
	return g
}

// noting starts a server that remembers what it has served.
func (e *env) noting() (s *site, served func() []string) {
	e.Helper()
	var mu sync.Mutex
	var paths []string
	s = e.serve(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		paths = append(paths, r.URL.Path)
		mu.Unlock()
		if r.URL.Path == "/unread" {
			io.WriteString(w, r.URL.Path)
			return
		}
		whoAsks(w, r)
	})
	return s, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(paths)
	}
}
