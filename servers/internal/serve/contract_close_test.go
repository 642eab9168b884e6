package serve_test

import (
	"fmt"
	"io"
	"net/http"
)

// closings are who ends the connection, and how it is said.
func closings() []promise {
	answers := map[string]handler{
		"hello": sets(nil),
		"close": sets(http.Header{"Connection": {"close"}}), "Close": sets(http.Header{"Connection": {"Close"}}),
		"keep-alive": sets(http.Header{"Connection": {"keep-alive"}}), "close in a list": sets(http.Header{"Connection": {"a, close"}}),
		"close second": sets(http.Header{"Connection": {"a", "close"}}), "upgrade": sets(http.Header{"Connection": {"upgrade"}}),
		"keep-alive with a length": sets(http.Header{"Connection": {"keep-alive"}, "Content-Length": {"5"}}),
		"connection suppressed":    sets(http.Header{"Connection": nil}),
		"nothing":                  func(*notes, http.ResponseWriter, *http.Request) {},
		"much":                     func(n *notes, w http.ResponseWriter, r *http.Request) { io.WriteString(w, pattern(9000)) },
		"close, flushed": func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "close")
			w.(http.Flusher).Flush()
			io.WriteString(w, "hello")
		},
		"close after the header": func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(200)
			w.Header().Set("Connection", "close")
			io.WriteString(w, "hello")
		},
	}
	var all []promise
	for answer, h := range answers {
		for ask, request := range map[string]string{
			"1.1":                       request("GET"),
			"1.1 close":                 request("GET", "Connection: close"),
			"1.1 Close":                 request("GET", "connection: CLOSE"),
			"1.1 close in a list":       request("GET", "Connection: a, close , b"),
			"1.1 close second":          request("GET", "Connection: a", "Connection: close"),
			"1.1 keep-alive":            request("GET", "Connection: keep-alive"),
			"1.0":                       old("GET"),
			"1.0 keep-alive":            old("GET", "Connection: keep-alive"),
			"1.0 keep-alive in a list":  old("GET", "Connection: a, Keep-Alive"),
			"1.0 close":                 old("GET", "Connection: close"),
			"1.0 keep-alive and host":   old("GET", "Host: h", "Connection: keep-alive"),
			"1.0 keep-alive HEAD":       old("HEAD", "Connection: keep-alive"),
			"1.1 keep-alive and closed": request("GET", "Connection: keep-alive, close"),
		} {
			all = append(all, promise{name: fmt.Sprintf("connection: %s to %s", answer, ask), request: request, handler: h})
		}
	}
	return all
}

// trailers are fields after a body.
func trailers() []promise {
	announced := func(names string, set http.Header, body string) handler {
		return func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", names)
			n.wrote(io.WriteString(w, body))
			for key, values := range set {
				w.Header()[key] = values
			}
		}
	}
	prefixed := func(flush bool, body string) handler {
		return func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.wrote(io.WriteString(w, body))
			if flush {
				w.(http.Flusher).Flush()
			}
			w.Header().Set(http.TrailerPrefix+"P", "1")
			w.Header().Set("Q", "not announced")
		}
	}
	get := request("GET")
	ab := http.Header{"A": {"1"}, "B": {"2", "3"}}
	withLength := func(n *notes, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		announced("A, B", ab, "hello")(n, w, r)
	}
	return []promise{
		{name: "trailers announced", request: get, handler: announced("A, B", ab, "hello"), has: []string{"> Trailer: A, B", "> B: 3"}},
		{name: "trailers announced, no body", request: get, handler: announced("A, B", ab, "")},
		{name: "trailers announced, large", request: get, handler: announced("A, B", ab, pattern(9000))},
		{name: "trailers announced in two fields", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header()["Trailer"] = []string{"B", " ,A,, C"}
			io.WriteString(w, "hello")
			w.Header().Set("A", "1")
			w.Header().Set("B", "2")
		}},
		{name: "trailers announced in other spelling", request: get, handler: announced("a, x-b", http.Header{"A": {"1"}, "X-B": {"2"}}, "hello")},
		{name: "trailers announced and not set", request: get, handler: announced("A", nil, "hello")},
		{name: "trailers set and not announced", request: get, handler: announced("A", http.Header{"C": {"1"}}, "hello")},
		{name: "trailers that may not be", request: get, handler: announced("Content-Length, Trailer, Transfer-Encoding, A", http.Header{"Content-Length": {"1"}, "A": {"1"}}, "hello")},
		{name: "trailers set before the body too", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "A")
			w.Header().Set("A", "early")
			io.WriteString(w, "hello")
			w.Header().Set("A", "late")
		}},
		{name: "trailers with line ends", request: get, handler: announced("A", http.Header{"A": {"1\r\nB: 2"}}, "hello")},
		{name: "trailers with a length", request: get, handler: withLength},
		{name: "trailers to HEAD", request: request("HEAD"), handler: announced("A, B", ab, "hello")},
		{name: "trailers to 1.0", request: old("GET"), handler: announced("A, B", ab, "hello")},
		{name: "trailers to 1.0 keep-alive", request: old("GET", "Connection: keep-alive"), handler: announced("A, B", ab, "hello")},
		{name: "trailers with a prefix, short body", request: get, handler: prefixed(false, "hello")},
		{name: "trailers with a prefix, no body", request: get, handler: prefixed(false, "")},
		{name: "trailers with a prefix, flushed", request: get, handler: prefixed(true, "hello"), has: []string{"> P: 1"}},
		{name: "trailers with a prefix, large", request: get, handler: prefixed(false, pattern(9000)), has: []string{"> P: 1"}},
		{name: "trailers with a prefix to 1.0", request: old("GET"), handler: prefixed(true, "hello")},
		{name: "trailers with a prefix before the body", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set(http.TrailerPrefix+"P", "1")
			io.WriteString(w, "hello")
		}},
		{name: "trailers of both kinds", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "B")
			io.WriteString(w, "hello")
			w.(http.Flusher).Flush()
			w.Header().Set("B", "2")
			w.Header().Set(http.TrailerPrefix+"A", "1")
		}},
		{name: "trailers of 204", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "A")
			w.WriteHeader(204)
			w.Header().Set("A", "1")
		}},
	}
}
