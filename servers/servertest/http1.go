package servertest

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/gorun-dev/gorun/servers/feature"
)

// whoAsks answers with the request's path, and drains its body.
func whoAsks(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	io.WriteString(w, r.URL.Path)
}

// ask is a whole request to path.
func ask(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n" }

// keepAliveCases are about one connection after another request, byte for byte (RFC 9112, 9).
func keepAliveCases() group {
	return group{
		"keep-alive": func(e *env) {
			w := e.serve(whoAsks).dial()
			for _, path := range []string{"/1", "/2", "/3"} {
				a := w.ask(ask(path))
				a.want(e, 200, path)
				want(e, "closes", a.Close, false)
			}
		},
		"connection-close": func(e *env) {
			w := e.serve(whoAsks).dial()
			a := w.ask("GET /1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			a.want(e, 200, "/1")
			want(e, "says that it closes", a.Close, true)
			w.closed()
		},
		"connection-close-by-handler": func(e *env) {
			w := e.serve(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Connection", "close")
				whoAsks(w, r)
			}).dial()
			a := w.ask(ask("/1"))
			a.want(e, 200, "/1")
			want(e, "says that it closes", a.Close, true)
			w.closed()
		},
		"pipelining": func(e *env) { // answers come in the order of the requests
			w := e.serve(whoAsks).dial()
			var all strings.Builder
			for i := range 20 {
				fmt.Fprintf(&all, "POST /%d HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody", i)
			}
			w.send("%s", all.String())
			for i := range 20 {
				w.answer("POST").want(e, 200, fmt.Sprint("/", i))
			}
		},
		"pipelining-not-after-close": func(e *env) {
			w := e.serve(whoAsks).dial()
			w.ask("GET /1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"+ask("/2")).want(e, 200, "/1")
			w.closed()
		},
		"http10": func(e *env) { // closes, and has no chunks
			w := e.serve(func(w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, "all of the")
				http.NewResponseController(w).Flush()
				io.WriteString(w, " body")
			}).dial()
			a := w.ask("GET / HTTP/1.0\r\n\r\n")
			a.want(e, 200, "all of the body")
			want(e, "Transfer-Encoding", fmt.Sprint(a.TransferEncoding), "[]")
			w.closed()
		},
		"http10-told": func(e *env) {
			w := e.serve(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }).dial()
			w.ask("GET / HTTP/1.0\r\n\r\n").want(e, 200, "HTTP/1.0")
		},
		"http10-trailers": func(e *env) { // it has none, and the feature says so
			w := e.serve(telling(func(_ *http.Request, f feature.Trailers) string { return fmt.Sprint(f.IsSupported()) })).dial()
			w.ask("GET / HTTP/1.0\r\n\r\n").want(e, 200, "false")
		},
		"http10-keep-alive": func(e *env) {
			w := e.serve(whoAsks).dial()
			a := w.ask("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
			a.want(e, 200, "/1")
			want(e, "Connection", strings.ToLower(a.Header.Get("Connection")), "keep-alive")
			w.ask("GET /2 HTTP/1.0\r\n\r\n").want(e, 200, "/2")
			w.closed()
		},
		"head-keeps-alive": func(e *env) {
			w := e.serve(whoAsks).dial()
			w.ask("HEAD /1 HTTP/1.1\r\nHost: h\r\n\r\n").want(e, 200, "")
			w.ask(ask("/2")).want(e, 200, "/2")
		},
		"204-keeps-alive": func(e *env) {
			w := e.serve(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/1" {
					w.WriteHeader(http.StatusNoContent)
				}
				io.WriteString(w, r.URL.Path)
			}).dial()
			a := w.ask(ask("/1"))
			a.want(e, 204, "")
			want(e, "Content-Length", a.Header.Get("Content-Length"), "")
			w.ask(ask("/2")).want(e, 200, "/2")
		},
		"half-close": func(e *env) { // who has sent all may still read
			w := e.serve(whoAsks).dial()
			w.send("%s", ask("/1")+ask("/2"))
			w.closeWrite()
			w.answer("GET").want(e, 200, "/1")
			w.answer("GET").want(e, 200, "/2")
			w.closed()
		},
		"empty-line-first": func(e *env) { // RFC 9112, 2.2
			w := e.serve(whoAsks).dial()
			w.ask("\r\n"+ask("/1")).want(e, 200, "/1")
		},
		"byte-by-byte": func(e *env) {
			w := e.serve(whoAsks).dial()
			for _, b := range []byte("POST /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n") {
				w.send("%c", b)
			}
			w.answer("POST").want(e, 200, "/1")
			w.ask(ask("/2")).want(e, 200, "/2")
		},
		"stop-says-close": func(e *env) { // who is served during the stop is told to come back on no connection
			begun, goOn := make(chan struct{}), make(chan struct{})
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/1" {
					close(begun)
					await(e, r, goOn)
				}
				whoAsks(w, r)
			})
			idle, w := s.dial(), s.dial()
			idle.ask(ask("/0")).want(e, 200, "/0") // one that has sent nothing may be a front's, which stops before the server
			w.send("%s", ask("/1"))
			receive(e, begun, "for the handler")
			s.running.Stop()
			idle.closed()
			close(goOn)
			a := w.answer("GET")
			a.want(e, 200, "/1")
			want(e, "says that it closes", a.Close, true)
			w.closed()
		},
		"abort-closes": func(e *env) {
			w := e.serve(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }).dial()
			w.send("%s", ask("/"))
			w.closed()
		},
	}
}

// framingCases are about where messages end (RFC 9112, 6 and 7).
func framingCases() group {
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%q %v %v", body, err, r.Trailer)
	}
	chunked := "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
	g := group{
		"chunks-of-response": func(e *env) {
			w := e.serve(func(w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, "hello")
				http.NewResponseController(w).Flush()
				io.WriteString(w, " world")
			}).dial()
			a := w.ask(ask("/"))
			a.want(e, 200, "hello world")
			want(e, "Transfer-Encoding", fmt.Sprint(a.TransferEncoding), "[chunked]")
			want(e, "Content-Length", a.Header.Get("Content-Length"), "")
		},
		"expect-100": func(e *env) { // 100 is sent when the body is read, and not before
			asked, goOn := make(chan struct{}), make(chan struct{})
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				close(asked)
				await(e, r, goOn)
				echo(w, r)
			})
			w := s.dial()
			w.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
			receive(e, asked, "for the handler")
			close(goOn)
			want(e, "first line", w.line(), "HTTP/1.1 100 Continue")
			want(e, "its fields", len(w.head()), 0)
			w.send("hello")
			w.answer("POST").want(e, 200, `"hello" <nil> map[]`)
		},
		"expect-100-unread": func(e *env) { // what follows the head is the body, or nothing
			w := e.serve(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) }).dial()
			a := w.ask("POST /1 HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
			a.want(e, 200, "/1")
			if a.Close {
				w.closed()
				return
			}
			w.ask("hello"+ask("/2")).want(e, 200, "/2")
		},
		"body-cut-off": func(e *env) { // by the end of the stream: 400, and the handler gets an error
			failed := make(chan error, 1)
			w := e.serve(func(_ http.ResponseWriter, r *http.Request) {
				_, err := io.ReadAll(r.Body)
				failed <- err
			}).dial()
			w.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello")
			w.closeWrite()
			if err := receive(e, failed, "for the body to end"); err == nil {
				e.Error("a body that was cut off looks whole")
			}
		},
		"absolute-target": func(e *env) {
			w := e.serve(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host, " ", r.URL.Path) }).dial()
			w.ask("GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n").want(e, 200, "h /a")
		},
		"options-asterisk": func(e *env) {
			w := e.serve(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RequestURI) }).dial()
			w.ask("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").want(e, 200, "*")
		},
	}
	for name, c := range map[string]struct{ request, want string }{
		"chunks":              {chunked + "\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", `"hello world" <nil> map[]`},
		"chunk-size-hex":      {chunked + "\r\n00A\r\n0123456789\r\n0\r\n\r\n", `"0123456789" <nil> map[]`},
		"chunk-extension":     {chunked + "\r\n5;a=b\r\nhello\r\n0;c\r\n\r\n", `"hello" <nil> map[]`},
		"chunk-trailer":       {chunked + "Trailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n", `"hello" <nil> map[X-Sum:[42]]`},
		"chunk-empty":         {chunked + "\r\n0\r\n\r\n", `"" <nil> map[]`},
		"length-0":            {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", `"" <nil> map[]`},
		"length-of-a-get":     {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", `"hello" <nil> map[]`},
		"space-around":        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \t 5 \t\r\n\r\nhello", `"hello" <nil> map[]`},
		"names-ignoring-case": {"POST / HTTP/1.1\r\nhOST: h\r\ncontent-LENGTH: 5\r\n\r\nhello", `"hello" <nil> map[]`},
	} {
		g[name] = func(e *env) {
			w := e.serve(echo).dial()
			w.send("%s", c.request)
			w.answer("POST").want(e, 200, c.want)
			w.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").want(e, 200, `"" <nil> map[]`) // it has found the end
		}
	}
	return g
}
