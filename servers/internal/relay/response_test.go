package relay

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// answered is what a client sees.
type answered struct {
	Status  int
	Header  http.Header // without Date
	Body    string
	Aborted bool
	Trailer http.Header
}

// TestResponses has what the app sends, and what the client then sees. The app closes its connection after it.
func TestResponses(t *testing.T) {
	t.Parallel()
	length := func(n int) http.Header { return http.Header{"Content-Length": {fmt.Sprint(n)}} }
	for name, c := range map[string]struct {
		method string // empty: GET
		bytes  string
		want   answered
	}{
		"length":         {"", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", answered{200, length(2), "hi", false, nil}},
		"same twice":     {"", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", answered{200, length(2), "hi", false, nil}},
		"LF":             {"", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", answered{200, length(2), "hi", false, nil}},
		"no reason":      {"", "HTTP/1.1 299\r\nContent-Length: 0\r\n\r\n", answered{299, length(0), "", false, nil}},
		"own reason":     {"", "HTTP/1.1 599 My Own\r\nContent-Length: 0\r\n\r\n", answered{599, length(0), "", false, nil}},
		"too long":       {"", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi there", answered{200, length(2), "hi", false, nil}},
		"too short":      {"", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", answered{200, length(5), "hi", true, nil}},
		"until close":    {"", "HTTP/1.1 200 OK\r\n\r\nhi", answered{200, http.Header{}, "hi", false, nil}},
		"HTTP/1.0":       {"", "HTTP/1.0 200 OK\r\n\r\nhi", answered{200, http.Header{}, "hi", false, nil}},
		"empty":          {"", "HTTP/1.0 200 OK\r\n\r\n", answered{200, http.Header{}, "", false, nil}},
		"chunked":        {"", "HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n1;a=b\r\nh\r\n0001 \r\ni\r\n0\r\n\r\n", answered{200, http.Header{}, "hi", false, nil}},
		"chunks torn":    {"", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhi", answered{200, http.Header{}, "hi", true, nil}},
		"chunks not end": {"", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", answered{200, http.Header{}, "hi", true, nil}},
		"bad chunk":      {"", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nx\r\n", answered{200, http.Header{}, "hi", true, nil}},
		"long chunk":     {"", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi!\r\n0\r\n\r\n", answered{200, http.Header{}, "hi", true, nil}},
		"LF chunk":       {"", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nhi\r\n0\r\n\r\n", answered{200, http.Header{}, "", true, nil}},
		"big chunk":      {"", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nhi", answered{200, http.Header{}, "", true, nil}},
		"trailers": {"", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\nX-A: head\r\n\r\n2\r\nhi\r\n0\r\nX-A: 1\r\nX-B: 2\r\nContent-Length: 9\r\nMS-ASPNETCORE-TOKEN: t\r\n\r\n",
			answered{200, http.Header{"X-A": {"head"}}, "hi", false, http.Header{"X-A": {"1"}, "X-B": {"2"}}}},
		"HEAD":        {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", answered{200, length(7), "", false, nil}},
		"HEAD chunks": {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", answered{200, http.Header{}, "", false, nil}},
		"204":         {"", "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", answered{204, http.Header{"X": {"y"}}, "", false, nil}},
		"304":         {"", "HTTP/1.1 304 Not Modified\r\nEtag: e\r\n\r\n", answered{304, http.Header{"Etag": {"e"}}, "", false, nil}},
		"connection": {"", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close, X-A\r\nX-A: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nUpgrade: h2c\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n",
			answered{200, length(0), "", false, nil}},
		"fields": {"", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nSet-Cookie: b\r\nset-cookie:a \r\nServer: App\r\nLocation: http://x/\r\nWWW-Authenticate: Basic\r\nX: \xe9\r\nEmpty:\r\n\r\n<",
			answered{200, http.Header{"Content-Length": {"1"}, "Set-Cookie": {"b", "a"}, "Server": {"App"}, "Location": {"http://x/"},
				"Www-Authenticate": {"Basic"}, "X": {"\xe9"}, "Empty": {""}}, "<", false, nil}},
		"early hints": {"", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
			answered{200, length(2), "hi", false, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method := c.method
			if method == "" {
				method = "GET"
			}
			target := rawApp(t, func(app *peer) {
				app.head()
				app.send(c.bytes)
			})
			client := dialFront(t, front(t, newRelay(t, Options{Timeout: DefaultTimeout}), target, nil))
			client.send(method + " / HTTP/1.1\r\nHost: h\r\n\r\n")
			if diff := cmp.Diff(c.want, client.answered(method)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !c.want.Aborted { // the connection of the client goes on, whatever the app's does
				client.send(method + " / HTTP/1.1\r\nHost: h\r\n\r\n")
				if got := client.answered(method); got.Status != c.want.Status {
					t.Errorf("the second: %+v", got)
				}
			}
		})
	}
}

// answered reads a final response.
func (p *peer) answered(method string) answered {
	p.t.Helper()
	for {
		res, body, err := p.response(method)
		if res.StatusCode < 200 {
			continue
		}
		if res.Header.Get("Date") == "Thu, 01 Jan 1970 00:00:00 GMT" {
			p.t.Error("Date is the app's")
		}
		res.Header.Del("Date")
		if len(res.Trailer) == 0 {
			res.Trailer = nil
		}
		return answered{res.StatusCode, res.Header, body, err != nil, res.Trailer}
	}
}

// TestBadResponses has what is no response: the client sees the front's error, and the caller an *Error.
func TestBadResponses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ bytes, reason string }{
		"nothing":          {"", "without a response"},
		"half a head":      {"HTTP/1.1 200 OK\r\nX: y\r\n", "ends inside its head"},
		"no HTTP":          {"SSH-2.0-x\r\n\r\n", "begins with"},
		"HTTP/2":           {"HTTP/2.0 200 OK\r\n\r\n", "begins with"},
		"HTTP/0.9":         {"hi\n\n", "begins with"},
		"status":           {"HTTP/1.1 99 x\r\n\r\n", "status line"},
		"low status":       {"HTTP/1.1 099 x\r\n\r\n", "status line"},
		"long status":      {"HTTP/1.1 2000 x\r\n\r\n", "status line"},
		"signed status":    {"HTTP/1.1 +20 x\r\n\r\n", "status line"},
		"CR in reason":     {"HTTP/1.1 200 x\ry\r\n\r\n", "status line"},
		"NUL":              {"HTTP/1.1 200 OK\r\nX: \x00\r\n\r\n", "no field"},
		"CR":               {"HTTP/1.1 200 OK\r\nX: a\rY: b\r\n\r\n", "no field"},
		"folded":           {"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "no field"},
		"space in name":    {"HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\nx", "no field"},
		"no colon":         {"HTTP/1.1 200 OK\r\nX\r\n\r\n", "no field"},
		"two lengths":      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "Content-Length"},
		"list of lengths":  {"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n", "Content-Length"},
		"signed length":    {"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx", "Content-Length"},
		"length and chunk": {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "both"},
		"other coding":     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "Transfer-Encoding"},
		"chunked twice":    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding"},
		"chunks in 1.0":    {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.0"},
		"101 unasked":      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "nobody has asked"},
		"long head":        {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHead) + "\r\n\r\n", "longer than"},
		"endless head":     {"HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", maxHead/5), "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := rawApp(t, func(app *peer) {
				app.head()
				app.send(c.bytes)
				closeWrite(app.Conn)
				app.rest()
			})
			failed := make(failures, 1)
			client := dialFront(t, front(t, newRelay(t, Options{Timeout: DefaultTimeout}), target, failed))
			client.send(get("/"))
			if res, _, _ := client.response("GET"); res.StatusCode != http.StatusBadGateway {
				t.Errorf("status %d", res.StatusCode)
			}
			if e := <-failed; !strings.Contains(e.Error(), c.reason) || !e.Sent || e.Timeout || e.Client || !e.Retriable {
				t.Errorf("got %+v, want %s", e, c.reason)
			}
		})
	}
}

// TestHeadLimit takes a head of the longest kind, in pieces.
func TestHeadLimit(t *testing.T) {
	t.Parallel()
	head := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: "
	head += strings.Repeat("x", maxHead-len(head)-4) + "\r\n\r\n"
	target := rawApp(t, func(app *peer) {
		for app.head() != "" {
			app.send(head[:9000])
			app.send(head[9000:])
			app.send("hi")
		}
	})
	client := dialFront(t, front(t, newRelay(t, Options{}), target, nil))
	for range 2 {
		client.send(get("/"))
		client.want(200, "hi")
	}
}

func TestEarlyHints(t *testing.T) {
	t.Parallel()
	target := rawApp(t, func(app *peer) {
		app.head()
		app.send("HTTP/1.1 103 Early Hints\r\nLink: a\r\nLink: b\r\nConnection: close\r\n\r\nHTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 2\r\n\r\nhi")
	})
	client := dialFront(t, front(t, newRelay(t, Options{}), target, nil))
	client.send(get("/"))
	res, _, _ := client.response("GET")
	if diff := cmp.Diff(http.Header{"Link": {"a", "b"}}, res.Header); res.StatusCode != 103 || diff != "" {
		t.Errorf("%d %s", res.StatusCode, diff)
	}
	if res := client.want(200, "hi"); res.Header.Get("Link") != "" || res.Header.Get("X") != "y" {
		t.Error(res.Header)
	}
}

func TestForwardConnection(t *testing.T) {
	t.Parallel()
	target := rawApp(t, func(app *peer) {
		app.head()
		app.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi")
	})
	client := dialFront(t, front(t, newRelay(t, Options{ForwardConnection: true}), target, nil))
	client.send(get("/"))
	if res := client.want(200, "hi"); !res.Close {
		t.Error("the client was not told that the connection ends")
	}
	client.rest()
}

// TestHTTP10 has a client that knows no chunks.
func TestHTTP10(t *testing.T) {
	t.Parallel()
	target := rawApp(t, func(app *peer) {
		if head := app.head(); !strings.HasPrefix(head, "GET / HTTP/1.1\r\nHost: \r\n") {
			t.Errorf("%q", head)
		}
		app.send("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n")
	})
	client := dialFront(t, front(t, newRelay(t, Options{}), target, nil))
	client.send("GET / HTTP/1.0\r\n\r\n")
	got := client.rest()
	if !strings.HasPrefix(got, "HTTP/1.0 200 OK\r\n") || !strings.HasSuffix(got, "\r\n\r\nhi") || strings.Contains(got, "chunked") {
		t.Errorf("%q", got)
	}
}

// TestStreams has an app that waits for the client to have each piece before it sends the next.
func TestStreams(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ head, piece string }{
		"chunked":     {"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n", "6\r\ndata\n\n\r\n"},
		"length":      {"Content-Length: 60\r\n", "data\n\n"},
		"until close": {"", "data\n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := make(chan bool)
			target := rawApp(t, func(app *peer) {
				app.head()
				app.send("HTTP/1.1 200 OK\r\n" + c.head + "\r\n")
				<-got
				for range 10 {
					app.send(c.piece)
					<-got
				}
				if name == "chunked" {
					app.send("0\r\n\r\n")
				}
			})
			client := dialFront(t, front(t, newRelay(t, Options{Timeout: DefaultTimeout}), target, nil))
			client.send(get("/"))
			res, err := http.ReadResponse(client.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			got <- true
			for range 10 {
				piece := make([]byte, 6)
				if _, err := io.ReadFull(res.Body, piece); err != nil || string(piece) != "data\n\n" {
					t.Fatalf("%q %v", piece, err)
				}
				got <- true
			}
			if rest, err := io.ReadAll(res.Body); len(rest) > 0 || err != nil {
				t.Errorf("%q %v", rest, err)
			}
		})
	}
}
