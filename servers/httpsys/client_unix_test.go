//go:build unix

package httpsys

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/internal/wire"
)

func pathBase(r *http.Request) string {
	base, ok := feature.Get[feature.PathBase](r.Context())
	if !ok {
		return "none"
	}
	return base.Path
}

// ask sends a request on a connection and gives the status and the body.
func ask(t *testing.T, c net.Conn, r *bufio.Reader, target, host string) (int, string) {
	t.Helper()
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, host)
	return read(t, r)
}

func read(t *testing.T, r *bufio.Reader) (int, string) {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatalf("no response: %v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// portOf is the port that a handed over connection has come in on: prefixes of a test must have it.
func portOf(c net.Conn) int { return c.RemoteAddr().(*net.TCPAddr).Port }

// own gives a table with the app's own prefixes, at the port of c, and those of others.
func own(c net.Conn, version uint64, mine []string, others ...string) wire.Table {
	t := wire.Table{Version: version}
	for _, p := range mine {
		t.Entries = append(t.Entries, wire.Entry{Prefix: strings.Replace(p, ":5077/", fmt.Sprintf(":%d/", portOf(c)), 1), Mine: true})
	}
	for _, p := range others {
		t.Entries = append(t.Entries, wire.Entry{Prefix: strings.Replace(p, ":5077/", fmt.Sprintf(":%d/", portOf(c)), 1)})
	}
	return t
}

func TestHandedOver(t *testing.T) {
	t.Parallel()
	b := newFake(t)
	a := b.run(&Server{Handler: http.HandlerFunc(echo), Listens: []Listen{{URL: "http://localhost:0"}, {URL: "http://+:5077/base"}}})
	if want := []string{"http://localhost:5077", "http://+:5077/base"}; !slices.Equal(a.addresses, want) {
		t.Errorf("got %v, want %v", a.addresses, want)
	}
	w := <-b.workers
	client, server := tcpPair(t)
	w.table(own(client, 1, []string{"http://localhost:5077/", "http://*:5077/base/", "http://*:5077/a%20b/"}, "http://other:5077/"))
	w.hand(server.(*net.TCPConn), wire.Handover{Read: []byte("GET /x HTTP/1.1\r\n")})
	io.WriteString(client, "Host: localhost\r\n\r\n")
	r := bufio.NewReader(client)
	if status, body := read(t, r); status != 200 || body != "GET |/x" {
		t.Errorf("got %d %q", status, body)
	}
	if n, err := wire.ParseTaken(w.expect(wire.KindTaken).Payload); n != 1 || err != nil {
		t.Errorf("%d were taken (%v), want 1", n, err)
	}
	for _, c := range [][3]string{ // target, host, answer
		{"/BASE/Path?q", "elsewhere", "GET /BASE|/Path"},
		{"/base", "elsewhere", "GET /base|/"},
		{"/base/%2F/x%20y", "elsewhere", "GET /base|/%2F/x%20y"},
		{"/a%20B/c", "elsewhere", "GET /a B|/c"},
		{"/base/x", "localhost", "GET |/base/x"}, // a name comes before *
		{"/base/a/../b", "elsewhere", "GET /base|/b"},
	} {
		if status, body := ask(t, client, r, c[0], c[1]); status != 200 || body != c[2] {
			t.Errorf("%s at %s: got %d %q, want %q", c[0], c[1], status, body, c[2])
		}
	}
}

// TestHandBack: a request of another app goes back with its connection, and nothing of it is answered here.
func TestHandBack(t *testing.T) {
	t.Parallel()
	b := newFake(t)
	b.run(&Server{Handler: http.HandlerFunc(echo), Listens: []Listen{{URL: "http://*:5077"}}})
	w := <-b.workers
	client, server := tcpPair(t)
	w.table(own(client, 1, []string{"http://*:5077/"}, "http://*:5077/other/"))
	w.hand(server.(*net.TCPConn), wire.Handover{})
	r := bufio.NewReader(client)
	if status, body := ask(t, client, r, "/", "a"); status != 200 || body != "GET |/" {
		t.Errorf("got %d %q", status, body)
	}
	head := "GET /other/x HTTP/1.1\r\nHost: a\r\n\r\n"
	io.WriteString(client, head)
	f := w.expect(wire.KindBack)
	back, err := wire.ParseHandback(f.Payload)
	if err != nil || f.ID != 0 || back.Meta != nil || back.Queue != "" || string(back.Read) != head {
		t.Fatalf("got %+v (%v), id %d", back, err, f.ID)
	}
	other, err := wire.NetConn(f.FD)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	io.WriteString(other, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother")
	if status, body := read(t, r); status != 200 || body != "other" {
		t.Errorf("got %d %q", status, body)
	}
}

// TestReconnect: a broker that is lost does no harm to connections that are open, and everything is registered again.
func TestReconnect(t *testing.T) {
	t.Parallel()
	b := newFake(t)
	b.run(&Server{Handler: http.HandlerFunc(echo), Listens: []Listen{{URL: "http://*:0"}, {URL: "http://*:0/b"}}, Options: Options{RequestQueueName: "q"}})
	w := <-b.workers
	client, server := tcpPair(t)
	w.table(own(client, 1, []string{"http://*:5077/"}, "http://*:5077/other/"))
	w.hand(server.(*net.TCPConn), wire.Handover{})
	r := bufio.NewReader(client)
	ask(t, client, r, "/", "a")

	b.stop()
	w.Close()
	if status, body := ask(t, client, r, "/1", "a"); status != 200 || body != "GET |/1" {
		t.Errorf("without a broker: got %d %q", status, body)
	}
	b.start()
	again := <-b.workers
	if again.open.Mode != wire.CreateOrAttach || again.open.Queue != "q" {
		t.Errorf("the queue is opened by %+v", again.open)
	}
	next, server := tcpPair(t)
	again.table(own(next, 1, []string{"http://*:5077/"}))
	if want, got := []string{"http://*:5077/", "http://*:5077/b/"}, again.registered(); !slices.Equal(got, want) {
		t.Errorf("got %v registered, want %v", got, want)
	}
	again.hand(server.(*net.TCPConn), wire.Handover{})
	if status, body := ask(t, next, bufio.NewReader(next), "/2", "a"); status != 200 || body != "GET |/2" {
		t.Errorf("got %d %q", status, body)
	}
}

// TestForeignWithoutBroker: nobody can say whose a request is, so the client is told to come again.
func TestForeignWithoutBroker(t *testing.T) {
	t.Parallel()
	b := newFake(t)
	b.run(&Server{Handler: http.HandlerFunc(echo), Listens: []Listen{{URL: "http://*:0"}}})
	w := <-b.workers
	client, server := tcpPair(t)
	w.table(own(client, 1, []string{"http://*:5077/"}, "http://*:5077/other/"))
	w.hand(server.(*net.TCPConn), wire.Handover{})
	r := bufio.NewReader(client)
	ask(t, client, r, "/", "a")
	b.stop()
	w.Close()
	for range w.frames { // until the app has seen it
	}
	if status, _ := ask(t, client, r, "/other/", "a"); status != 503 {
		t.Errorf("got %d, want 503", status)
	}
	if _, err := r.ReadByte(); err != io.EOF {
		t.Errorf("the connection goes on: %v", err)
	}
}

// TestDrain: nothing is taken once the app wants to end, and what it has taken is served.
func TestDrain(t *testing.T) {
	t.Parallel()
	b := newFake(t, func(b *fake) { b.holdsDrain = true })
	entered, leave := make(chan struct{}), make(chan struct{})
	a := b.run(&Server{Listens: []Listen{{URL: "http://*:0"}}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-leave
		echo(w, r)
	})})
	w := <-b.workers
	client, server := tcpPair(t)
	w.table(own(client, 1, []string{"http://*:5077/"}))
	w.hand(server.(*net.TCPConn), wire.Handover{})
	io.WriteString(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-entered
	a.stop()
	drain := w.expect(wire.KindDrain)
	late := w.give(wire.Handover{})
	w.answer(drain, nil, nil)
	if _, err := late.Read(make([]byte, 1)); err == nil {
		t.Error("a connection that came after Drain was answered")
	}
	close(leave)
	if status, body := read(t, bufio.NewReader(client)); status != 200 || body != "GET |/" {
		t.Errorf("got %d %q", status, body)
	}
	if err := <-a.done; err != nil {
		t.Error(err)
	}
	a.done <- nil
	for f := range w.frames {
		if f.Kind == wire.KindTaken {
			t.Error("a connection that came after Drain was taken")
		}
		f.Close()
	}
}

// TestRefused: all that are refused are told, and nothing stays registered.
func TestRefused(t *testing.T) {
	t.Parallel()
	b := newFake(t, func(b *fake) {
		b.refuse = func(prefix string) *wire.Error {
			switch {
			case strings.Contains(prefix, "/a/"):
				return &wire.Error{Code: wire.CodeExists, Message: "process 7 (x) has it", Advice: "stop it"}
			case strings.Contains(prefix, "/b/"):
				return &wire.Error{Code: wire.CodePort, Message: "no such port"}
			}
			return nil
		}
	})
	_, err := b.try(&Server{Listens: []Listen{{URL: "http://*:0/c"}, {URL: "http://*:1/a", Source: "here"}, {URL: "http://*:1/b"}}})
	if !errors.Is(err, ErrExists) || !errors.Is(err, ErrPort) || errors.Is(err, ErrReserved) {
		t.Errorf("got %v", err)
	}
	refused, ok := errors.AsType[*RegistrationError](err)
	if !ok || refused.URL != "http://*:1/a" || refused.Hint() != "stop it" ||
		refused.Error() != "cannot register http://*:1/a (here): process 7 (x) has it" {
		t.Errorf("got %v", refused)
	}
	w := <-b.workers
	for f := range w.frames { // until it is closed
		f.Close()
	}
}

func TestNoBroker(t *testing.T) {
	t.Parallel()
	b := newFake(t)
	b.stop()
	_, err := b.try(&Server{})
	if missing, ok := errors.AsType[*wire.NoBrokerError](err); !ok || missing.Hint() == "" {
		t.Errorf("got %v", err)
	}
}
