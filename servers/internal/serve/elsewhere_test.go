package serve

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
)

// A request that a Passer has begun to answer is not asked for again, whatever the answer would be by now.
func TestElsewhereIsNotAskedAfterPass(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/continue", "/rest", "/serve"} {
		p := &passer{}
		s := &Server{
			Handler:   p,
			Elsewhere: func(net.Conn, []byte, []byte) bool { return p.passed.Load() > 0 },
			HandBack: func(c net.Conn, _ []byte) {
				t.Errorf("%s is handed back", path)
				c.Close()
			},
		}
		c := dial(t, startServer(t, s))
		c.send(get(path))
		c.response()
	}
}

// What Elsewhere is asked is what the handler would see.
func TestElsewhereSeesWhatTheHandlerSees(t *testing.T) {
	t.Parallel()
	type seen struct{ host, path string }
	asked := make(chan seen, 1)
	s := &Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host, " ", r.URL.EscapedPath()) }),
		Elsewhere: func(c net.Conn, host, path []byte) bool {
			if _, ok := c.(*net.TCPConn); !ok {
				t.Errorf("the connection is a %T", c)
			}
			asked <- seen{string(host), string(path)}
			return false
		},
	}
	addr := startServer(t, s)
	for _, tt := range []struct{ request, host, path string }{
		{get("/a/b?c=/d"), "h", "/a/b"},
		{get("/a/./../B%2f%2E%2e/c"), "h", "/B%2f%2E%2e/c"},
		{get("/a/%2e%2E/b"), "h", "/b"},
		{get("/%zz"), "h", "/%25zz"},
		{get("//x"), "h", "//x"},
		{"GET HTTP://H:81/a/../b?c HTTP/1.1\r\nHost: H:81\r\n\r\n", "H:81", "/b"},
		{"GET http://h:80 HTTP/1.1\r\nHost: h\r\n\r\n", "h:80", "/"},
		{"GET /a HTTP/1.0\r\n\r\n", "", "/a"},
	} {
		c := dial(t, addr)
		c.send(tt.request)
		want := tt.host + " " + tt.path
		if got := c.want(http.StatusOK); got != want {
			t.Errorf("%q: the handler sees %q, want %q", tt.request, got, want)
		}
		if got := <-asked; got != (seen{tt.host, tt.path}) {
			t.Errorf("%q: asked for %+v, want %q", tt.request, got, want)
		}
	}
	for _, request := range []string{"OPTIONS * HTTP/1.1\r\nHost: h:1\r\n\r\n", "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n"} {
		c := dial(t, addr)
		c.send(request)
		c.want(http.StatusOK)
		if got := <-asked; got != (seen{"h:1", "/"}) {
			t.Errorf("%q: asked for %+v", request, got)
		}
	}
}

func TestElsewhereIsNotAskedForTLS(t *testing.T) {
	t.Parallel()
	s := handle(ok)
	s.Elsewhere = func(net.Conn, []byte, []byte) bool { return true }
	c := dialTLS(t, startTLS(t, s), "http/1.1")
	c.send(get("/"))
	c.want(http.StatusOK)
}

// BenchmarkElsewhere is BenchmarkPlaintext with a hook.
func BenchmarkElsewhere(b *testing.B) {
	s := &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "Hello, World!")
	})}
	s.Elsewhere = func(_ net.Conn, host, path []byte) bool { return len(host) == 0 || path[0] != '/' }
	bench(b, startServer(b, s), plaintextRequest)
}

func TestElsewhereAllocatesNothing(t *testing.T) {
	// Not parallel: allocations are those of the whole process.
	asked := 0
	k := newCore(&Server{Elsewhere: func(c net.Conn, host, path []byte) bool {
		asked++
		return c == nil || string(host) != "localhost:5000" || string(path) != "/plaintext"
	}})
	defer k.work.Wait()
	defer k.stop()
	c := newConn(fed{}, k, Binding{})
	c.in = []byte(plaintextRequest)
	end, f := c.head.parse(c.in, &k.limits, true)
	if f != nil || end != len(plaintextRequest) {
		t.Fatal(end, f)
	}
	if n := testing.AllocsPerRun(100, func() {
		if c.isElsewhere(end) {
			t.Fatal("it is said to be elsewhere's")
		}
	}); n != 0 || asked == 0 {
		t.Errorf("%v allocations, asked %d times", n, asked)
	}
}
