package serve_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

// hijackRules are what may be done before and after a hijack.
func hijackRules() []promise {
	get := request("GET")
	raw := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
	return []promise{
		{name: "hijack: second", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			taking(func(n *notes, c net.Conn, rw *bufio.ReadWriter) {
				c2, rw2, err := w.(http.Hijacker).Hijack()
				n.note("%v %v %s", c2 == nil, rw2 == nil, kind(err))
				io.WriteString(c, raw)
			})(n, w, r)
		}, has: []string{"ErrHijacked"}},
		{name: "hijack: writes by the ResponseWriter", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			taking(func(n *notes, c net.Conn, rw *bufio.ReadWriter) {
				n.wrote(w.Write([]byte("lost")))
				n.wrote(io.WriteString(w, "lost"))
				n.wrote(w.Write(nil))
				w.WriteHeader(500)
				io.WriteString(c, raw)
			})(n, w, r)
		}, has: []string{"ErrHijacked", "log http: response.WriteHeader on hijacked connection"}},
		{name: "hijack: after WriteHeader", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(201)
			taking(func(n *notes, c net.Conn, rw *bufio.ReadWriter) { io.WriteString(c, raw) })(n, w, r)
		}},
		{name: "hijack: after a write", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "hello")
			taking(func(n *notes, c net.Conn, rw *bufio.ReadWriter) { io.WriteString(c, " raw") })(n, w, r)
		}},
		{name: "hijack: after a flush", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "hello")
			w.(http.Flusher).Flush()
			taking(func(n *notes, c net.Conn, rw *bufio.ReadWriter) { io.WriteString(c, "0\r\n\r\n") })(n, w, r)
		}},
		{name: "hijack: with a body unread", handler: taking(func(n *notes, c net.Conn, rw *bufio.ReadWriter) {
			b := make([]byte, 5)
			_, err := io.ReadFull(rw, b)
			n.note("heard %q, %s", b, kind(err))
			io.WriteString(c, raw)
		}), request: post("hello")},
		{name: "hijack: answered as a request that closes", request: get, handler: taking(func(n *notes, c net.Conn, rw *bufio.ReadWriter) {
			n.wrote(io.WriteString(rw, raw))
			n.got("flush", rw.Flush())
		})},
		{name: "hijack: buffers", request: get, handler: taking(func(n *notes, c net.Conn, rw *bufio.ReadWriter) {
			n.note("%d to read, %d to write, room %v", rw.Reader.Buffered(), rw.Writer.Buffered(), rw.Writer.Available() >= 4096)
			n.note("reads %v, writes %v", rw.Reader.Size() >= 16, rw.Writer.Size() >= 4096)
			io.WriteString(c, raw)
		})},
		{name: "hijack: addresses", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			taking(func(n *notes, c net.Conn, rw *bufio.ReadWriter) {
				n.note("remote %v", c.RemoteAddr().String() == n.client)
				n.note("local %v", c.LocalAddr() == r.Context().Value(http.LocalAddrContextKey))
				io.WriteString(c, raw)
			})(n, w, r)
		}},
		{name: "hijack: the context", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			taking(func(n *notes, c net.Conn, rw *bufio.ReadWriter) {
				n.note("during: %v", r.Context().Err())
				io.WriteString(c, raw)
				c.Close()
				n.note("closed: %v", r.Context().Err())
			})(n, w, r)
			n.later <- func() { n.done("the context", r.Context().Done()) }
		}, after: forgotten},
		{name: "hijack: the connection's type", request: get, handler: taking(func(n *notes, c net.Conn, rw *bufio.ReadWriter) {
			_, is := c.(*net.TCPConn)
			n.note("a *net.TCPConn: %v", is)
			io.WriteString(c, raw)
		})},
		{name: "hijack: no Content-Length is added", request: get, handler: taking(func(n *notes, c net.Conn, rw *bufio.ReadWriter) {})},
		{name: "hijack: deadlines are the handler's", handler: taking(deadlines), play: func(p *peer) {
			p.send(get)
			p.until("go")
			p.send("x")
			p.rest()
		}, has: []string{"deadline exceeded"}},
		{name: "hijack: deadlines set before", handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			c := http.NewResponseController(w)
			n.got("read deadline", c.SetReadDeadline(time.Now().Add(longest)))
			n.got("write deadline", c.SetWriteDeadline(time.Now().Add(longest)))
			taking(deadlines)(n, w, r)
		}, play: func(p *peer) {
			p.send(get)
			p.until("go")
			p.send("x")
			p.rest()
		}},
		{name: "hijack: deadlines passed before are cleared", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			n.got("write deadline", http.NewResponseController(w).SetWriteDeadline(time.Unix(1, 0)))
			taking(func(n *notes, c net.Conn, rw *bufio.ReadWriter) { n.wrote(io.WriteString(c, raw)) })(n, w, r)
		}},
		{name: "hijack: what has a ResponseWriter", request: get, handler: func(n *notes, w http.ResponseWriter, r *http.Request) {
			_, flusher := w.(http.Flusher)
			_, flushError := w.(interface{ FlushError() error })
			_, hijacker := w.(http.Hijacker)
			_, readerFrom := w.(io.ReaderFrom)
			_, stringWriter := w.(io.StringWriter)
			_, pusher := w.(http.Pusher)
			_, closeNotifier := w.(interface{ CloseNotify() <-chan bool })
			_, unwraps := w.(interface{ Unwrap() http.ResponseWriter })
			n.note("%v", []bool{flusher, flushError, hijacker, readerFrom, stringWriter, pusher, closeNotifier, unwraps})
		}},
	}
}

// deadlines end one read, and not the next.
func deadlines(n *notes, c net.Conn, rw *bufio.ReadWriter) {
	n.got("past", c.SetReadDeadline(time.Unix(1, 0)))
	_, err := rw.ReadByte()
	n.note("read: %s, by the system's name %v", kind(err), os.IsTimeout(err))
	n.got("none", c.SetReadDeadline(time.Time{}))
	n.got("both", c.SetDeadline(time.Now().Add(longest)))
	io.WriteString(c, "go")
	b, err := rw.ReadByte()
	n.note("read %q: %s", b, kind(err))
	n.got("write past", c.SetWriteDeadline(time.Unix(1, 0)))
	_, err = io.WriteString(c, "lost")
	n.got("write", err)
}

// TestContractHijackOutlivesServer: a connection that a handler has taken is none of the server's.
func TestContractHijackOutlivesServer(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]engine{"net/http": bare, "ours": own} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			n := newNotes(t)
			stop := serve(n.counting(taking(speak)), l, new(errorLog))
			p := dialPeer(t, l.Addr(), n)
			p.send(request("GET", "Connection: Upgrade", "Upgrade: own"))
			p.until("\r\n\r\n")
			if err := stop(); err != nil {
				t.Error(err)
			}
			p.send("one\n")
			p.until("you said one\n")
			p.send("bye\n")
			p.rest()
			n.returned(1)
		})
	}
}
