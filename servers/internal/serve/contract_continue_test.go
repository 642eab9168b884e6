package serve_test

import (
	"io"
	"net/http"
)

// continues are answers to Expect: 100-continue.
func continues() []promise {
	const expect = "Expect: 100-continue"
	ask := request("POST", expect, "Content-Length: 5")
	read := func(n *notes, w http.ResponseWriter, r *http.Request) {
		n.read(r.Body)
		io.WriteString(w, "read")
	}
	waiting := func(name string, h handler, ask, body string) promise {
		return promise{name: "continue: " + name, handler: h, play: func(p *peer) {
			p.send(ask)
			p.until("\r\n\r\n")
			p.send(body)
			p.answer("POST")
		}, has: []string{"> HTTP/1.1 100 Continue"}}
	}
	return []promise{
		waiting("body read", read, ask, "hello"),
		waiting("body read in chunks", read, request("POST", expect, "Transfer-Encoding: chunked"), hello+"0\r\n\r\n"),
		waiting("body read in part", func(n *notes, w http.ResponseWriter, r *http.Request) {
			b := make([]byte, 2)
			_, err := io.ReadFull(r.Body, b)
			n.note("%q, %s", b, kind(err))
			io.WriteString(w, "read")
		}, ask, "hello"),
		waiting("sent by the handler", func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(100)
			read(n, w, r)
		}, ask, "hello"),
		waiting("sent by the handler with fields", func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("A", "b")
			w.WriteHeader(100)
			read(n, w, r)
		}, ask, "hello"),
		waiting("after early hints", func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(103)
			read(n, w, r)
		}, ask, "hello"),
		waiting("in other letters", read, request("POST", "expect: 100-Continue", "Content-Length: 5"), "hello"),
		waiting("and close", read, request("POST", expect, "Content-Length: 5", "Connection: close"), "hello"),
		{name: "continue: length zero", request: request("POST", expect, "Content-Length: 0"), handler: read},
		{name: "continue: no body", request: request("GET", expect), handler: read},
		{name: "continue: 1.0", request: old("POST", expect, "Content-Length: 5") + "hello", handler: read},
		{name: "continue: not wanted", play: func(p *peer) {
			p.ask(ask)
			p.send("hello")
		}, handler: sets(nil)},
		{name: "continue: not wanted, with an error", play: func(p *peer) {
			p.ask(ask)
			p.send("hello")
		}, handler: func(n *notes, w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusForbidden) }},
		{name: "continue: not wanted, and closed", request: ask, handler: sets(http.Header{"Connection": {"close"}})},
		{name: "continue: closed without a read", play: func(p *peer) {
			p.send(ask)
			p.n.await("running")
			p.send("hello")
			p.answer("POST")
		}, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.open("running")
			n.got("close", r.Body.Close())
			n.read(r.Body)
		}},
		{name: "continue: read after the answer", play: func(p *peer) {
			p.send(ask)
			p.until("\r\n\r\n")
			p.send("hello")
			p.answer("POST")
		}, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			n.read(r.Body)
		}},
		{name: "continue: the body is there", request: ask + "hello", handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.read(r.Body)
		}},
	}
}
