package kestrel

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	h2 "golang.org/x/net/http2"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

// accepted gives both ends of a connection over loopback.
func accepted(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close() })
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	near.SetDeadline(time.Now().Add(limit))
	return near, far
}

// serveAfter has s serve a connection n bytes of which were read before, and gives the client's end of it.
func serveAfter(t *testing.T, s *Server, n int, b Binding) net.Conn {
	t.Helper()
	near, far := accepted(t)
	go func() {
		first := make([]byte, n)
		io.ReadFull(far, first)
		if err := s.ServeConnAfter(far, first, b); err != nil {
			t.Error(err)
		}
	}()
	return near
}

// A connection that was accepted, and read from, elsewhere is served in every protocol.
func TestServeConnAfter(t *testing.T) {
	t.Parallel()
	s := &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto, r.TLS != nil) })}
	defer s.Close()
	both := secured()
	both.Protocols = endpoint.HTTP1AndHTTP2
	both.TLS.NextProtos = both.Protocols.ALPN()
	for _, n := range []int{0, 1, 20} {
		if got, want := ask(t, serveAfter(t, s, n, Binding{})), "HTTP/1.1false"; got != want {
			t.Errorf("after %d bytes: got %q, want %q", n, got, want)
		}
		client := tls.Client(serveAfter(t, s, n, both), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
		if got, want := ask(t, client), "HTTP/1.1true"; got != want {
			t.Errorf("after %d bytes of TLS: got %q, want %q", n, got, want)
		}
		c := newWire(t, tls.Client(serveAfter(t, s, n, both), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}))
		c.ask(1, "GET", true)
		if got := c.status(1); got != "200" {
			t.Errorf("HTTP/2 after %d bytes of TLS: status %s", n, got)
		}
		c = newWire(t, serveAfter(t, s, n, cleartext()))
		c.ask(1, "GET", true)
		if got := c.status(1); got != "200" {
			t.Errorf("HTTP/2 after %d bytes: status %s", n, got)
		}
	}
	s.Close()
	_, far := accepted(t)
	if err := s.ServeConn(far, Binding{}); err != http.ErrServerClosed {
		t.Errorf("a server that has closed returns %v", err)
	}
}

// ask sends a request of HTTP/1.1 and gives the body of the response.
func ask(t *testing.T, c net.Conn) string {
	t.Helper()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return string(body)
}

// Two servers share a connection whose requests are for both.
func TestHandBack(t *testing.T) {
	t.Parallel()
	var servers [2]*Server
	for i, own := range []string{"/0", "/1"} {
		servers[i] = &Server{
			Handler:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, own) }),
			Elsewhere: func(_ net.Conn, _, path []byte) bool { return string(path) != own },
			HandBack: func(c net.Conn, unread []byte) {
				if err := servers[1-i].ServeConnAfter(c, bytes.Clone(unread), Binding{}); err != nil {
					t.Error(err)
				}
			},
		}
		defer servers[i].Close()
	}
	near, far := accepted(t)
	if err := servers[0].ServeConn(far, Binding{}); err != nil {
		t.Fatal(err)
	}
	asked := []string{"/1", "/0", "/0", "/1"}
	for _, path := range asked {
		fmt.Fprintf(near, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path)
	}
	r := bufio.NewReader(near)
	for _, path := range asked {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(res.Body); string(body) != path || err != nil {
			t.Errorf("%s is answered with %q, %v", path, body, err)
		}
	}
}

// Who answers with Connection: close wants the client to come back by another connection: in HTTP/2 that is GOAWAY, and the
// streams that run are finished.
func TestConnectionCloseIsGoAway(t *testing.T) {
	t.Parallel()
	for name, dialed := range map[string]func(*testing.T, *Server) *wire{
		"TLS":       func(t *testing.T, s *Server) *wire { return dialWireTLS(t, listen(t, s, secured())) },
		"cleartext": func(t *testing.T, s *Server) *wire { return dialWire(t, listen(t, s, cleartext())) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entered, finish := make(chan struct{}), make(chan struct{})
			c := dialed(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == "POST" {
					close(entered)
					<-finish
					return
				}
				w.Header().Set("Connection", "close")
				w.WriteHeader(http.StatusMisdirectedRequest)
			})})
			c.ask(1, "POST", true)
			<-entered
			c.ask(3, "GET", true)
			var goAway *h2.GoAwayFrame
			head := c.until("a response", func(f h2.Frame) bool {
				if g, ok := f.(*h2.GoAwayFrame); ok {
					goAway = g
				}
				_, ok := f.(*h2.MetaHeadersFrame)
				return ok
			}).(*h2.MetaHeadersFrame)
			if got := head.PseudoValue("status"); got != "421" || head.StreamID != 3 {
				t.Errorf("stream %d is answered with %s", head.StreamID, got)
			}
			for _, f := range head.RegularFields() {
				if f.Name == "connection" {
					t.Error("HTTP/2 has no Connection field")
				}
			}
			if goAway == nil {
				goAway = c.until("GOAWAY", func(f h2.Frame) bool { return f.Header().Type == h2.FrameGoAway }).(*h2.GoAwayFrame)
			}
			if goAway.ErrCode != h2.ErrCodeNo || goAway.LastStreamID < 3 {
				t.Errorf("GOAWAY: %v, last stream %d", goAway.ErrCode, goAway.LastStreamID)
			}
			close(finish)
			if got := c.status(1); got != "200" {
				t.Errorf("the other stream is answered with %s", got)
			}
			if code, _ := c.gone(); code != h2.ErrCodeNo {
				t.Errorf("the connection ends with %v", code)
			}
		})
	}
}

// A browser that was told so comes by another connection.
func TestMisdirectedRequestComesAgain(t *testing.T) {
	t.Parallel()
	addr := listen(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusMisdirectedRequest)
		}
		io.WriteString(w, r.RemoteAddr)
	})}, secured())
	client := browser(t)
	var remotes []string
	for _, path := range []string{"/", "/elsewhere", "/"} {
		res, err := client.Get("https://" + addr + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Error(err)
		}
		remotes = append(remotes, string(body))
	}
	if remotes[0] != remotes[1] || remotes[1] == remotes[2] {
		t.Errorf("the requests came by %q", remotes)
	}
}
