package relay

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/kestrel"
)

var noTLS kestrel.Binding

// nobody is an address where nobody listens.
func nobody(t *testing.T) Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return Target{Address: l.Addr().String()}
}

// TestNobody has no app. The request is whole for another try, with its body.
func TestNobody(t *testing.T) {
	t.Parallel()
	dead := nobody(t)
	target := bodyApp(t, func(app *peer, head string) {
		if body := app.read(5); body != "hello" {
			t.Errorf("%q", body)
		}
		app.send(reply("done"))
	})
	r := newRelay(t, Options{Timeout: DefaultTimeout})
	client := dialFront(t, serveFront(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		err := r.Forward(w, req, dead)
		if e, ok := errors.AsType[*Error](err); !ok || e.Sent || !e.Retriable || e.Timeout || e.Client {
			t.Errorf("%#v", err)
		}
		if err := r.Forward(w, req, target); err != nil {
			t.Error(err)
		}
	}), noTLS))
	client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
	client.want(200, "done")
}

// TestRetriable has an app that closes without an answer.
func TestRetriable(t *testing.T) {
	t.Parallel()
	target := rawApp(t, func(app *peer) { app.head() })
	failed := make(failures, 1)
	addr := front(t, newRelay(t, Options{}), target, failed)
	for request, retriable := range map[string]bool{
		get("/"): true,
		"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi":                 true,
		"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": false,
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi":                false,
		"BREW / HTTP/1.1\r\nHost: h\r\n\r\n":                                       false,
		"DELETE / HTTP/1.1\r\nHost: h\r\n\r\n":                                     true,
	} {
		dialFront(t, addr).send(request)
		if e := <-failed; !e.Sent || e.Retriable != retriable || e.Client || e.Timeout {
			t.Errorf("%q: %+v", request, e)
		}
	}
}

// TestTimeout has apps that do not move.
func TestTimeout(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ request, answer string }{
		"silent":      {get("/"), ""},
		"half a head": {get("/"), "HTTP/1.1 200 OK\r\n"},
		"no reader":   {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n", ""},
		"after body":  {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000\r\n\r\n" + strings.Repeat("x", 10000), ""},
		"expecting":   {"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			over := make(chan bool)
			target := rawApp(t, func(app *peer) {
				app.send(c.answer)
				<-over
			})
			failed := make(failures, 1)
			client := dialFront(t, front(t, newRelay(t, Options{Timeout: time.Second, ContinueTimeout: glance}), target, failed))
			client.send(c.request)
			var sending sync.WaitGroup
			if name == "no reader" {
				sending.Go(func() { io.Copy(client.Conn, io.LimitReader(zeros{}, 100_000_000)) })
			}
			if e := <-failed; !e.Timeout || !e.Sent || e.Client {
				t.Errorf("%+v", e)
			}
			close(over)
			client.Close()
			sending.Wait()
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestDialTimeout has no time to connect.
func TestDialTimeout(t *testing.T) {
	t.Parallel()
	err := newRelay(t, Options{Timeout: 1}).Forward(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil), nobody(t))
	if e, ok := errors.AsType[*Error](err); !ok || !e.Timeout || e.Sent || !e.Retriable {
		t.Errorf("%+v", err)
	}
}

// TestSlowBody has a client that takes longer than the app's time for its body: that is not the app's fault.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	const timeout = time.Second
	late := make(chan bool)
	target := bodyApp(t, func(app *peer, head string) {
		app.read(1)
		go func() { // the time that must be able to pass
			defer close(late)
			<-time.After(2 * timeout)
		}()
		app.read(99_999)
		app.send(reply("done"))
	})
	client := dialFront(t, front(t, newRelay(t, Options{Timeout: timeout}), target, nil))
	client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nx")
	<-late
	client.send(strings.Repeat("x", 99_999))
	client.want(200, "done")
}

// TestTimeoutInBody has an app that stops in the middle of its response.
func TestTimeoutInBody(t *testing.T) {
	t.Parallel()
	over := make(chan bool)
	target := rawApp(t, func(app *peer) {
		app.head()
		app.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi")
		<-over
	})
	client := dialFront(t, front(t, newRelay(t, Options{Timeout: time.Second}), target, nil))
	client.send(get("/"))
	if res, body, err := client.response("GET"); res.StatusCode != 200 || body != "hi" || err == nil {
		t.Errorf("%d %q %v", res.StatusCode, body, err)
	}
	close(over)
}

// TestClientGoes has clients that go away while the app is silent. The app sees the end of its connection.
func TestClientGoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ request, answer string }{
		"before the answer": {get("/"), ""},
		"in the answer":     {get("/"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"},
		"with a body":       {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", ""},
		"in the body":       {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20000\r\n\r\nhi", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked, gone := make(chan bool), make(chan bool)
			target := rawApp(t, func(app *peer) {
				app.head()
				app.send(c.answer)
				asked <- true
				app.rest()
				close(gone)
			})
			failed := make(failures, 1)
			client := dialFront(t, front(t, newRelay(t, Options{Timeout: DefaultTimeout}), target, failed))
			client.send(c.request)
			<-asked
			if c.answer != "" {
				http.ReadResponse(client.r, nil)
			}
			client.Close()
			<-gone
			if c.answer == "" {
				if e := <-failed; !e.Client || e.Retriable {
					t.Errorf("%+v", e)
				}
			}
		})
	}
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	app := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Host)
	})}}
	app.Start()
	t.Cleanup(app.Close)
	r := newRelay(t, Options{})
	client := dialFront(t, front(t, r, Target{Network: "unix", Address: path}, nil))
	for range 3 {
		client.send(get("/"))
		client.want(200, "h")
	}
	if n := r.idleSoon(1); n != 1 {
		t.Errorf("%d connections are kept", n)
	}
}
