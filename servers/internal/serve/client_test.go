package serve

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// patience is how long a test waits for what has to come; nothing in the tests takes nearly as long.
const patience = 20 * time.Second

// client is one raw connection to a server.
type client struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func dial(t *testing.T, addr string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return &client{t, conn, bufio.NewReader(conn)}
}

// send writes s. An error is not the test's: the server may have closed.
func (c *client) send(s string) { io.WriteString(c.conn, s) }

// response reads one response with its body.
func (c *client) response() (*http.Response, string) {
	c.t.Helper()
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatalf("reading a response: %v", err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatalf("reading a response's body: %v", err)
	}
	return res, string(body)
}

// want reads a response and compares its status.
func (c *client) want(status int) string {
	c.t.Helper()
	res, body := c.response()
	if res.StatusCode != status {
		c.t.Fatalf("got status %d, want %d; header %v, body %q", res.StatusCode, status, res.Header, body)
	}
	return body
}

// refused wants Kestrel's form of a refusal, and nothing after it.
func (c *client) refused(status int) {
	c.t.Helper()
	res, body := c.response()
	if res.StatusCode != status || body != "" || !res.Close || res.ContentLength != 0 || res.Header.Get("Date") == "" {
		c.t.Fatalf("got %d %v %q, want %d with no body, Connection: close and a Date", res.StatusCode, res.Header, body, status)
	}
	c.closed()
}

// closed wants nothing but the end of the connection.
func (c *client) closed() {
	c.t.Helper()
	rest, err := io.ReadAll(c.r)
	if len(rest) > 0 {
		c.t.Fatalf("got %q, want the end of the connection", rest)
	}
	if err, ok := err.(net.Error); ok && err.Timeout() {
		c.t.Fatal("the connection is still open")
	}
}

func handle(f http.HandlerFunc) *Server { return &Server{Handler: f} }

func ok(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") }

// get is a request for path.
func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n" }

// post has head lines (each with its end) and a body as it goes over the wire.
func post(lines, body string) string {
	return "POST / HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n" + body
}

const chunked = "Transfer-Encoding: chunked\r\n"

// readAll answers with the length of the body, as a handler does that knows nothing of this package.
func readAll(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusTeapot)
		return
	}
	io.WriteString(w, strings.ToUpper(string(body)))
}

// startServer serves on loopback until the test ends, and checks that Close leaves nothing.
func startServer(t testing.TB, s *Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, s, l, Binding{})
	return l.Addr().String()
}

func serveOn(t testing.TB, s *Server, l net.Listener, b Binding) {
	t.Helper()
	served := make(chan error, 1)
	go func() { served <- s.Serve(l, b) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve returned %v", err)
		}
	})
}
