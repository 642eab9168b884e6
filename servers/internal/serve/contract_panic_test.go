package serve_test

import (
	"errors"
	"io"
	"net/http"
)

// panics end their connection and are logged, but for one.
func panics() []promise {
	thrown := func(v any, body string, flush bool) handler {
		return func(n *notes, w http.ResponseWriter, r *http.Request) {
			if body != "" {
				n.wrote(io.WriteString(w, body))
			}
			if flush {
				w.(http.Flusher).Flush()
			}
			panic(v)
		}
	}
	get := request("GET")
	nested := func(n *notes, w http.ResponseWriter, r *http.Request) {
		defer func() { panic("again") }()
		panic("first")
	}
	return []promise{
		{name: "panic before a write", request: get, handler: thrown("oops", "", false), has: []string{"log http: panic serving <address>: oops (with the stack)", "closed"}},
		{name: "panic with an error", request: get, handler: thrown(errors.New("an error"), "", false), has: []string{"an error"}},
		{name: "panic after a write", request: get, handler: thrown("oops", "hello", false)},
		{name: "panic after a flush", request: get, handler: thrown("oops", "hello", true), has: []string{"hello"}},
		{name: "panic after a flush of the head", request: get, handler: thrown("oops", "", true)},
		{name: "panic after the whole answer", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "5")
			thrown("oops", "hello", true)(n, w, r)
		}},
		{name: "panic to abort", request: get, handler: thrown(http.ErrAbortHandler, "", false), has: []string{"closed"}},
		{name: "panic to abort after a write", request: get, handler: thrown(http.ErrAbortHandler, "hello", false)},
		{name: "panic to abort after a flush", request: get, handler: thrown(http.ErrAbortHandler, "hello", true), has: []string{"hello"}},
		{name: "panic to abort, wrapped", request: get, handler: thrown(errors.Join(http.ErrAbortHandler), "", false)},
		{name: "panic in a panic", request: get, handler: nested},
		{name: "panic with nil", request: get, handler: func(*notes, http.ResponseWriter, *http.Request) { panic(nil) }},
		{name: "panic with a body unread", request: post("hello"), handler: thrown("oops", "", false)},
		{name: "panic in 1.0", request: old("GET"), handler: thrown("oops", "hello", true)},
		{name: "panic recovered by the handler", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			defer func() { http.Error(w, "sorry", 500); recover() }()
			panic("oops")
		}, has: []string{"kept"}},
		{name: "panic before the next request", handler: thrown("oops", "", false), play: func(p *peer) {
			p.send(get + requestFor("GET", "/never"))
			p.answer("GET")
		}},
		{name: "panic after a hijack", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			n.got("hijack", err)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
			c.Close()
			panic(http.ErrAbortHandler)
		}},
	}
}

// lateWrites are a handler's fault: it uses its ResponseWriter while the next request is already with its own handler. That
// must do no harm to the next answer. Bodies are short here, because net/http has given larger buffers to others by then.
func lateWrites() []promise {
	const requests = 20
	late := func(n *notes, w http.ResponseWriter, r *http.Request) {
		n.wrote(io.WriteString(w, "late"))
		n.wrote(w.Write(nil))
		w.Header().Set("Late", "yes")
		w.WriteHeader(http.StatusTeapot)
		k, err := r.Body.Read(make([]byte, 10))
		n.note("read %d, failed %v", k, err != nil)
	}
	return []promise{{name: "writes after the handler", calls: requests, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
		select {
		case before := <-n.later:
			before()
		default:
		}
		io.WriteString(w, r.RequestURI)
		n.later <- func() { late(n, w, r) }
	}, play: func(p *peer) {
		for range requests / 2 {
			p.ask(post("hello"))
			p.ask(requestFor("GET", "/next"))
		}
	}, has: []string{"wrote 0, ErrContentLength", "kept"}}}
}
