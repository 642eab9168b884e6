package serve_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// wrapped is a ResponseWriter around another, as middleware makes it.
type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// afterAnswer sends a request and, when it has been answered, the body.
func afterAnswer(head, body string) func(p *peer) {
	return func(p *peer) {
		p.ask(head)
		p.send(body)
	}
}

// controls are what http.ResponseController does.
func controls() []promise {
	get := request("GET")
	through := func(h handler) handler {
		return func(n *notes, w http.ResponseWriter, r *http.Request) { h(n, wrapped{wrapped{w}}, r) }
	}
	late := time.Unix(1, 0)
	readLate := func(n *notes, w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		n.got("set", c.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
		k, err := r.Body.Read(make([]byte, 5))
		n.note("read %d, %s, timeout %v", k, kind(err), os.IsTimeout(err))
		io.WriteString(w, "answer")
	}
	return []promise{
		{name: "control: read deadline in a body", play: afterAnswer(request("POST", "Content-Length: 5"), "hello"), handler: readLate, has: []string{"deadline exceeded"}},
		{name: "control: read deadline in chunks", play: afterAnswer(request("POST", "Transfer-Encoding: chunked"), hello+"0\r\n\r\n"), handler: readLate, has: []string{"deadline exceeded"}},
		{name: "control: read deadline by wrappers", play: afterAnswer(request("POST", "Content-Length: 5"), "hello"), handler: through(readLate), has: []string{"deadline exceeded"}},
		{name: "control: read deadline in the past", play: afterAnswer(request("POST", "Content-Length: 5"), "hello"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.got("set", http.NewResponseController(w).SetReadDeadline(late))
			_, err := r.Body.Read(make([]byte, 5))
			n.got("read", err)
		}},
		{name: "control: read deadline does not outlive its request", calls: 2, play: func(p *peer) {
			p.ask(post("hello"))
			p.ask(post("hello"))
		}, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.read(r.Body)
			n.got("set", http.NewResponseController(w).SetReadDeadline(time.Now().Add(longest)))
		}},
		{name: "control: read deadline passes without a body", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.got("set", http.NewResponseController(w).SetReadDeadline(late))
			n.done("the context", r.Context().Done())
			n.note("context: %v", r.Context().Err())
			io.WriteString(w, "answer")
		}},
		{name: "control: read deadline taken back", request: post("hello"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			c := http.NewResponseController(w)
			n.got("set", c.SetReadDeadline(time.Now().Add(longest)))
			n.got("set", c.SetReadDeadline(time.Time{}))
			n.read(r.Body)
		}},
		{name: "control: write deadline in the past", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.got("set", http.NewResponseController(w).SetWriteDeadline(late))
			n.wrote(io.WriteString(w, "lost"))
			n.got("flush", http.NewResponseController(w).Flush())
		}, has: []string{"deadline exceeded", "closed"}},
		{name: "control: write deadline and a large write", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.got("set", http.NewResponseController(w).SetWriteDeadline(late))
			_, err := io.WriteString(w, pattern(100_000))
			n.got("write", err)
			_, err = io.WriteString(w, pattern(100_000))
			n.got("write again", err)
		}, has: []string{"deadline exceeded"}},
		{name: "control: write deadline and a file", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.got("set", http.NewResponseController(w).SetWriteDeadline(late))
			w.Header().Set("Content-Length", "9000")
			f, err := n.file(9000)
			n.got("open", err)
			_, err = io.Copy(w, f)
			n.note("failed: %v", err != nil)
		}},
		{name: "control: write deadline and a client that takes nothing", handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.got("set", http.NewResponseController(w).SetWriteDeadline(time.Now().Add(50*time.Millisecond)))
			var err error
			for range 10_000 {
				if _, err = io.WriteString(w, pattern(64<<10)); err != nil {
					break
				}
			}
			n.got("write", err)
			n.open("over")
		}, play: func(p *peer) {
			p.send(get)
			p.n.await("over")
			p.leave()
		}, has: []string{"deadline exceeded"}},
		{name: "control: write deadline does not outlive its request", calls: 2, play: func(p *peer) {
			p.ask(requestFor("GET", "/first"))
			p.ask(requestFor("GET", "/second"))
		}, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.got("set", http.NewResponseController(w).SetWriteDeadline(time.Now().Add(longest)))
			n.wrote(io.WriteString(w, "hello"))
		}},
		{name: "control: flush by wrappers", request: get, handler: through(func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.wrote(io.WriteString(w, "hello"))
			n.got("flush", http.NewResponseController(w).Flush())
		}), has: []string{"chunked"}},
		{name: "control: hijack by wrappers", handler: through(taking(speak)), play: func(p *peer) {
			p.send(request("GET", "Connection: Upgrade", "Upgrade: own"))
			p.until("\r\n\r\n")
			p.send("bye\n")
			p.rest()
		}, has: []string{"HTTP/1.1 101"}},
		{name: "control: after a hijack", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			taking(func(n *notes, c net.Conn, rw *bufio.ReadWriter) {
				control := http.NewResponseController(w)
				n.got("read deadline", control.SetReadDeadline(time.Now().Add(longest)))
				n.got("write deadline", control.SetWriteDeadline(time.Now().Add(longest)))
				io.WriteString(c, "raw")
			})(n, w, r)
		}},
		{name: "control: what is not supported", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			c := http.NewResponseController(struct{ http.ResponseWriter }{w})
			n.got("flush", c.Flush())
			n.note("unsupported: %v", errors.Is(c.EnableFullDuplex(), http.ErrNotSupported))
		}},
	}
}

// duplexes are answers that go out while the body comes in.
func duplexes() []promise {
	turns := func(n *notes, w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		n.got("duplex", c.EnableFullDuplex())
		lines := bufio.NewReader(r.Body)
		for {
			line, err := lines.ReadString('\n')
			n.note("heard %q, %s", line, kind(err))
			if err != nil {
				return
			}
			fmt.Fprintf(w, "you said %s", line)
			n.got("flush", c.Flush())
		}
	}
	crowd := func(n *notes, w http.ResponseWriter, r *http.Request) {
		n.got("duplex", http.NewResponseController(w).EnableFullDuplex())
		var work sync.WaitGroup
		var turn sync.Mutex
		for range 4 {
			work.Go(func() {
				for range 50 {
					turn.Lock()
					io.WriteString(w, strings.Repeat("x", 99)+"\n")
					w.(http.Flusher).Flush()
					turn.Unlock()
				}
			})
		}
		work.Go(func() { n.read(r.Body) })
		work.Wait()
	}
	return []promise{
		{name: "duplex: turns", handler: turns, play: func(p *peer) {
			p.send(request("POST", "Transfer-Encoding: chunked"))
			for i := range 5 {
				line := fmt.Sprintf("line %d\n", i)
				p.send(fmt.Sprintf("%x\r\n%s\r\n", len(line), line))
				p.until("you said " + line)
			}
			p.send("0\r\n\r\n")
			p.answer("POST")
		}, has: []string{"kept"}},
		{name: "duplex: turns with a length", handler: turns, play: func(p *peer) {
			p.send(request("POST", "Content-Length: 8") + "one\n")
			p.until("you said one\n")
			p.send("two\n")
			p.answer("POST")
		}},
		{name: "duplex: turns after 100", handler: turns, play: func(p *peer) {
			p.send(request("POST", "Content-Length: 8", "Expect: 100-continue"))
			p.until("100 Continue\r\n\r\n")
			p.send("one\n")
			p.until("you said one\n")
			p.send("two\n")
			p.answer("POST")
		}},
		{name: "duplex: many write, one reads", handler: crowd, play: func(p *peer) {
			go p.send(post(pattern(100_000)))
			p.answer("POST")
		}, has: []string{"kept"}},
		{name: "duplex: body left", request: post("hello"), handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.got("duplex", http.NewResponseController(w).EnableFullDuplex())
			io.WriteString(w, "answer")
			w.(http.Flusher).Flush()
			b := make([]byte, 2)
			k, err := r.Body.Read(b)
			n.note("%q, %s", b[:k], kind(err))
		}},
		{name: "duplex: body read after the answer", handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.got("duplex", http.NewResponseController(w).EnableFullDuplex())
			w.Header().Set("Content-Length", "6")
			io.WriteString(w, "answer")
			w.(http.Flusher).Flush()
			n.read(r.Body)
		}, play: func(p *peer) {
			p.send(request("POST", "Content-Length: 5"))
			p.until("answer")
			p.send("hello")
			p.answer("POST")
		}, has: []string{`read "hello", <nil>`}},
	}
}
