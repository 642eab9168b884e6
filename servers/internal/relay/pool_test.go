package relay

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// idle counts the connections that are kept.
func (r *Relay) idle() (n int) {
	for _, p := range *r.pools.Load() {
		n += p.sweep(func(*conn) bool { return true })
	}
	return n
}

// TestStale has an app that closes each connection after one answer without saying so: sometimes before the next request
// is sent, sometimes when it has come. None is lost that may be repeated.
func TestStale(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		request string
		late    bool // the app closes when it has the second request
		fails   bool
	}{
		"GET":                   {get("/"), false, false},
		"POST":                  {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", false, false},
		"GET, seen":             {get("/"), true, false},
		"PUT, seen":             {"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", true, false},
		"POST, seen":            {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", true, true},
		"PUT with chunks, seen": {"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			closed := make(chan bool, 10)
			var first atomic.Bool
			target := rawApp(t, func(app *peer) {
				isFirst := first.CompareAndSwap(false, true)
				app.answerOnce()
				if isFirst && c.late {
					app.head()
				}
				app.Close()
				closed <- true
			})
			failed := make(failures, 1)
			client := dialFront(t, front(t, newRelay(t, Options{Timeout: DefaultTimeout}), target, failed))
			client.send(c.request)
			client.want(200, "ok")
			if !c.late {
				<-closed
			}
			client.send(c.request)
			if !c.fails {
				client.want(200, "ok")
				return
			}
			if e := <-failed; !e.Sent || e.Retriable {
				t.Errorf("%+v", e)
			}
		})
	}
}

// answerOnce reads a request with a body of the kinds that the tests have.
func (p *peer) answerOnce() {
	switch head := p.head(); {
	case strings.Contains(head, "Content-Length: 2"):
		p.read(2)
	case strings.Contains(head, "chunked"):
		p.read(len("0\r\n\r\n"))
	}
	p.send(reply("ok"))
}

// TestUnsolicited has an app that says something between two requests: no client may get it as its response.
func TestUnsolicited(t *testing.T) {
	t.Parallel()
	said := make(chan bool, 10)
	target := rawApp(t, func(app *peer) {
		app.answerOnce()
		app.send("HTTP/1.1 408 Request Timeout\r\nContent-Length: 3\r\n\r\nbad")
		said <- true
		app.rest()
	})
	client := dialFront(t, front(t, newRelay(t, Options{}), target, nil))
	for range 3 {
		client.send(get("/"))
		client.want(200, "ok")
		<-said
	}
}

func TestKept(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	target := rawApp(t, func(app *peer) {
		connections.Add(1)
		for i := 1; ; i++ {
			head := app.head()
			if head == "" {
				return
			}
			app.send(reply(fmt.Sprint(i)))
		}
	})
	r := newRelay(t, Options{Timeout: DefaultTimeout})
	client := dialFront(t, front(t, r, target, nil))
	for i := range 10 {
		client.send(get("/"))
		client.want(200, fmt.Sprint(i+1))
	}
	if n := connections.Load(); n != 1 || r.idleSoon(1) != 1 {
		t.Errorf("%d connections, %d are kept", n, r.idle())
	}
	r.Forget(target)
	if n := r.idle(); n != 0 {
		t.Errorf("%d are kept after Forget", n)
	}
	client.send(get("/"))
	client.want(200, "1")
	r.Close()
	client.send(get("/"))
	client.want(200, "1")
	if n := r.idle(); n != 0 {
		t.Errorf("%d are kept after Close", n)
	}
}

func TestNotKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		o       Options
		method  string
		answers string
		kept    int
	}{
		"close":       {Options{}, "GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 0},
		"HTTP/1.0":    {Options{}, "GET", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 0},
		"1.0, both":   {Options{}, "GET", "HTTP/1.0 200 OK\r\nConnection: close, Keep-Alive\r\nContent-Length: 0\r\n\r\n", 0},
		"1.0, kept":   {Options{}, "GET", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n", 1},
		"more":        {Options{}, "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore", 0},
		"204, length": {Options{}, "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 0},
		"204":         {Options{}, "GET", "HTTP/1.1 204 No Content\r\n\r\n", 1},
		"HEAD":        {Options{}, "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 1},
		"none":        {Options{MaxIdle: -1}, "GET", "HTTP/1.1 204 No Content\r\n\r\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := rawApp(t, func(app *peer) {
				app.head()
				app.send(c.answers)
				app.rest()
			})
			r := newRelay(t, c.o)
			client := dialFront(t, front(t, r, target, nil))
			client.send(c.method + " / HTTP/1.1\r\nHost: h\r\n\r\n")
			client.response(c.method)
			client.Close()
			if n := r.idleSoon(c.kept); n != c.kept {
				t.Errorf("%d are kept, want %d", n, c.kept)
			}
		})
	}
}

// idleSoon waits until n connections are kept: the client may have its response earlier.
func (r *Relay) idleSoon(n int) int {
	for until := time.Now().Add(testPatience); r.idle() != n && time.Now().Before(until); {
		time.Sleep(time.Millisecond) // nothing tells when a connection is put back
	}
	return r.idle()
}

// TestSweep has connections grow old, and others that the app closes.
func TestSweep(t *testing.T) {
	t.Parallel()
	stop := make(chan bool)
	target := rawApp(t, func(app *peer) {
		app.answerOnce()
		<-stop
	})
	ask := func(o Options) *Relay {
		r := newRelay(t, o)
		client := dialFront(t, front(t, r, target, nil))
		client.send(get("/"))
		client.want(200, "ok")
		return r
	}
	if n := ask(Options{IdleTimeout: 40 * time.Millisecond}).idleSoon(0); n != 0 {
		t.Errorf("%d are kept for too long", n)
	}
	r := ask(Options{})
	if n := r.idleSoon(1); n != 1 {
		t.Fatalf("%d are kept", n)
	}
	close(stop)
	for until := time.Now().Add(testPatience); r.idle() != 0; {
		r.look()
		if time.Now().After(until) {
			t.Fatal("one is kept that the app has closed")
		}
	}
}
