package relay

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/kestrel"
)

// testPatience is how long a test waits for what has to come; nothing in the tests takes nearly as long.
const testPatience = 20 * time.Second

// rawApp accepts connections, each handled by serve, until the test ends. serve's connection is closed when it returns.
func rawApp(t testing.TB, serve func(c *peer)) Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(testPatience))
				serve(newPeer(t, c))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	return Target{Address: l.Addr().String(), Token: "secret"}
}

// peer is one end of a connection that speaks raw bytes.
type peer struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func newPeer(t testing.TB, c net.Conn) *peer { return &peer{c, t, bufio.NewReader(c)} }

// send writes s. An error is not the test's: the other side may have closed.
func (p *peer) send(s string) { io.WriteString(p.Conn, s) }

// head reads up to the empty line; it is empty at the end of the connection.
func (p *peer) head() string {
	var b strings.Builder
	for {
		line, err := p.r.ReadString('\n')
		if err != nil {
			return ""
		}
		b.WriteString(line)
		if line == "\r\n" {
			return b.String()
		}
	}
}

func (p *peer) read(n int) string {
	b := make([]byte, n)
	n, _ = io.ReadFull(p.r, b)
	return string(b[:n])
}

// rest reads to the end of the connection.
func (p *peer) rest() string {
	b, err := io.ReadAll(p.r)
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		p.t.Error("the connection is still open")
	}
	return string(b)
}

// failures is what a front tells of its errors.
type failures chan *Error

// front serves Forward behind the real server, and gives its address. Errors go to the channel and are answered with 502.
func front(t testing.TB, r *Relay, target Target, failed failures) string {
	t.Helper()
	return serveFront(t, forwarding(r, target, failed), kestrel.Binding{})
}

func forwarding(r *Relay, target Target, failed failures) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		err := r.Forward(w, req, target)
		if err == nil {
			return
		}
		e := err.(*Error)
		if failed != nil {
			failed <- e
		}
		http.Error(w, e.Error(), http.StatusBadGateway)
	}
}

func serveFront(t testing.TB, h http.Handler, b kestrel.Binding) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if b.Protocols == 0 {
		b.Protocols = endpoint.HTTP1
	}
	s := &kestrel.Server{Handler: h, Log: slog.New(slog.DiscardHandler), ServerHeader: "Front"}
	s.Limits.MaxRequestBodySize = 1 << 40
	served := make(chan error, 1)
	go func() { served <- s.Serve(l, b) }()
	t.Cleanup(func() {
		s.Close()
		<-served
	})
	return l.Addr().String()
}

func newRelay(t testing.TB, o Options) *Relay {
	r := New(o)
	t.Cleanup(func() { r.Close() })
	return r
}

// dialFront connects a client that speaks raw bytes.
func dialFront(t testing.TB, addr string) *peer {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(testPatience))
	return newPeer(t, c)
}

// response reads a response to method, and what its body was when it ended early.
func (p *peer) response(method string) (*http.Response, string, error) {
	p.t.Helper()
	res, err := http.ReadResponse(p.r, &http.Request{Method: method})
	if err != nil {
		p.t.Fatalf("reading a response: %v", err)
	}
	body, err := io.ReadAll(res.Body)
	return res, string(body), err
}

// want reads a response to a GET and compares status and body.
func (p *peer) want(status int, body string) *http.Response {
	p.t.Helper()
	res, got, err := p.response("GET")
	if err != nil || res.StatusCode != status || got != body {
		p.t.Fatalf("got %d %q %v, want %d %q", res.StatusCode, got, err, status, body)
	}
	return res
}

func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n" }

func reply(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}
