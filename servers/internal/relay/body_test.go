package relay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/kestrel"
)

// bodyApp calls tell with each head that comes.
func bodyApp(t *testing.T, tell func(app *peer, head string)) Target {
	return rawApp(t, func(app *peer) {
		for head := app.head(); head != ""; head = app.head() {
			tell(app, head)
		}
	})
}

// TestBodies has what a client sends as a body, and what the app gets on the wire.
func TestBodies(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("0123456789abcdef", 20_000)
	for name, c := range map[string]struct{ fields, body, want string }{
		"small":   {"Content-Length: 5\r\n", "hello", "hello"},
		"large":   {fmt.Sprintf("Content-Length: %d\r\n", len(large)), large, large},
		"chunked": {"Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"},
		"empty":   {"Transfer-Encoding: chunked\r\n", "0\r\n\r\n", "0\r\n\r\n"},
		"trailers": {"Transfer-Encoding: chunked\r\nTrailer: X-A\r\n", "2\r\nhi\r\n0\r\nX-A: 1\r\nX-B: 2\r\nMs-Aspnetcore-Token: forged\r\nX-Forwarded-For: forged\r\nHost: forged\r\n\r\n",
			"2\r\nhi\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n"},
		"both framings": {"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "2\r\nhi\r\n0\r\n\r\n", "2\r\nhi\r\n0\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := bodyApp(t, func(app *peer, head string) {
				if chunked := strings.Contains(head, "\r\nTransfer-Encoding: chunked\r\n"); chunked == strings.Contains(head, "\r\nContent-Length: ") {
					t.Errorf("%q", head)
				}
				if got := app.read(len(c.want)); got != c.want {
					t.Errorf("got %.100q, want %.100q", got, c.want)
				}
				app.send(reply("done"))
			})
			client := dialFront(t, front(t, newRelay(t, Options{Timeout: DefaultTimeout}), target, nil))
			for range 2 {
				client.send("POST / HTTP/1.1\r\nHost: h\r\n" + c.fields + "\r\n" + c.body)
				if client.want(200, "done"); name == "both framings" {
					return // the front ends the connection
				}
			}
		})
	}
}

// TestSmallBodyComesLate has an app hear of a request, and answer it, before its small body has come, and get the rest of a
// body as it comes.
func TestSmallBodyComesLate(t *testing.T) {
	t.Parallel()
	heard := make(chan bool)
	target := bodyApp(t, func(app *peer, _ string) {
		if got := app.read(len("begin")); got != "begin" {
			t.Errorf("got %q", got)
		}
		app.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
		heard <- true
		if got := app.read(len("rest")); got != "rest" {
			t.Errorf("then got %q", got)
		}
		app.send("done")
	})
	client := dialFront(t, front(t, newRelay(t, Options{Timeout: DefaultTimeout}), target, nil))
	for range 2 { // on kept connections, too
		client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nbegin")
		<-heard
		client.send("rest")
		client.want(200, "done")
	}
}

// TestSmallBodyRepeated has a body of which only a piece has come go whole to another app, when the first one is not there.
func TestSmallBodyRepeated(t *testing.T) {
	t.Parallel()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	target := bodyApp(t, func(app *peer, _ string) { app.send(reply(app.read(len("begin and rest")))) })
	relay, failed := newRelay(t, Options{}), make(chan bool)
	client := dialFront(t, serveFront(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		failure, ok := errors.AsType[*Error](relay.Forward(w, r, Target{Address: gone.Addr().String()}))
		if !ok || failure.Sent || !failure.Retriable {
			t.Errorf("got %+v", failure)
		}
		failed <- true
		if err := relay.Forward(w, r, target); err != nil {
			t.Error(err)
		}
	}), kestrel.Binding{}))
	client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 14\r\n\r\nbegin ")
	<-failed
	client.send("and rest")
	client.want(200, "begin and rest")
}

// TestStreamsUp has a client that sends the next piece when the app has the last one.
func TestStreamsUp(t *testing.T) {
	t.Parallel()
	got := make(chan bool)
	target := bodyApp(t, func(app *peer, head string) {
		for range 5 {
			if piece := app.read(len("2\r\nhi\r\n")); piece != "2\r\nhi\r\n" {
				t.Errorf("%q", piece)
			}
			got <- true
		}
		app.read(len("0\r\n\r\n"))
		app.send(reply("done"))
	})
	client := dialFront(t, front(t, newRelay(t, Options{}), target, nil))
	client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
	for range 5 {
		client.send("2\r\nhi\r\n")
		<-got
	}
	client.send("0\r\n\r\n")
	client.want(200, "done")
}

func TestExpect(t *testing.T) {
	t.Parallel()
	const ask = "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
	for name, c := range map[string]struct {
		answer   string // to the head
		then     string // to the body, if there is one
		statuses []int  // that the client sees
	}{
		"wanted":     {"HTTP/1.1 100 Continue\r\n\r\n", reply(""), []int{100, 200}},
		"not wanted": {"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n", "", []int{417}},
		"silent":     {"", reply(""), []int{100, 200}},
		"hints":      {"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", reply(""), []int{103, 100, 200}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := bodyApp(t, func(app *peer, head string) {
				if !strings.Contains(head, "\r\nExpect: 100-continue\r\n") {
					t.Errorf("%q", head)
				}
				app.send(c.answer)
				if c.then == "" {
					if rest := app.rest(); rest != "" {
						t.Errorf("a body that nobody wants: %q", rest)
					}
					return
				}
				if body := app.read(5); body != "hello" {
					t.Errorf("%q", body)
				}
				app.send(c.then)
			})
			o := Options{ContinueTimeout: testPatience}
			if c.answer == "" {
				o.ContinueTimeout = 2 * glance
			}
			client := dialFront(t, front(t, newRelay(t, o), target, nil))
			client.send(ask)
			for _, want := range c.statuses {
				res, _, _ := client.response("POST")
				if res.StatusCode != want {
					t.Fatalf("got %d, want %d", res.StatusCode, want)
				}
				if want == 100 {
					client.send("hello")
				}
			}
		})
	}
}

// TestEarlyAnswer has an app that answers before it has the body, and closes.
func TestEarlyAnswer(t *testing.T) {
	t.Parallel()
	target := rawApp(t, func(app *peer) {
		app.head()
		app.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
		closeWrite(app.Conn)
		app.rest() // an app that does not would reset its own answer
	})
	forward := forwarding(newRelay(t, Options{}), target, nil)
	other := httptest.NewServer(forward) // net/http's own, in which closing a body waits for its reader
	t.Cleanup(other.Close)
	for _, addr := range []string{serveFront(t, forward, noTLS), other.Listener.Addr().String()} {
		client := dialFront(t, addr)
		client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nbegins")
		client.want(413, "no") // and the rest of the body has not come
		client.Close()
	}
}

// TestDuplex answers each piece of a body with a piece of the response.
func TestDuplex(t *testing.T) {
	t.Parallel()
	target := rawApp(t, func(app *peer) {
		app.head()
		app.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		for range 5 {
			app.send(app.read(len("2\r\nhi\r\n")))
		}
		app.send(app.read(len("0\r\n\r\n")))
	})
	client := dialFront(t, front(t, newRelay(t, Options{}), target, nil))
	client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
	res, err := http.ReadResponse(client.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		client.send("2\r\nhi\r\n")
		piece := make([]byte, 2)
		if _, err := io.ReadFull(res.Body, piece); err != nil || string(piece) != "hi" {
			t.Fatalf("%q %v", piece, err)
		}
	}
	client.send("0\r\n\r\n")
	if rest, err := io.ReadAll(res.Body); len(rest) > 0 || err != nil {
		t.Errorf("%q %v", rest, err)
	}
}

// TestBodyCutOff has clients that do not send all of their body. The app sees that it is not whole.
func TestBodyCutOff(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ fields, body string }{
		"small":     {"Content-Length: 5\r\n", "hell"},
		"large":     {"Content-Length: 100000\r\n", "hell"},
		"chunked":   {"Transfer-Encoding: chunked\r\n", "5\r\nhell"},
		"bad chunk": {"Transfer-Encoding: chunked\r\n", "4\r\nhell\r\nno chunk\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := make(chan string, 1)
			target := rawApp(t, func(app *peer) {
				app.head()
				whole <- app.rest()
			})
			failed := make(failures, 1)
			client := dialFront(t, front(t, newRelay(t, Options{}), target, failed))
			client.send("POST / HTTP/1.1\r\nHost: h\r\n" + c.fields + "\r\n" + c.body)
			if name != "bad chunk" {
				closeWrite(client.Conn)
			}
			if e := <-failed; !e.Client || e.Retriable {
				t.Errorf("%+v", e)
			}
			if name == "small" {
				return // the app has seen nothing
			}
			if got := <-whole; strings.HasSuffix(got, "0\r\n\r\n") {
				t.Errorf("the app was told %q", got)
			}
		})
	}
}

// TestOtherBody has a handler before Forward that puts another body into the request.
func TestOtherBody(t *testing.T) {
	t.Parallel()
	target := rawApp(t, func(app *peer) {
		app.head()
		app.rest()
	})
	for _, length := range []int64{5, 100_000} {
		failed := make(failures, 1)
		forward := forwarding(newRelay(t, Options{}), target, failed)
		client := dialFront(t, serveFront(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.ContentLength, r.Body = length, io.NopCloser(bytes.NewReader([]byte("abc")))
			forward(w, r)
		}), noTLS))
		client.send(get("/"))
		if e := <-failed; !e.Client {
			t.Errorf("%+v", e)
		}
	}
}
