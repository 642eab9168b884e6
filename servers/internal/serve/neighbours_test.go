package serve

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// pair gives both ends of a connection over loopback.
func pair(t testing.TB) (near *client, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	tt, _ := t.(*testing.T)
	return &client{tt, conn, bufio.NewReader(conn)}, far
}

// neighbours are two servers that hand connections to each other: each answers for its own host.
type neighbours struct {
	servers [2]*Server
	backs   atomic.Int64
}

// newNeighbours makes two servers, for the hosts "0" and "1"; bytes has them answer by bytes where that can be.
func newNeighbours(t testing.TB, bytewise bool) *neighbours {
	n := &neighbours{}
	for i := range n.servers {
		own, other := fmt.Sprint(i), 1-i
		var h http.Handler = http.HandlerFunc(tellOf(own))
		if bytewise {
			h = &passer{served: tellOf(own)}
		}
		n.servers[i] = &Server{
			Handler:   h,
			Elsewhere: func(_ net.Conn, host, _ []byte) bool { return string(host) != own },
			HandBack: func(c net.Conn, unread []byte) {
				n.backs.Add(1)
				if err := n.servers[other].ServeConnAfter(c, bytes.Clone(unread), Binding{}); err != nil {
					t.Error(err)
				}
			},
		}
		t.Cleanup(func() { n.servers[i].Close() })
	}
	return n
}

// tellOf answers with who the server is and what it was asked.
func tellOf(own string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if r.Host != own {
			fmt.Fprintf(w, "%s got what is for %s: ", own, r.Host)
		}
		fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.Path, strings.ToUpper(string(body)))
	}
}

// pipeline is what a client sends in one go to two hosts, and what it is to get.
var pipeline = []struct{ request, want string }{
	{"GET /a HTTP/1.1\r\nHost: 0\r\n\r\n", "GET /a "},
	{"\r\nGET /b HTTP/1.1\r\nHost: 1\r\n\r\n", "GET /b "},
	{"GET /c HTTP/1.1\r\nHost: 1\r\n\r\n", "GET /c "},
	{"POST /d HTTP/1.1\r\nHost: 0\r\nContent-Length: 5\r\n\r\nhello", "POST /d HELLO"},
	{"POST /e HTTP/1.1\r\nHost: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "POST /e ABCDE"},
	{"GET http://0/x/../f?1 HTTP/1.1\r\nHost: 0\r\n\r\n", "GET /f "},
	{"POST /g HTTP/1.1\r\nHost: 1\r\nContent-Length: 3\r\n\r\nend", "POST /g END"},
}

func TestHandBackAnywhereInAPipeline(t *testing.T) {
	t.Parallel()
	var whole strings.Builder
	for _, p := range pipeline {
		whole.WriteString(p.request)
	}
	for _, bytewise := range []bool{false, true} {
		t.Run(fmt.Sprintf("bytewise=%v", bytewise), func(t *testing.T) {
			t.Parallel()
			n := newNeighbours(t, bytewise)
			stream := whole.String()
			for cut := range stream { // what has come when the first server gets the connection
				near, far := pair(t)
				if err := n.servers[cut%2].ServeConnAfter(far, []byte(stream[:cut]), Binding{}); err != nil {
					t.Fatal(err)
				}
				near.send(stream[cut:])
				for i, p := range pipeline {
					if got := near.want(http.StatusOK); got != p.want {
						t.Fatalf("cut at %d, response %d: got %q, want %q", cut, i, got, p.want)
					}
				}
				near.conn.Close()
			}
			if n.backs.Load() < int64(5*len(stream)) {
				t.Errorf("handed back %d times", n.backs.Load())
			}
		})
	}
}

func TestHandBackByteByByte(t *testing.T) {
	t.Parallel()
	for _, bytewise := range []bool{false, true} {
		n := newNeighbours(t, bytewise)
		near, far := pair(t)
		if err := n.servers[1].ServeConn(far, Binding{}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			for _, p := range pipeline {
				for i := range p.request {
					near.send(p.request[i : i+1])
				}
				if got := near.want(http.StatusOK); got != p.want {
					t.Fatalf("got %q, want %q", got, p.want)
				}
			}
		}
	}
}
