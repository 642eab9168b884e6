package relay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestPlainHead has an app that gets what the client has sent.
func TestPlainHead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(r *http.Request)
		want   string // the fields after Host
	}{
		"nothing": {func(*http.Request) {}, ""},
		"those of a front": {func(r *http.Request) {
			r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: []byte("raw")}}}
			r.Header = http.Header{"X-Forwarded-For": {"a", "b"}, "X-Forwarded-Proto": {"x"}, "Ms-Aspnetcore-Token": {"t"}, "X_forwarded_for": {"u"}}
		}, "Ms-Aspnetcore-Token: t\nX-Forwarded-For: a\nX-Forwarded-For: b\nX-Forwarded-Proto: x\nX_forwarded_for: u\n"},
		"those of one connection": {func(r *http.Request) {
			r.Header = http.Header{
				"Connection": {"close, A"}, "Keep-Alive": {"x"}, "Te": {"trailers"}, "A": {"x"}, "B": {"y"}, "Proxy-Connection": {"x"}, "Upgrade": {"x"},
			}
		}, "B: y\n"},
		"an upgrade": {func(r *http.Request) {
			r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"IRC/6.9, rta", "x"}}
		}, "Connection: Upgrade\nUpgrade: IRC/6.9, rta, x\n"},
		"an upgrade of another method": {func(r *http.Request) {
			r.Method = "POST"
			r.Header = http.Header{"Connection": {"upgrade"}, "Upgrade": {"tcp"}, "Content-Length": {"0"}}
		}, "Connection: Upgrade\nUpgrade: tcp\nContent-Length: 0\n"},
		"an upgrade with a body": {func(r *http.Request) {
			r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"x"}}
			r.ContentLength, r.Body = 2, io.NopCloser(strings.NewReader("hi"))
		}, "Content-Length: 2\n"},
		"an upgrade in HTTP/1.0": {func(r *http.Request) {
			r.Header, r.ProtoMinor = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"x"}}, 0
		}, ""},
		"trailers": {func(r *http.Request) {
			r.ContentLength, r.Trailer = -1, http.Header{"X-Forwarded-For": nil, "Content-Length": nil, "A": nil}
		}, "Trailer: A, X-Forwarded-For\nTransfer-Encoding: chunked\n"},
	} {
		req := request(c.change)
		x, err := newExchange(&Relay{options: Options{Plain: true}}, nil, req, Target{Token: "secret"})
		if err != nil {
			t.Fatal(err)
		}
		got := strings.ReplaceAll(string(x.request), "\r\n", "\n")
		want := req.Method + " / HTTP/1.1\nHost: h\n" + c.want + "\n"
		if got = strings.TrimSuffix(got, "hi"); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
		x.end()
	}
}

func TestPlainUpgrade(t *testing.T) {
	t.Parallel()
	target := rawApp(t, func(app *peer) {
		if head := app.head(); !strings.Contains(head, "\r\nUpgrade: foo, BAR/2\r\n") {
			t.Errorf("%q", head)
		}
		app.send("HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: bar/2\r\nA: b\r\n\r\n")
		io.Copy(app.Conn, app.r)
		closeWrite(app.Conn)
	})
	client := dialFront(t, front(t, newRelay(t, Options{Plain: true}), target, nil))
	client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: foo, BAR/2\r\n\r\nearly")
	if got, want := client.head(), "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: bar/2\r\nA: b\r\n\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	client.send("late")
	closeWrite(client.Conn)
	if got := client.rest(); got != "earlylate" {
		t.Errorf("got %q", got)
	}
}

// TestPlainUpgradeNobodyAskedFor has apps that choose what was not there to choose from.
func TestPlainUpgradeNobodyAskedFor(t *testing.T) {
	t.Parallel()
	for _, chosen := range []string{"Upgrade: x\r\n", "Upgrade: foo, x\r\n", "Upgrade: fo\r\n", ""} {
		target := rawApp(t, func(app *peer) {
			app.head()
			app.send("HTTP/1.1 101 x\r\nConnection: upgrade\r\n" + chosen + "\r\n")
		})
		failed := make(failures, 1)
		client := dialFront(t, front(t, newRelay(t, Options{Plain: true}), target, failed))
		client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: foo, bar\r\n\r\n")
		if res, _, _ := client.response("GET"); res.StatusCode != http.StatusBadGateway {
			t.Errorf("%q: status %d", chosen, res.StatusCode)
		}
		if e := <-failed; !isResponseError(e) {
			t.Errorf("%q: %v", chosen, e)
		}
	}
}

func isResponseError(err error) bool {
	_, is := errors.AsType[*ResponseError](err)
	return is
}

// TestDial has connections that Dial makes, and keeps them for each Target.
func TestDial(t *testing.T) {
	t.Parallel()
	target := rawApp(t, func(app *peer) {
		for app.head() != "" {
			app.send(reply("ok"))
		}
	})
	var dialed atomic.Int64
	named := Target{Network: "mine", Address: "name"}
	r := newRelay(t, Options{Plain: true, Dial: func(ctx context.Context, asked Target) (net.Conn, error) {
		dialed.Add(1)
		if asked != named {
			t.Errorf("asked for %+v", asked)
		}
		return new(net.Dialer).DialContext(ctx, "tcp", target.Address)
	}})
	client := dialFront(t, front(t, r, named, nil))
	for range 3 {
		client.send(get("/"))
		client.want(200, "ok")
		r.idleSoon(1)
	}
	if n := dialed.Load(); n != 1 {
		t.Errorf("dialed %d times", n)
	}
	r.Forget(named)
	client.send(get("/"))
	client.want(200, "ok")
	if n := dialed.Load(); n != 2 {
		t.Errorf("dialed %d times after Forget", n)
	}
}

// TestDialFails has the error told, and the request kept for another try.
func TestDialFails(t *testing.T) {
	t.Parallel()
	errMine := errors.New("mine")
	failed := make(failures, 1)
	r := newRelay(t, Options{Dial: func(context.Context, Target) (net.Conn, error) { return nil, errMine }})
	client := dialFront(t, front(t, r, Target{}, failed))
	client.send(get("/"))
	client.want(http.StatusBadGateway, "mine\n")
	if e := <-failed; !errors.Is(e, errMine) || e.Sent || !e.Retriable || e.Timeout {
		t.Errorf("%+v", e)
	}
}

// TestDialTakesTooLong has a Dial that waits until it is told that the time is over.
func TestDialTakesTooLong(t *testing.T) {
	t.Parallel()
	failed := make(failures, 1)
	r := newRelay(t, Options{Timeout: time.Millisecond, Dial: func(ctx context.Context, _ Target) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	client := dialFront(t, front(t, r, Target{}, failed))
	client.send(get("/"))
	if res, _, _ := client.response("GET"); res.StatusCode != http.StatusBadGateway {
		t.Errorf("status %d", res.StatusCode)
	}
	if e := <-failed; !e.Timeout || e.Sent || e.Client {
		t.Errorf("%+v", e)
	}
}

// TestFastIsNotPlain leaves all requests of a plain Relay to the complete way.
func TestFastIsNotPlain(t *testing.T) {
	t.Parallel()
	target := rawApp(t, func(app *peer) {
		for head := app.head(); head != ""; head = app.head() {
			if strings.Contains(head, "X-Forwarded") {
				t.Errorf("%q", head)
			}
			app.send(reply("ok"))
		}
	})
	f := serveFast(t, Options{Plain: true}, target, nil)
	client := f.client(t)
	client.send(get("/"))
	client.want(200, "ok")
	if n, begun := f.complete.Load(), f.begun.Load(); n != 1 || begun != 0 {
		t.Errorf("%d went the complete way, %d began on the fast one", n, begun)
	}
}
