package serve_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// sets is a handler that sets fields and writes hello.
func sets(fields http.Header) handler {
	return func(n *notes, w http.ResponseWriter, r *http.Request) {
		for key, values := range fields {
			w.Header()[key] = values
		}
		n.wrote(io.WriteString(w, "hello"))
	}
}

func many() http.Header {
	h := http.Header{}
	for i := range 60 {
		h[fmt.Sprintf("X-%02d", i*37%60)] = []string{fmt.Sprint(i), "again"}
	}
	return h
}

// headers are what becomes of the fields that a handler sets.
func headers() []promise {
	get := request("GET")
	return []promise{
		{name: "fields are sorted", request: get, handler: sets(many()), has: []string{"> X-00: 0"}},
		{name: "a field with several values", request: get, handler: sets(http.Header{"A": {"1", "2", ""}})},
		{name: "a field without values", request: get, handler: sets(http.Header{"A": {}, "B": nil})},
		{name: "a key that is not canonical", request: get, handler: sets(http.Header{"x-lower": {"1"}, "X-Lower": {"2"}})},
		{name: "a key with a space", request: get, handler: sets(http.Header{"A B": {"1"}, "C": {"2"}})},
		{name: "a key with a line end", request: get, handler: sets(http.Header{"A\r\nB": {"1"}, "": {"3"}, "C:": {"2"}})},
		{name: "a value with line ends", request: get, handler: sets(http.Header{"A": {"1\r\nSmuggled: yes", "2\n", "\r3"}}), has: []string{"> A: 1  Smuggled: yes"}},
		{name: "a value with spaces around it", request: get, handler: sets(http.Header{"A": {"  1 \t"}})},
		{name: "a value beyond ASCII", request: get, handler: sets(http.Header{"A": {"é\x80\x00\x7f"}})},
		{name: "a long value", request: get, handler: sets(http.Header{"A": {pattern(10000)}})},
		{name: "date of the handler", request: get, handler: sets(http.Header{"Date": {"today"}}), has: []string{"> Date: today"}},
		{name: "date suppressed", request: get, handler: sets(http.Header{"Date": nil})},
		{name: "date empty", request: get, handler: sets(http.Header{"Date": {""}})},
		{name: "server and alt-svc", request: get, handler: sets(http.Header{"Server": {"own"}, "Alt-Svc": {"clear"}})},
		{name: "fields in other spelling", request: get, handler: sets(http.Header{"content-type": {"a/b"}, "content-length": {"3"}, "connection": {"close"}, "date": {"now"}})},
		{name: "header changed after WriteHeader", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("A", "before")
			w.WriteHeader(http.StatusAccepted)
			w.Header().Set("A", "after")
			w.Header().Set("B", "after")
			n.note("the map has A: %s", w.Header().Get("A"))
		}, has: []string{"> A: before", "note the map has A: after"}},
		{name: "header changed after a write", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("A", "before")
			io.WriteString(w, "hello")
			h.Set("A", "after")
			h.Set("Content-Type", "late/late")
		}},
		{name: "header first looked at after a write", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "hello")
			w.Header().Set("A", "after")
		}},
		{name: "header values changed in place after a write", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			values := []string{"before"}
			w.Header()["A"] = values
			io.WriteString(w, "hello")
			values[0] = "after"
		}},
		{name: "header changed after a flush", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("A", "before")
			w.(http.Flusher).Flush()
			w.Header().Set("A", "after")
			io.WriteString(w, "hello")
		}},
		{name: "header is empty at first", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.note("%d fields", len(w.Header()))
		}},
		{name: "header does not outlive its request", play: func(p *peer) {
			p.ask(requestFor("GET", "/1"))
			p.ask(requestFor("GET", "/2"))
		}, calls: 2, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.note("%d fields", len(w.Header()))
			w.Header().Set("X"+r.URL.Path[1:], "set")
		}},
	}
}

// sniffing is how a response gets its Content-Type.
func sniffing() []promise {
	writes := func(body string) handler {
		return func(n *notes, w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) }
	}
	get := request("GET")
	all := []promise{
		{name: "type of a body with a coding", request: get, handler: sets(http.Header{"Content-Encoding": {"gzip"}})},
		{name: "type of a body with an empty coding", request: get, handler: sets(http.Header{"Content-Encoding": {""}})},
		{name: "type suppressed", request: get, handler: sets(http.Header{"Content-Type": nil})},
		{name: "type empty", request: get, handler: sets(http.Header{"Content-Type": {""}})},
		{name: "type set", request: get, handler: sets(http.Header{"Content-Type": {"a/b"}}), has: []string{"> Content-Type: a/b"}},
		{name: "type of an error", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) { http.Error(w, "<p>bad", http.StatusBadRequest) }},
		{name: "type of a redirect", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) }},
		{name: "type of two short writes", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "<!DOC")
			io.WriteString(w, "TYPE html>")
		}, has: []string{"text/html"}},
		{name: "type of two flushed writes", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "<!DOC")
			w.(http.Flusher).Flush()
			io.WriteString(w, "TYPE html>")
		}, has: []string{"text/plain"}},
		{name: "type after an empty flush", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			io.WriteString(w, "<html>")
		}},
		{name: "type after an empty write and flush", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Write(nil)
			w.(http.Flusher).Flush()
			io.WriteString(w, "<html>")
		}},
	}
	for name, body := range map[string]string{
		"html": "<html>", "text": "text", "json": `{"a":1}`, "png": "\x89PNG\x0d\x0a\x1a\x0a", "binary": "\x00\x01", "empty": "",
		"html after 511 spaces": strings.Repeat(" ", 506) + "<html>", "html after 600 spaces": strings.Repeat(" ", 600) + "<html>",
		"large html": "<html>" + pattern(9000),
	} {
		all = append(all,
			promise{name: "type of " + name, request: get, handler: writes(body)},
			promise{name: "type of " + name + " to HEAD", request: request("HEAD"), handler: writes(body)})
	}
	return all
}

// statuses are what WriteHeader does.
func statuses() []promise {
	writes := func(code int) handler {
		return func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("A", "b")
			w.WriteHeader(code)
			n.wrote(io.WriteString(w, "hello"))
		}
	}
	var all []promise
	for _, code := range []int{200, 201, 203, 204, 205, 206, 299, 302, 304, 400, 404, 500, 599, 600, 999} {
		for _, method := range []string{"GET", "HEAD"} {
			all = append(all, promise{name: fmt.Sprintf("status %d to %s", code, method), request: request(method), handler: writes(code)})
		}
	}
	for _, code := range []int{-1, 0, 7, 99, 1000} {
		all = append(all, promise{
			name: fmt.Sprintf("status %d is no status", code), request: request("GET"), handler: writes(code),
			has: []string{"log http: panic serving <address>: invalid WriteHeader code", "closed"},
		})
	}
	for _, code := range []int{100, 102, 103, 150, 199} {
		all = append(all,
			promise{name: fmt.Sprintf("status %d goes before", code), request: request("GET"), handler: writes(code)},
			promise{name: fmt.Sprintf("status %d goes before in 1.0", code), request: old("GET"), handler: writes(code)})
	}
	return append(all, oddStatuses()...)
}

func oddStatuses() []promise {
	framed := func(code int) handler {
		return func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "5")
			w.Header().Set("Content-Type", "a/b")
			w.Header().Set("Transfer-Encoding", "chunked")
			w.WriteHeader(code)
			n.wrote(io.WriteString(w, "hello"))
			n.wrote(w.Write(nil))
		}
	}
	return []promise{
		{name: "204 with framing of the handler", request: request("GET"), handler: framed(204), has: []string{"ErrBodyNotAllowed"}},
		{name: "304 with framing of the handler", request: request("GET"), handler: framed(304), has: []string{"ErrBodyNotAllowed"}},
		{name: "304 with framing of the handler to HEAD", request: request("HEAD"), handler: framed(304)},
		{name: "304 keeps 1.0 alive", request: old("GET", "Connection: keep-alive"), handler: framed(304)},
		{name: "204 keeps 1.0 alive", request: old("GET", "Connection: keep-alive"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }},
		{name: "204 flushed", request: request("GET"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(204)
			n.got("flush", http.NewResponseController(w).Flush())
		}},
		{name: "101 without a hijack", handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "own")
			w.WriteHeader(101)
			n.wrote(io.WriteString(w, "hello"))
		}, request: request("GET", "Connection: Upgrade", "Upgrade: own")},
		{name: "superfluous WriteHeader", request: request("GET"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(201)
			w.WriteHeader(500)
			w.WriteHeader(-1)
			w.WriteHeader(103)
			io.WriteString(w, "hello")
		}, has: []string{"> HTTP/1.1 201", "log http: superfluous response.WriteHeader call from"}},
		{name: "WriteHeader after a write", request: request("GET"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "hello")
			w.WriteHeader(500)
		}, has: []string{"log http: superfluous"}},
		{name: "WriteHeader after a flush", request: request("GET"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			w.WriteHeader(500)
		}, has: []string{"> HTTP/1.1 200", "log http: superfluous"}},
		{name: "early hints twice", request: request("GET"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</a>; rel=preload")
			w.WriteHeader(103)
			w.Header().Add("Link", "</b>; rel=preload")
			w.Header().Set("Content-Length", "5")
			w.Header().Set("Content-Type", "a/b")
			w.Header().Set("Transfer-Encoding", "gzip")
			w.WriteHeader(103)
			w.Header().Del("Link")
			w.Header().Del("Transfer-Encoding")
			w.WriteHeader(200)
			io.WriteString(w, "hello")
		}, has: []string{"> HTTP/1.1 103 Early Hints"}},
		{name: "early hints are sent at once", handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(103)
			n.await("hints seen")
			io.WriteString(w, "hello")
		}, play: func(p *peer) {
			p.send(request("GET"))
			p.until("\r\n\r\n")
			p.n.open("hints seen")
			p.answer("GET")
		}},
		{name: "early hints with nothing after", request: request("HEAD"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(103)
		}},
		{name: "early hints with trailers and a date", request: request("GET"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "T")
			w.Header().Set("Date", "own")
			w.Header().Set("Connection", "close")
			w.WriteHeader(103)
			w.Header().Set("T", "1")
		}},
	}
}
