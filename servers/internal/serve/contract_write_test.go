package serve_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// pattern is n bytes of text of which no part looks like another, at most a million.
func pattern(n int) string { return million()[:n] }

var million = sync.OnceValue(func() string {
	var b strings.Builder
	for i := range 1_000_000 / 8 {
		fmt.Fprintf(&b, "%07d ", i)
	}
	return b.String()
})

// bodySizes are what a handler writes, in the ways in which it is written, around the sizes at which framing changes.
func bodySizes() []promise {
	ways := []struct {
		name  string
		write func(n *notes, w http.ResponseWriter, body string)
	}{
		{"one write", func(n *notes, w http.ResponseWriter, body string) { n.wrote(w.Write([]byte(body))) }},
		{"one string", func(n *notes, w http.ResponseWriter, body string) { n.wrote(io.WriteString(w, body)) }},
		{"pieces", func(n *notes, w http.ResponseWriter, body string) {
			for len(body) > 0 {
				piece := body[:min(len(body), 700)]
				n.wrote(io.WriteString(w, piece))
				body = body[len(piece):]
			}
		}},
		{"status first", func(n *notes, w http.ResponseWriter, body string) {
			w.WriteHeader(http.StatusCreated)
			n.wrote(io.WriteString(w, body))
		}},
		{"length set", func(n *notes, w http.ResponseWriter, body string) {
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			n.wrote(io.WriteString(w, body))
		}},
		{"flush before", func(n *notes, w http.ResponseWriter, body string) {
			w.(http.Flusher).Flush()
			n.wrote(io.WriteString(w, body))
		}},
		{"flush after", func(n *notes, w http.ResponseWriter, body string) {
			n.wrote(io.WriteString(w, body))
			w.(http.Flusher).Flush()
		}},
	}
	var all []promise
	for _, way := range ways {
		for _, size := range []int{0, 1, 2047, 2048, 2049, 4095, 4096, 4097, 20000} {
			for _, ask := range []struct{ name, request string }{
				{"GET", request("GET")},
				{"HEAD", request("HEAD")},
				{"1.0", old("GET")},
				{"1.0 keep-alive", old("GET", "Connection: keep-alive")},
				{"close", request("GET", "Connection: close")},
			} {
				all = append(all, promise{
					name:    fmt.Sprintf("%s of %d bytes to %s", way.name, size, ask.name),
					request: ask.request,
					handler: func(n *notes, w http.ResponseWriter, r *http.Request) { way.write(n, w, pattern(size)) },
				})
			}
		}
	}
	return all
}

// lengths are what handlers say about the length and coding of what they write.
func lengths() []promise {
	say := func(field, value string, body ...string) handler {
		return func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set(field, value)
			for _, part := range body {
				n.wrote(io.WriteString(w, part))
			}
		}
	}
	const length, coding = "Content-Length", "Transfer-Encoding"
	both := func(n *notes, w http.ResponseWriter, r *http.Request) {
		w.Header().Set(coding, "chunked")
		say(length, "5", "hello")(n, w, r)
	}
	get := request("GET")
	return []promise{
		{name: "length too long", request: get, handler: say(length, "9", "hello"), has: []string{"Content-Length: 9", "closed"}},
		{name: "length too long, large", request: get, handler: say(length, "9000", pattern(5000)), has: []string{"closed"}},
		{name: "length and nothing written", request: get, handler: say(length, "5"), has: []string{"closed"}},
		{name: "length too short in one write", request: get, handler: say(length, "4", "hello"), has: []string{"ErrContentLength"}},
		{name: "length too short in the second write", request: get, handler: say(length, "5", "hello", " world"), has: []string{"wrote 0, ErrContentLength", "closed"}},
		{name: "length too short by a large write", request: get, handler: say(length, "5000", pattern(4000), pattern(4000))},
		{name: "length zero and a body", request: get, handler: say(length, "0", "hello"), has: []string{"ErrContentLength"}},
		{name: "length negative", request: get, handler: say(length, "-1", "hello"), has: []string{"log http: invalid Content-Length"}},
		{name: "length no number", request: get, handler: say(length, "five", "hello"), has: []string{"log http: invalid Content-Length"}},
		{name: "length with a plus", request: get, handler: say(length, "+5", "hello")},
		{name: "length with spaces", request: get, handler: say(length, " 5 ", "hello")},
		{name: "length empty", request: get, handler: say(length, "", "hello")},
		{name: "length beyond 64 bits", request: get, handler: say(length, "99999999999999999999", "hello")},
		{name: "length twice", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header()[length] = []string{"5", "6"}
			n.wrote(io.WriteString(w, "hello"))
		}},
		{name: "length changed after the header", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.Header().Set(length, "5")
			w.WriteHeader(http.StatusOK)
			w.Header().Set(length, "11")
			n.wrote(io.WriteString(w, "hello"))
			n.wrote(io.WriteString(w, " world"))
		}},
		{name: "length of a HEAD that writes nothing", request: request("HEAD"), handler: say(length, "12345"), has: []string{"Content-Length: 12345", "kept"}},
		{name: "length of a HEAD that writes more", request: request("HEAD"), handler: say(length, "4", "hello")},
		{name: "length of a HEAD that writes less", request: request("HEAD"), handler: say(length, "9", "hello"), has: []string{"kept"}},
		{name: "length in 1.0 keep-alive too long", request: old("GET", "Connection: keep-alive"), handler: say(length, "9", "hello")},
		{name: "length and chunked", request: get, handler: both, has: []string{"log http: WriteHeader called with both"}},
		{name: "length and chunked to HEAD", request: request("HEAD"), handler: both},
		{name: "length and chunked in 1.0", request: old("GET"), handler: both},
		{name: "coding chunked", request: get, handler: say(coding, "chunked", "hello"), has: []string{"> Transfer-Encoding: chunked"}},
		{name: "coding chunked, empty", request: get, handler: say(coding, "chunked")},
		{name: "coding chunked to HEAD", request: request("HEAD"), handler: say(coding, "chunked", "hello")},
		{name: "coding chunked in 1.0", request: old("GET"), handler: say(coding, "chunked", "hello")},
		{name: "coding identity", request: get, handler: say(coding, "identity", "hello"), has: []string{"Connection: close"}},
		{name: "coding identity, large", request: get, handler: say(coding, "identity", pattern(9000))},
		{name: "coding identity to HEAD", request: request("HEAD"), handler: say(coding, "identity", "hello")},
		{name: "coding identity in 1.0", request: old("GET"), handler: say(coding, "identity", "hello")},
		{name: "coding unknown", request: get, handler: say(coding, "gzip", "hello")},
		{name: "empty write alone", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) { n.wrote(w.Write(nil)) }},
		{name: "nothing at all", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {}, has: []string{"Content-Length: 0"}},
		{name: "nothing at all to HEAD", request: request("HEAD"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {}},
		{name: "status and nothing", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) { w.WriteHeader(404) }},
		{name: "flush shows what is written", handler: flushing, play: func(p *peer) {
			p.send(request("GET"))
			p.until("first")
			p.n.open("first seen")
			p.until("second")
			p.n.open("second seen")
			p.answer("GET")
		}},
		{name: "flush shows the head alone", handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.got("flush", http.NewResponseController(w).Flush())
			n.await("head seen")
			n.wrote(io.WriteString(w, "body"))
		}, play: func(p *peer) {
			p.send(request("GET"))
			p.until("\r\n\r\n")
			p.n.open("head seen")
			p.answer("GET")
		}},
		{name: "flush of a dead connection", handler: writeUntilError, play: func(p *peer) {
			p.send(request("GET"))
			p.until("\r\n\r\n")
			p.leave()
			p.n.open("left")
		}, has: []string{"note the client is gone"}},
	}
}

func flushing(n *notes, w http.ResponseWriter, r *http.Request) {
	n.wrote(io.WriteString(w, "first"))
	w.(http.Flusher).Flush()
	n.await("first seen")
	n.wrote(io.WriteString(w, "second"))
	n.got("flush", w.(interface{ FlushError() error }).FlushError())
	n.await("second seen")
}

// writeUntilError goes on until the client's end of the connection says that it is closed.
func writeUntilError(n *notes, w http.ResponseWriter, r *http.Request) {
	flush := http.NewResponseController(w).Flush
	n.got("first flush", flush())
	n.await("left")
	for start := time.Now(); time.Since(start) < longest; {
		if _, err := io.WriteString(w, pattern(4096)); err != nil {
			n.note("the client is gone")
			return
		}
		if err := flush(); err != nil {
			n.note("the client is gone")
			return
		}
	}
}
