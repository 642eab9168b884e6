package relay

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/internal/serve"
	"github.com/gorun-dev/gorun/servers/kestrel"
)

// fastFront is a front whose requests may go the fast way. It counts those that come the complete way from the beginning.
type fastFront struct {
	addr     string
	relay    *Relay
	complete atomic.Int64
	begun    atomic.Int64 // that have gone over to the complete way
	leases   atomic.Int64 // not released
}

// Release is Lease's.
func (f *fastFront) Release() { f.leases.Add(-1) }

// serveFast gives a front to target. Errors go to failed and are answered with 502, as those of front.
func serveFast(t testing.TB, o Options, target Target, failed failures) *fastFront {
	t.Helper()
	f := &fastFront{relay: newRelay(t, o)}
	f.addr = serveFront(t, f.handler(target, failed), noTLS)
	t.Cleanup(func() {
		for until := time.Now().Add(testPatience); f.leases.Load() != 0; time.Sleep(time.Millisecond) { // nothing tells of the last one
			if time.Now().After(until) {
				t.Fatalf("%d leases are left", f.leases.Load())
			}
		}
	})
	return f
}

func (f *fastFront) handler(target Target, failed failures) *Fast {
	complete := forwarding(f.relay, target, failed)
	route := f.relay.Route(target)
	return &Fast{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			f.complete.Add(1)
			complete(w, req)
		}),
		Next: func(*serve.Raw) (*Route, Lease) {
			f.leases.Add(1)
			return route, f
		},
		Cold: func(w http.ResponseWriter, req *http.Request, _ Lease) {
			f.complete.Add(1)
			f.begun.Add(-1) // see Around
			complete(w, req)
		},
		Failed: func(w http.ResponseWriter, _ *http.Request, _ Lease, e *Error) {
			if failed != nil {
				failed <- e
			}
			http.Error(w, e.Error(), http.StatusBadGateway)
		},
		Around: func(http.ResponseWriter, *http.Request) func() {
			f.begun.Add(1)
			return func() {}
		},
	}
}

// client connects, and has a connection to the app kept.
func (f *fastFront) client(t testing.TB) *peer {
	t.Helper()
	c := dialFront(t, f.addr)
	c.send(get("/first"))
	if _, _, err := c.response("GET"); err != nil {
		t.Fatal(err)
	}
	f.keeps()
	f.complete.Store(0)
	return c
}

// keeps waits until a connection is kept.
func (f *fastFront) keeps() {
	for until := time.Now().Add(testPatience); f.relay.idle() == 0 && time.Now().Before(until); {
		time.Sleep(time.Millisecond) // nothing tells when a connection is put back
	}
}

// went checks by which way the requests have gone that followed the client's first. On a machine that has other things to do an
// app may be too slow for the fast way: more may have gone on by the complete one.
func (f *fastFront) went(t testing.TB, complete, begun int64) {
	t.Helper()
	if c, b := f.complete.Load(), f.begun.Load(); c != complete || b < begun {
		t.Errorf("%d requests went the complete way, and %d went on by it; want %d, and at least %d", c, b, complete, begun)
	}
}

// scripted is an app that answers the first request of a connection with "first", and the others by answer.
func scripted(t *testing.T, answer func(app *peer, head string)) Target {
	return bodyApp(t, func(app *peer, head string) {
		if strings.HasPrefix(head, "GET /first ") {
			app.send(reply("first"))
			return
		}
		answer(app, head)
	})
}

// TestFast has what the fast way is for.
func TestFast(t *testing.T) {
	t.Parallel()
	f := serveFast(t, Options{Timeout: DefaultTimeout}, scripted(t, func(app *peer, head string) {
		method, _, _ := strings.Cut(head, " ")
		switch body := "body"; {
		case method == "HEAD":
			app.send("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n")
		case strings.HasPrefix(head, "GET /304"):
			app.send("HTTP/1.1 304 x\r\nEtag: e\r\nContent-Type: a/b\r\n\r\n")
		case strings.HasPrefix(head, "GET /204"):
			app.send("HTTP/1.1 204 x\r\n\r\n")
		case strings.HasPrefix(head, "GET /pieces"):
			app.send("HTTP/1.1 200 OK\r\nContent-Le")
			app.send("ngth: 4\r\n\r")
			app.send("\nbo")
			app.send("dy")
		case strings.HasPrefix(head, "GET /large"):
			app.send(reply(strings.Repeat("0123456789", 1<<20)))
		default:
			if method == "POST" {
				body = app.read(5)
			}
			app.send(reply(body))
		}
	}), nil)
	c := f.client(t)
	large := strings.Repeat("0123456789", 1<<20)
	for range 3 {
		for _, r := range []struct {
			request string
			status  int
			body    string
		}{
			{get("/"), 200, "body"}, {get("/204"), 204, ""}, {get("/304"), 304, ""}, {get("/pieces"), 200, "body"}, {get("/large"), 200, large},
			{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"},
			{"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", 200, ""},
		} {
			method, _, _ := strings.Cut(r.request, " ")
			c.send(r.request)
			res, body, err := c.response(method)
			if err != nil || res.StatusCode != r.status || body != r.body || res.Header.Get("Date") == "" || res.Header["Server"] != nil {
				t.Fatalf("%.40q: %d %v %.40q %v", r.request, res.StatusCode, res.Header, body, err)
			}
		}
	}
	if f.complete.Load() != 0 {
		t.Errorf("%d went the complete way", f.complete.Load())
	}
	if n := f.relay.idleSoon(1); n != 1 {
		t.Errorf("%d connections are kept", n)
	}
}

// TestFastGoesOn has responses that the complete way ends.
func TestFastGoesOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ response, body string }{
		"chunks":      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", "abcd"},
		"early hints": {"HTTP/1.1 103 x\r\nLink: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi"},
		"lines in LF": {"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", "hi"},
		"long head":   {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 20_000) + "\r\nContent-Length: 2\r\n\r\nhi", "hi"},
		"own words":   {"HTTP/1.1 200 OK\r\nConnection: keep-alive, x\r\nX: y\r\nContent-Length: 2\r\n\r\nhi", "hi"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serveFast(t, Options{Timeout: DefaultTimeout}, scripted(t, func(app *peer, _ string) { app.send(c.response) }), nil)
			client := f.client(t)
			for range 2 {
				client.send(get("/"))
				if name == "early hints" {
					client.head()
				}
				client.want(200, c.body)
				f.keeps()
			}
			f.went(t, 0, 2)
		})
	}
}

// TestFastWaits has an app that is slow: at its head, in its head, and in its body.
func TestFastWaits(t *testing.T) {
	t.Parallel()
	pieces := []string{"", "HTTP/1.1 200 OK\r\nConten", "t-Length: 6\r\n\r\nab", "cd", "ef"}
	for slow := 1; slow < len(pieces); slow++ {
		over := make(chan bool)
		f := serveFast(t, Options{Timeout: DefaultTimeout}, scripted(t, func(app *peer, _ string) {
			app.send(strings.Join(pieces[:slow], ""))
			<-over // it has gone over to the complete way
			app.send(strings.Join(pieces[slow:], ""))
		}), nil)
		client := f.client(t)
		for round := range int64(2) {
			client.send(get("/"))
			if slow > 2 {
				client.r.Peek(1) // what is there comes at once
			}
			for tick := time.Tick(time.Millisecond); f.begun.Load() == round; {
				<-tick
			}
			over <- true
			client.want(200, "abcdef")
			f.keeps()
		}
		f.went(t, 0, 2)
		if n := f.relay.idleSoon(1); n != 1 {
			t.Errorf("%d connections are kept", n)
		}
	}
}

// TestFastFails has an app that ends the connection that was kept.
func TestFastFails(t *testing.T) {
	t.Parallel()
	const post = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
	for name, c := range map[string]struct {
		request, response string
		again             bool // on another connection
		want              Error
	}{
		"nothing":           {get("/"), "", true, Error{}},
		"nothing for POST":  {post, "", false, Error{Sent: true, Err: errNoResponse}},
		"a part of a head":  {get("/"), "HTTP/1.1 200 OK\r\n", false, Error{Sent: true, Retriable: true}},
		"what is no head":   {get("/"), "hello\r\n\r\n", false, Error{Sent: true, Retriable: true}},
		"two lengths":       {get("/"), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", false, Error{Sent: true, Retriable: true}},
		"a switch for POST": {post, "HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n", false, Error{Sent: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ended atomic.Bool
			failed := make(failures, 1)
			target := rawApp(t, func(app *peer) {
				for head := app.head(); head != ""; head = app.head() {
					if strings.HasPrefix(head, "POST") {
						app.read(5)
					}
					if !strings.HasPrefix(head, "GET /first ") && !ended.Swap(true) {
						app.send(c.response)
						return
					}
					app.send(reply("ok"))
				}
			})
			f := serveFast(t, Options{Timeout: DefaultTimeout}, target, failed)
			client := f.client(t)
			client.send(c.request)
			if c.again {
				client.want(200, "ok")
				return
			}
			client.response("GET")
			e := <-failed
			if e.Sent != c.want.Sent || e.Retriable != c.want.Retriable || e.Client || e.Timeout || c.want.Err != nil && !errors.Is(e, c.want.Err) {
				t.Errorf("%+v", e)
			}
			client.send(get("/"))
			client.want(200, "ok")
		})
	}
}

// TestFastStale has an app that has closed the connection before, or has said something on it that nobody has asked for.
func TestFastStale(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]string{"closed": "", "unasked": "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var firsts atomic.Int64
			said, over := make(chan bool, 1), make(chan bool)
			target := rawApp(t, func(app *peer) {
				head := app.head()
				if strings.HasPrefix(head, "GET /first ") && firsts.Add(1) == 1 {
					app.send(reply("first"))
					<-over
					if app.send(late); late == "" {
						app.Close()
					}
					said <- true
					app.rest()
					return
				}
				for ; head != ""; head = app.head() {
					app.read(5)
					app.send(reply("ok"))
				}
			})
			f := serveFast(t, Options{Timeout: DefaultTimeout}, target, nil)
			client := f.client(t)
			over <- true
			<-said // on loopback it has come when the app's call has returned
			client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
			client.want(200, "ok")
			f.went(t, 1, 0)
		})
	}
}

// TestFastCutOff has the app end in a body.
func TestFastCutOff(t *testing.T) {
	t.Parallel()
	f := serveFast(t, Options{Timeout: DefaultTimeout}, rawApp(t, func(app *peer) {
		app.head()
		app.send(reply("first"))
		app.head()
		app.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab")
	}), nil)
	client := f.client(t)
	client.send(get("/"))
	if _, body, err := client.response("GET"); body != "ab" || err == nil {
		t.Errorf("%q %v", body, err)
	}
	client.rest()
}

// TestFastClientGoes has a client go while the app thinks, and while it sends.
func TestFastClientGoes(t *testing.T) {
	t.Parallel()
	for name, sent := range map[string]string{"head": "", "body": "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked, gone := make(chan bool), make(chan string)
			f := serveFast(t, Options{Timeout: DefaultTimeout}, scripted(t, func(app *peer, _ string) {
				app.send(sent)
				asked <- true
				gone <- app.rest()
			}), make(failures, 1))
			client := f.client(t)
			client.send(get("/"))
			<-asked
			client.Close()
			if rest := <-gone; rest != "" {
				t.Errorf("%q", rest)
			}
		})
	}
}

// TestFastForget has a target that is gone.
func TestFastForget(t *testing.T) {
	t.Parallel()
	ended := make(chan bool, 10)
	target := rawApp(t, func(app *peer) {
		for app.head() != "" {
			app.send(reply("ok"))
		}
		ended <- true
	})
	f := serveFast(t, Options{}, target, nil)
	client := f.client(t)
	for range 3 {
		f.relay.Forget(target)
		<-ended
		client.send(get("/")) // by a new connection, and the next by the same
		client.want(200, "ok")
		f.keeps()
		client.send(get("/"))
		client.want(200, "ok")
	}
	f.went(t, 3, 0)
	f.relay.Close()
	<-ended
	for range 2 {
		client.send(get("/"))
		client.want(200, "ok")
		<-ended
	}
}

// TestFastNoRoute has nobody to pass a request on to for the moment.
func TestFastNoRoute(t *testing.T) {
	t.Parallel()
	h := &Fast{Next: func(*serve.Raw) (*Route, Lease) { return nil, nil }, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Write(append([]byte("complete "), body...))
	})}
	client := dialFront(t, serveFront(t, h, noTLS))
	for range 2 {
		client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
		client.want(200, "complete hello")
	}
}

// TestFastForwardConnection leaves the field to the complete way.
func TestFastForwardConnection(t *testing.T) {
	t.Parallel()
	f := serveFast(t, Options{ForwardConnection: true}, scripted(t, func(app *peer, _ string) {
		app.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi")
	}), nil)
	client := f.client(t)
	client.send(get("/"))
	if res := client.want(200, "hi"); !res.Close {
		t.Error("the client was not told that the connection ends")
	}
	client.rest()
}

// TestFastTLS has a client with TLS, whose connection is read and written in the usual way.
func TestFastTLS(t *testing.T) {
	t.Parallel()
	var f fastFront
	heads := make(chan string, 10)
	target := scripted(t, func(app *peer, head string) {
		heads <- head
		app.send(reply("hi"))
	})
	f.relay = newRelay(t, Options{Timeout: DefaultTimeout})
	app := httptest.NewUnstartedServer(nil) // for its certificate
	app.StartTLS()
	defer app.Close()
	f.addr = serveFront(t, f.handler(target, nil), kestrel.Binding{TLS: app.TLS, Protocols: endpoint.HTTP1})
	c, err := tls.Dial("tcp", f.addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	client := newPeer(t, c)
	client.send(get("/first"))
	client.want(200, "first")
	f.keeps()
	for range 3 {
		client.send(get("/"))
		client.want(200, "hi")
		if head := <-heads; !strings.Contains(head, "\r\nX-Forwarded-Proto: https\r\n") {
			t.Errorf("%q", head)
		}
	}
	f.went(t, 1, 0)
}

// TestFastStuck has a request of which the system has taken a part, or which was not begun.
func TestFastStuck(t *testing.T) {
	t.Parallel()
	const head = "GET / HTTP/1.1\r\nHost: stuck\r\n\r\n"
	for _, sent := range []int{0, 10} {
		target := rawApp(t, func(app *peer) {
			if got := app.head(); got != head[sent:] {
				t.Errorf("%q", got)
			}
			app.send(reply("hi"))
		})
		r := newRelay(t, Options{Timeout: DefaultTimeout})
		route := r.Route(target)
		conn, err := r.dial(t.Context(), target, route.pool())
		if err != nil {
			t.Fatal(err)
		}
		f := flights.Get().(*flight)
		f.fast, f.route, f.conn, f.lease = &Fast{}, route, conn, new(fastFront)
		f.state, f.out, f.sent, f.in = nowStuck, []byte(head), sent, nil
		w := httptest.NewRecorder()
		f.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != 200 || w.Body.String() != "hi" {
			t.Errorf("%d %q", w.Code, w.Body)
		}
	}
}
