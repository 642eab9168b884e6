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
	"time"

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

// unusable sends a frame that says of a connection, but has none.
func (w *worker) unusable(t *testing.T) {
	t.Helper()
	if err := w.Send(wire.Frame{Kind: wire.KindConn}); err != nil {
		t.Fatal(err)
	}
}

// TestUnusable: what cannot be used here goes back in its turn, and what comes before and after is served.
func TestUnusable(t *testing.T) {
	t.Parallel()
	b := newFake(t)
	b.run(&Server{Handler: http.HandlerFunc(echo), Listens: []Listen{{URL: "http://*:0"}}})
	w := <-b.workers
	first, server := tcpPair(t)
	third, last := tcpPair(t)
	table := own(first, 1, []string{"http://*:5077/"})
	table.Entries = append(table.Entries, own(third, 1, []string{"http://*:5077/"}).Entries...)
	w.table(table)
	w.hand(server.(*net.TCPConn), wire.Handover{})
	w.unusable(t)
	w.unusable(t)
	w.hand(last.(*net.TCPConn), wire.Handover{})
	var said []string
	for len(said) < 4 {
		f := <-w.frames
		switch f.Kind {
		case wire.KindTaken:
			if n, err := wire.ParseTaken(f.Payload); n != 1 || err != nil {
				t.Errorf("%d were taken (%v)", n, err)
			}
			said = append(said, "took")
		case wire.KindBack:
			if f.FD != 0 || f.ID != 0 || len(f.Payload) != 0 {
				t.Errorf("got %+v", f)
			}
			said = append(said, "back")
		}
	}
	if got := strings.Join(said, " "); got != "took back back took" {
		t.Errorf("the app said %s", got)
	}
	if status, _ := ask(t, first, bufio.NewReader(first), "/", "a"); status != 200 {
		t.Errorf("the first: got %d", status)
	}
	if status, _ := ask(t, third, bufio.NewReader(third), "/", "a"); status != 200 {
		t.Errorf("the third: got %d", status)
	}
}

// seen is echo for a test that needs the app's own side: requests leave it in the channel.
func seen(to chan<- *client) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to <- r.Context().Value(delegatorKey{}).(*client)
		echo(w, r)
	})
}

// TestUntold: what the broker has not been told of is somebody else's, and not served.
func TestUntold(t *testing.T) {
	t.Parallel()
	b := newFake(t)
	requests := make(chan *client, 10)
	b.run(&Server{Listens: []Listen{{URL: "http://*:0"}}, Handler: seen(requests)})
	w := <-b.workers
	first, server := tcpPair(t)
	w.table(own(first, 1, []string{"http://*:5077/"}))
	w.hand(server.(*net.TCPConn), wire.Handover{})
	ask(t, first, bufio.NewReader(first), "/", "a")
	c := <-requests
	next, server := tcpPair(t)
	io.WriteString(next, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	s := c.session.Load()
	s.conn.Close()
	s.serve([]arrival{{conn: server}})
	if _, err := next.Read(make([]byte, 1)); err == nil || len(requests) > 0 {
		t.Errorf("it is served: %v", err)
	}
	ask(t, first, bufio.NewReader(first), "/", "a") // what was taken before goes on
}

// TestFormsOfTargets: what the parser of heads says of a request and what its handler has lead to the same prefix.
func TestFormsOfTargets(t *testing.T) {
	t.Parallel()
	b := newFake(t)
	b.run(&Server{Handler: http.HandlerFunc(echo), Listens: []Listen{{URL: "http://*:0"}}})
	w := <-b.workers
	client, server := tcpPair(t)
	w.table(own(client, 1, []string{"http://a:5077/", "http://a:5077/base/"}, "http://other:5077/", "http://a:5077/other/"))
	w.hand(server.(*net.TCPConn), wire.Handover{})
	r := bufio.NewReader(client)
	for _, c := range [][3]string{ // request line, host, answer
		{"OPTIONS *", "a", "OPTIONS |*"},
		{"OPTIONS http://a", "a", "OPTIONS |/"},
		{"GET http://a", "a", "GET |/"},
		{"GET http://a?x", "a", "GET |/"},
		{"GET http://a/base/x", "a", "GET /base|/x"},
		{"GET /other/../base//x", "a", "GET /base|//x"},
		{"GET /other/%2e%2e/base/x", "a", "GET /base|/x"},
		{"GET /base%2Fx", "a", "GET |/base%2Fx"},
		{"GET /b[a]se|x", "a", "GET |/b%5Ba%5Dse%7Cx"},
		{"GET /bas%65", "a", "GET /base|/"},
		{"CONNECT a:80", "a:80", "CONNECT |"},
	} {
		fmt.Fprintf(client, "%s HTTP/1.1\r\nHost: %s\r\n\r\n", c[0], c[1])
		if status, body := read(t, r); status != 200 || body != c[2] {
			t.Errorf("%s at %s: got %d %q, want %q", c[0], c[1], status, body, c[2])
		}
	}
	io.WriteString(client, "OPTIONS * HTTP/1.1\r\nHost: other\r\n\r\n")
	if back, err := wire.ParseHandback(w.expect(wire.KindBack).Payload); err != nil || back.Meta != nil {
		t.Errorf("got %+v (%v)", back, err)
	}
}

// TestNothingIsForgotten: what was served before a broker was lost is not another's because the next one has nothing yet.
func TestNothingIsForgotten(t *testing.T) {
	t.Parallel()
	b := newFake(t)
	client, server := tcpPair(t)
	at := fmt.Sprint("http://*:", portOf(client))
	b.run(&Server{Handler: http.HandlerFunc(echo), Listens: []Listen{{URL: at}, {URL: at + "/b"}}})
	w := <-b.workers
	w.table(own(client, 1, []string{"http://*:5077/", "http://*:5077/b/"}))
	w.hand(server.(*net.TCPConn), wire.Handover{})
	r := bufio.NewReader(client)
	ask(t, client, r, "/", "a")
	b.stop()
	w.Close()
	b.holdsAdd = make(chan struct{})
	b.start()
	again := <-b.workers
	again.table(wire.Table{Version: 1})
	if status, body := ask(t, client, r, "/b/x", "a"); status != 200 || body != "GET /b|/x" {
		t.Errorf("got %d %q", status, body)
	}
	close(b.holdsAdd)
	again.table(own(client, 2, []string{"http://*:5077/"}, "http://*:5077/b/"))
	io.WriteString(client, "GET /b/x HTTP/1.1\r\nHost: a\r\n\r\n")
	again.expect(wire.KindBack).Close()
}

// TestQueueTimeout: no limit is none, and a part of a millisecond not the default.
func TestQueueTimeout(t *testing.T) {
	t.Parallel()
	year := (365 * 24 * time.Hour).Milliseconds()
	for d, least := range map[time.Duration]int64{-1: year, 0: DefaultTimeout.Milliseconds(), time.Nanosecond: 1, time.Second: 1000} {
		b := newFake(t)
		b.run(&Server{Options: Options{Timeouts: Timeouts{RequestQueue: d}}})
		got := (<-b.workers).open.QueueTimeout
		if got < least || got > least && d >= 0 || time.Duration(got)*time.Millisecond < time.Duration(least) {
			t.Errorf("%v: got %d ms, want %d", d, got, least)
		}
	}
}

// TestPauses: a broker that is lost at once each time is not asked without end.
func TestPauses(t *testing.T) {
	t.Parallel()
	pause := firstPause
	for range 10 {
		pause = nextPause(pause, time.Millisecond)
	}
	if pause != lastPause {
		t.Errorf("got %v after ten short sessions", pause)
	}
	if pause = nextPause(pause, time.Minute); pause != firstPause {
		t.Errorf("got %v after a long one", pause)
	}
}
