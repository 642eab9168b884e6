package serve_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// contexts are what a request's context tells.
func contexts() []promise {
	gone := func(n *notes, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/read" {
			n.read(r.Body)
		}
		n.note("before: %v", r.Context().Err())
		n.open("running")
		n.done("the context", r.Context().Done())
		n.note("after: %v, %v", r.Context().Err(), context.Cause(r.Context()))
	}
	leaving := func(name, request string) promise {
		return promise{name: "context of a client that leaves: " + name, handler: gone, play: func(p *peer) {
			p.send(request)
			p.n.await("running")
			p.leave()
		}, has: []string{"note after: context canceled"}}
	}
	return []promise{
		leaving("no body", request("GET")),
		leaving("length zero", request("POST", "Content-Length: 0")),
		leaving("1.0", old("GET")),
		leaving("body read", requestFor("POST", "/read", "Content-Length: 5")+"hello"),
		leaving("chunks read", requestFor("POST", "/read", "Transfer-Encoding: chunked")+"5\r\nhello\r\n0\r\n\r\n"),
		{name: "context of a client that leaves: second request", calls: 2, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/second" {
				gone(n, w, r)
			}
		}, play: func(p *peer) {
			p.ask(request("GET"))
			p.send(requestFor("GET", "/second"))
			p.n.await("running")
			p.leave()
		}},
		{name: "context of a client that leaves: full duplex", handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.got("duplex", http.NewResponseController(w).EnableFullDuplex())
			gone(n, w, r)
		}, play: func(p *peer) {
			p.send(requestFor("POST", "/read", "Content-Length: 5") + "hello")
			p.n.await("running")
			p.leave()
		}},
		{name: "context of a client that has sent all", handler: gone, play: func(p *peer) {
			p.send(request("GET"))
			p.n.await("running")
			p.closeWrite()
			p.answer("GET")
		}},
		{name: "context ends with the handler", request: request("GET"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.note("during: %v", r.Context().Err())
			ctx := r.Context()
			n.later <- func() {
				n.done("the context", ctx.Done())
				n.note("after: %v", ctx.Err())
			}
		}, after: forgotten},
		{name: "context ends with a handler that panics", request: request("GET"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			n.later <- func() {
				n.done("the context", ctx.Done())
				n.note("after: %v", ctx.Err())
			}
			panic(http.ErrAbortHandler)
		}, after: forgotten},
		{name: "context of each request is its own", play: func(p *peer) {
			p.ask(request("GET"))
			p.ask(request("GET"))
		}, calls: 2, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.note("during: %v", r.Context().Err())
		}},
		{name: "context of a client that leaves: by CloseNotify", handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			gone := w.(interface{ CloseNotify() <-chan bool }).CloseNotify()
			n.open("running")
			select {
			case <-gone:
				n.note("gone")
			case <-time.After(longest):
				n.note("waited in vain")
			}
		}, play: func(p *peer) {
			p.send(request("GET"))
			p.n.await("running")
			p.leave()
		}, has: []string{"note gone"}},
		{name: "context values", request: request("GET"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
			n.note("server: %v", ok && server != nil)
			local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
			n.note("address: %v, %v, %T", ok, local, local)
			_, limited := r.Context().Deadline()
			n.note("deadline: %v", limited)
		}, has: []string{"note server: true", "note address: true"}},
	}
}

// pipelines are requests that come before the answers to others.
func pipelines() []promise {
	series := func(name string, ask func(i int) string, n int) promise {
		return promise{name: "pipeline: " + name, calls: n, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %s %d %s", r.Method, r.RequestURI, len(b), kind(err))
		}, play: func(p *peer) {
			var all strings.Builder
			for i := range n {
				all.WriteString(ask(i))
			}
			go p.send(all.String())
			for i := range n {
				method, _, _ := strings.Cut(ask(i), " ")
				p.answer(method)
			}
		}}
	}
	path := func(i int) string { return fmt.Sprintf("/%d", i) }
	return []promise{
		series("GETs", func(i int) string { return requestFor("GET", path(i)) }, 100),
		series("HEADs and GETs", func(i int) string { return requestFor([]string{"HEAD", "GET"}[i%2], path(i)) }, 20),
		series("bodies", func(i int) string { return post(pattern(i * 100)) }, 50),
		series("chunks", func(i int) string { return chunked(fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", i+1, pattern(i+1))) }, 50),
		series("large heads", func(i int) string { return requestFor("GET", path(i), "A: "+pattern(3000)) }, 20),
		series("all kinds", func(i int) string {
			return []string{requestFor("GET", path(i)), post(pattern(5000)), chunked("0\r\n\r\n"), requestFor("HEAD", path(i))}[i%4]
		}, 40),
		{name: "pipeline: nothing after close", play: func(p *peer) {
			p.send(request("GET", "Connection: close") + requestFor("GET", "/never"))
			p.answer("GET")
		}, handler: sets(nil)},
		{name: "pipeline: nothing after the handler's close", play: func(p *peer) {
			p.send(request("GET") + requestFor("GET", "/never"))
			p.answer("GET")
		}, handler: sets(http.Header{"Connection": {"close"}})},
		{name: "pipeline: one at a time", calls: 2, play: func(p *peer) {
			p.send(requestFor("GET", "/first") + requestFor("GET", "/second"))
			p.until("first")
			p.n.open("go on")
			p.answer("GET")
			p.answer("GET")
		}, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, r.URL.Path)
			w.(http.Flusher).Flush()
			if r.URL.Path == "/first" {
				n.await("go on")
				n.note("first ends: %v", r.Context().Err())
			}
		}},
	}
}
