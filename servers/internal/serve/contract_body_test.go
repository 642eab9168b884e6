package serve_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

const hello = "5\r\nhello\r\n"

// reading notes the whole body and its trailers.
func reading(n *notes, w http.ResponseWriter, r *http.Request) {
	n.read(r.Body)
	n.note("trailer %v", r.Trailer)
	k, err := r.Body.Read(make([]byte, 1))
	n.note("then %d, %s", k, kind(err))
	n.got("close", r.Body.Close())
	k, err = r.Body.Read(make([]byte, 1))
	n.note("closed %d, %s", k, kind(err))
	n.got("close again", r.Body.Close())
	io.WriteString(w, "read")
}

// requestBodies are bodies that are read.
func requestBodies() []promise {
	slowly := func(name string, parts ...string) promise {
		return promise{name: "body: " + name, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			for i := range parts[1:] {
				n.open(fmt.Sprint(i))
				b := make([]byte, 5)
				k, err := io.ReadFull(r.Body, b)
				n.note("part %q, %s", b[:k], kind(err))
			}
			n.read(r.Body)
		}, play: func(p *peer) {
			p.send(parts[0])
			for i, part := range parts[1:] {
				p.n.await(fmt.Sprint(i))
				p.send(part)
			}
			p.answer("POST")
		}}
	}
	all := []promise{
		slowly("length in parts", request("POST", "Content-Length: 10"), "hello", "world"),
		slowly("chunks in parts", request("POST", "Transfer-Encoding: chunked"), hello, "5\r\nworld\r\n0\r\n\r\n"),
		slowly("a chunk in parts", request("POST", "Transfer-Encoding: chunked"), "a\r\nhello", "world\r\n0\r\n\r\n"),
		{name: "body: byte by byte", request: chunked(hello + "1\r\n!\r\n0\r\n\r\n"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			var b [1]byte
			for {
				k, err := r.Body.Read(b[:])
				if k > 0 {
					n.note("%q", b[:k])
				}
				if err != nil {
					n.got("end", err)
					return
				}
			}
		}},
		{name: "body: empty reads", request: post("hello"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			k, err := r.Body.Read(nil)
			n.note("%d, %s", k, kind(err))
			n.read(r.Body)
		}},
		{name: "body: closed and then read", request: post("hello"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.got("close", r.Body.Close())
			n.read(r.Body)
		}},
		{name: "body: read in part and closed", request: post("hello"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			b := make([]byte, 2)
			k, err := r.Body.Read(b)
			n.note("%q, %s", b[:k], kind(err))
			n.got("close", r.Body.Close())
			n.read(r.Body)
			io.WriteString(w, "closed")
		}},
		{name: "body: echoed", request: post(pattern(50_000)), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			n.got("read", err)
			n.wrote(w.Write(b))
		}},
		{name: "body: replaced by the handler", request: post("hello"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader("other"))
			n.read(r.Body)
			io.WriteString(w, "read")
		}},
		{name: "body: read after the handler", request: post("hello"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			body := r.Body
			n.later <- func() { n.read(body) }
		}, after: forgotten, has: []string{"ErrBodyReadAfterClose"}},
		{name: "body: none, read after the handler", request: request("GET"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			body := r.Body
			n.later <- func() { n.read(body) }
		}, after: forgotten},
	}
	for name, request := range map[string]string{
		"length": post("hello"), "length, large": post(pattern(300_000)), "length zero": request("POST", "Content-Length: 0"),
		"none": request("GET"), "none, 1.0": old("GET"), "length, 1.0": old("POST", "Content-Length: 5") + "hello",
		"length, 1.0 keep-alive": old("POST", "Content-Length: 5", "Connection: keep-alive") + "hello",
		"chunks":                 chunked(hello + "1\r\n!\r\n0\r\n\r\n"), "chunks, empty": chunked("0\r\n\r\n"),
		"chunks, large":         chunked("186a0\r\n" + pattern(100_000) + "\r\n186A0\r\n" + pattern(100_000) + "\r\n0\r\n\r\n"),
		"chunks with extension": chunked("5;a=b\r\nhello\r\n0;c\r\n\r\n"), "chunks with zeros": chunked("0005\r\nhello\r\n000\r\n\r\n"),
		"chunks with announced trailers": chunked(hello+"0\r\nA: 1\r\na: 2\r\nB: 3\r\n\r\n", "Trailer: A, C"),
		"chunks of a GET":                request("GET", "Transfer-Encoding: chunked") + hello + "0\r\n\r\n",
		"length and close":               post("hello", "Connection: close"),
	} {
		all = append(all, promise{name: "body read: " + name, request: request, handler: reading})
	}
	return all
}

// unreadBodies are bodies that the handler leaves.
func unreadBodies() []promise {
	var all []promise
	for _, size := range []int{1, 4000, 5000, 100_000, 256<<10 - 1, 256 << 10, 256<<10 + 1, 600_000} {
		for way, h := range map[string]handler{
			"unread": sets(nil),
			"read in part": func(n *notes, w http.ResponseWriter, r *http.Request) {
				r.Body.Read(make([]byte, 1))
				io.WriteString(w, "hello")
			},
			"unread, no answer":        func(n *notes, w http.ResponseWriter, r *http.Request) {},
			"unread, large answer":     func(n *notes, w http.ResponseWriter, r *http.Request) { io.WriteString(w, pattern(9000)) },
			"unread, handler's close":  sets(http.Header{"Connection": {"close"}}),
			"closed by the handler":    func(n *notes, w http.ResponseWriter, r *http.Request) { n.got("close", r.Body.Close()) },
			"unread, status and flush": func(n *notes, w http.ResponseWriter, r *http.Request) { w.WriteHeader(400); w.(http.Flusher).Flush() },
		} {
			play := func(request string) func(p *peer) {
				return func(p *peer) {
					sent := make(chan struct{})
					go func() { defer close(sent); p.send(request) }()
					p.answer("POST")
					if p.ended {
						p.rest()
						p.conn.Close()
					}
					<-sent
				}
			}
			all = append(all, promise{name: fmt.Sprintf("body of %d bytes %s", size, way), play: play(post(pattern(size))), handler: h})
			if size < 10_000 || way == "unread" {
				all = append(all, promise{
					name: fmt.Sprintf("chunk of %d bytes %s", size, way), handler: h,
					play: play(chunked(fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", size, pattern(size)))),
				})
			}
		}
	}
	return append(all, promise{name: "body read after the answer has begun", request: post("hello"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "answer")
		w.(http.Flusher).Flush()
		n.read(r.Body)
	}})
}

// brokenBodies end before they should, or are not what they should be.
func brokenBodies() []promise {
	cut := func(name, request string) promise {
		return promise{name: "body cut off: " + name, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.read(r.Body)
			k, err := r.Body.Read(make([]byte, 1))
			n.note("then %d, %s", k, kind(err))
			io.WriteString(w, "read")
		}, play: func(p *peer) {
			p.send(request)
			p.closeWrite()
			p.answer("POST")
		}}
	}
	bad := func(name, body string) promise {
		return promise{name: "bad chunks: " + name, request: chunked(body), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			n.note("failed: %v", err != nil)
			io.WriteString(w, "read")
		}}
	}
	return []promise{
		cut("length", request("POST", "Content-Length: 10")+"hello"),
		cut("length at once", request("POST", "Content-Length: 10")),
		cut("in a chunk", request("POST", "Transfer-Encoding: chunked")+"5\r\nhel"),
		cut("between chunks", request("POST", "Transfer-Encoding: chunked")+hello),
		cut("in the trailers", request("POST", "Transfer-Encoding: chunked")+hello+"0\r\nA: b\r\n"),
		bad("no size", hello+"\r\n"), bad("size no number", "x\r\n"), bad("size too long", "10000000000000000\r\n"), bad("no line end", "5\r\nhelloxx"),
	}
}

// bodyLimits are http.MaxBytesReader and its kin.
func bodyLimits() []promise {
	limited := func(n *notes, w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 5)
		_, err := io.ReadAll(r.Body)
		n.got("read", err)
		n.got("close", r.Body.Close())
		if err != nil {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		}
	}
	late := func(n *notes, w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		limited(n, w, r)
	}
	return []promise{
		{name: "MaxBytesReader: as much", request: post("hello"), handler: limited, has: []string{"kept"}},
		{name: "MaxBytesReader: one more", request: post("hello!"), handler: limited, has: []string{"more than 5 bytes", "Connection: close"}},
		{name: "MaxBytesReader: many more", request: post(pattern(3000)), handler: limited, has: []string{"Connection: close"}},
		{name: "MaxBytesReader: chunks", request: chunked("6\r\nhello!\r\n0\r\n\r\n"), handler: limited},
		{name: "MaxBytesReader: after the header", request: post("hello!"), handler: late},
		{name: "MaxBytesReader: no body", request: request("GET"), handler: limited},
		{name: "MaxBytesHandler", request: post("hello!"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			http.MaxBytesHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { n.read(r.Body) }), 5).ServeHTTP(w, r)
		}},
	}
}
