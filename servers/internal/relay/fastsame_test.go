package relay

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gorun-dev/gorun/servers/internal/serve"
)

// side is a front and its app: one of two that get the same.
type side struct {
	*fastFront
	failed failures

	mu       sync.Mutex
	requests []string // as the app has got them since reset
	script   []byte   // the app's answer; nil: "ok"
}

// twins are the two: requests go the fast way at the first, and never at the second.
func twins(t testing.TB) (fast, slow *side) { return newSide(t, true), newSide(t, false) }

func newSide(t testing.TB, isFast bool) *side {
	s := &side{fastFront: &fastFront{}, failed: make(failures, 100)}
	target := s.target(t)
	s.relay = newRelay(t, Options{Timeout: DefaultTimeout})
	h := s.handler(target, s.failed)
	if !isFast {
		h.Next = func(*serve.Raw) (*Route, Lease) { return nil, nil }
	}
	s.addr = serveFront(t, h, noTLS)
	return s
}

// target is an app that keeps each request, byte by byte, and plays its script for all but those for /first.
func (s *side) target(t testing.TB) Target {
	return rawApp(t, func(app *peer) {
		var raw bytes.Buffer
		r := bufio.NewReader(io.TeeReader(app.Conn, &raw))
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, req.Body); err != nil {
				return
			}
			script := s.keep(req, raw.String())
			raw.Reset()
			if script != nil {
				app.Write(script)
				return
			}
			if req.Method == http.MethodHead {
				app.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
			} else {
				app.send(reply("ok"))
			}
		}
	})
}

func (s *side) keep(req *http.Request, raw string) (script []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if req.RequestURI == "/first" {
		return nil
	}
	s.requests = append(s.requests, raw)
	return s.script
}

func (s *side) reset(script []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.script = nil, script
	for len(s.failed) > 0 {
		<-s.failed
	}
}

// outcome is what app and client have seen.
type outcome struct {
	Requests []string
	Response string
	Failures []string
}

// ask sends bytes, after a request that has a connection kept, and ends its side.
func (s *side) ask(t *testing.T, b []byte) outcome {
	s.reset(nil)
	c := s.client(t)
	defer c.Close()
	c.Write(b)
	closeWrite(c.Conn)
	out, _ := io.ReadAll(c.r)
	return s.outcome(c, string(out))
}

func (s *side) outcome(c *peer, response string) (o outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := c.LocalAddr().String()
	for _, r := range s.requests {
		o.Requests = append(o.Requests, same(r, own))
	}
	o.Response = same(response, own)
	for len(s.failed) > 0 {
		e := <-s.failed
		why := e.Error()
		if n, ok := errors.AsType[*net.OpError](e.Err); ok {
			why = n.Op + n.Err.Error() // without the ports
		}
		o.Failures = append(o.Failures, fmt.Sprint(e.Sent, e.Timeout, e.Client, e.Retriable, why))
	}
	return o
}

// same makes equal what is the same: the order of fields, the time, and the port of the client's own connection.
func same(text, own string) string {
	parts := strings.Split(strings.ReplaceAll(text, own, "CLIENT"), "\r\n\r\n")
	for i, part := range parts {
		lines := strings.Split(part, "\r\n")
		for j, line := range lines {
			if value, ok := strings.CutPrefix(line, "Date: "); ok {
				if _, err := http.ParseTime(value); err == nil {
					lines[j] = "Date: NOW"
				}
			}
		}
		slices.Sort(lines)
		parts[i] = strings.Join(lines, "\r\n")
	}
	return strings.Join(parts, "\r\n\r\n")
}

// differ fails the test when the two ways never do the same. Some outcomes are a matter of time, on either way: a client that
// has ended its side may be seen as gone before its request has got anywhere, or after it.
func differ(t *testing.T, both func() (want, got outcome)) {
	var all []string
	for range 10 {
		want, got := both()
		diff := cmp.Diff(want, got)
		if diff == "" {
			return
		}
		all = append(all, diff)
	}
	t.Errorf("(-complete +fast):\n%s", strings.Join(all, "\n"))
}

var plainRequests = []string{
	get("/"), get("/a/../b%20c?d=e&f=%2F#g"),
	"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n",
	"PUT / HTTP/1.1\r\nhost:h\r\ncontent-LENGTH: 05\r\nx-foo:  a b \t\r\nX-Foo:c\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost:\r\n\r\n",
	"GET / HTTP/1.1\nHost: h\nConnection: Keep-Alive\n\n",
	"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + get("/not"),
	"GET / HTTP/1.1\r\nHost: h\r\nKeep-Alive: 1\r\nTE: trailers\r\nTrailer: x\r\nProxy-Connection: close\r\nCookie: a=b\r\nCookie: c=d\r\n\r\n" + get("/2"),
	"BREW /\xc3 HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nMs-Aspnetcore-Token: forged\r\nMS-ASPNETCORE-X: y\r\nms-aspnetcorE0: z\r\nMs-Aspnetcore-000: z\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For:\r\nÜ: x\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nX: \xc3\xbc\r\nX-Forwarded-For: \t\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
}

var oddRequests = []string{
	"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n" + get("/2"),
	"GET / HTTP/1.1\r\nHost: h\r\nX_Forwarded_For: z\r\nX_Y: 1\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nConnection: x\r\nX: y\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nConnection: close, x-forwarded-for\r\nX-Forwarded-For: 1\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1\r\nX-Forwarded-For: 2\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nPragma: no-cache\r\n\r\n",
	"GET /\t HTTP/1.1\r\nHost: h\r\n\r\n",
	"CONNECT / HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET http://h/a?b HTTP/1.1\r\nHost: h\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET / HTTP/1.0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nshort",
	"GET / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 9000) + "\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\n\r\nrest",
}

// TestFastSameRequests has both ways do the same with what a client sends.
func TestFastSameRequests(t *testing.T) {
	t.Parallel()
	fast, slow := twins(t)
	for i, request := range append(plainRequests[:len(plainRequests):len(plainRequests)], oddRequests...) {
		got, want := fast.ask(t, []byte(request)), slow.ask(t, []byte(request))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%.200q (-complete +fast):\n%s", request, diff)
		}
		if i < len(plainRequests) && fast.complete.Load() > 0 {
			t.Errorf("%q has not gone the fast way", request)
		}
	}
}

// FuzzFastRequests is TestFastSameRequests for whatever a client sends.
func FuzzFastRequests(f *testing.F) {
	for _, r := range append(plainRequests[:len(plainRequests):len(plainRequests)], oddRequests...) {
		f.Add([]byte(r))
	}
	fast, slow := twins(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 16<<10 {
			return
		}
		differ(t, func() (want, got outcome) { return slow.ask(t, b), fast.ask(t, b) })
	})
}

// answer has the app say bytes and close.
func (s *side) answer(t *testing.T, script []byte, method string) outcome {
	s.reset(script)
	c := s.client(t)
	defer c.Close()
	c.send(method + " / HTTP/1.1\r\nHost: h\r\n\r\n")
	o := s.outcome(c, c.seen(method))
	s.reset(nil)
	c.send(get("/first")) // whether the connection goes on
	o.Response += c.seen("GET")
	return o
}

// seen reads a response, with those before it, and says what a client sees of it.
func (p *peer) seen(method string) string {
	var b strings.Builder
	for {
		res, err := http.ReadResponse(p.r, &http.Request{Method: method})
		if err != nil {
			return b.String() + " then none\n"
		}
		body, err := io.ReadAll(res.Body)
		if _, bad := http.ParseTime(res.Header.Get("Date")); bad != nil && res.StatusCode >= 200 {
			fmt.Fprintf(&b, "Date: %q", res.Header["Date"])
		}
		res.Header.Del("Date")
		fmt.Fprintf(&b, "%s %d %v %q %v %v %v\n", res.Status, res.ContentLength, res.Header, body, res.TransferEncoding, res.Trailer, err != nil)
		if res.StatusCode >= 200 {
			return b.String()
		}
	}
}

var plainResponses = []string{
	reply("hi"), reply(""), reply(strings.Repeat("0123456789", 5000)),
	"HTTP/1.1 404 Own Reason\r\ncontent-length:2\r\nset-cookie: b \r\nSET-COOKIE:a\r\nServer: App\r\ndate: x\r\nKeep-Alive: 5\r\nConnection: keep-alive\r\n\r\nhi",
	"HTTP/1.1 200\r\nContent-Length: 002\r\nConnection: close\r\nX:\r\nY: \xe9\r\nTrailer: z\r\n\r\nhi",
	"HTTP/1.1 304 Not Modified\r\nContent-Type: a/b\r\nContent-Length: 5\r\nEtag: e\r\n\r\n",
	"HTTP/1.1 204 No Content\r\nAlt-Svc: clear\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi and more",
	"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nshort",
	"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + strings.Repeat("x", 9999),
}

var oddResponses = append([]string{
	"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n\r\nuntil the end", "x\r\n\r\n", "\r\n\r\n",
	"HTTP/1.1 204 x\r\nContent-Length: 2\r\n\r\nhi",
	"HTTP/1.1 299 x\r\nContent-Length: 2\r\n\r\nhi",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
	"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi",
	"HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n\r\nhi",
	"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi",
	"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 2\r\n\r\nhi",
	"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nhi",
	"HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nhi",
	"HTTP/1.1 200 OK\r\nX: y\nContent-Length: 2\r\n\r\nhi",
	"HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n",
	"HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nhi",
	"HTTP/1.1 200 OK\r\n:\r\nContent-Length: 2\r\n\r\nhi",
}, fuzzSeeds...)

// TestFastSameResponses has both ways do the same with what an app answers.
func TestFastSameResponses(t *testing.T) {
	t.Parallel()
	fast, slow := twins(t)
	for i, response := range append(plainResponses[:len(plainResponses):len(plainResponses)], oddResponses...) {
		for _, method := range []string{"GET", "HEAD", "DELETE", "POST"} {
			got, want := fast.answer(t, []byte(response), method), slow.answer(t, []byte(response), method)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s %.200q (-complete +fast):\n%s", method, response, diff)
			}
			if i < len(plainResponses) && !fast.goesFast(t, []byte(response), method) {
				t.Errorf("%s %.200q has not gone the fast way", method, response)
			}
		}
	}
}

// goesFast tries more than once: on a machine that has other things to do an app may be too slow for the fast way.
func (s *side) goesFast(t *testing.T, response []byte, method string) bool {
	for range 20 {
		s.begun.Store(0)
		if s.answer(t, response, method); s.begun.Load() == 0 {
			return true
		}
	}
	return false
}

// FuzzFastResponses is TestFastSameResponses for whatever an app answers.
func FuzzFastResponses(f *testing.F) {
	for _, r := range append(plainResponses[:len(plainResponses):len(plainResponses)], oddResponses...) {
		f.Add([]byte(r), false)
		f.Add([]byte(r), true)
	}
	fast, slow := twins(f)
	f.Fuzz(func(t *testing.T, b []byte, isHead bool) {
		if len(b) > 16<<10 {
			return
		}
		method := "GET"
		if isHead {
			method = "HEAD"
		}
		differ(t, func() (want, got outcome) { return slow.answer(t, b, method), fast.answer(t, b, method) })
	})
}
