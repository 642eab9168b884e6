//go:build linux || darwin

package broker

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/wire"
	"golang.org/x/sys/unix"
)

// When the last program at a port stops, connections that have sent nothing are closed, as they are by a server that stops, whether
// they wait here or are handed back by the program. Those at other ports stay.
func TestSilentConnections(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	one := connect(t, b, &app{name: "one"}).open(wire.Open{})
	addr := portOf(t, one.add("http://localhost:0/")[0])
	two := connect(t, b, &app{name: "two"}).open(wire.Open{}).serve()
	other := portOf(t, two.add("http://localhost:0/")[0])
	silent, stays := dial(t, addr), dial(t, other)
	kept := dial(t, addr).ask("localhost", "/")
	c := (<-one.given).(*replay).Conn.(*net.TCPConn)
	defer c.Close()
	c.Read(make([]byte, 4096))
	if err := one.ask(wire.KindDrain, nil, nil); err != nil {
		t.Fatal(err)
	}
	silent.want(0, "")
	if err := one.back(t, c, wire.Handback{}); err != nil {
		t.Error(err)
	}
	c.Close()
	kept.want(0, "")
	stays.ask("localhost", "/").want(200, "two /")
	if s := show(t, b); s.Refused.Slow != 0 {
		t.Errorf("%+v", s.Refused)
	}
}

// core is a broker without goroutines but one that owns the state, for what has to happen in a certain order.
func core(t *testing.T) *Broker {
	t.Helper()
	p, err := newPoller()
	if err != nil {
		t.Fatal(err)
	}
	b := newBroker(t.Context(), Options{}, p)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.loop()
	}()
	t.Cleanup(func() {
		b.stop()
		<-ended
		b.serving.Wait()
		b.heads.endAll()
	})
	return b
}

// visited gives a visit, and the client's end of it.
func visited(t *testing.T) (*visit, net.Conn) {
	t.Helper()
	client, fd, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	client.SetDeadline(time.Now().Add(patient))
	return described(fd, &wire.Meta{Remote: "127.0.0.1:1", Local: "127.0.0.1:2"}), client
}

// News of a connection that is closed already is not taken for that of the next one with its number; and what has really ended is told
// again.
func TestStaleNews(t *testing.T) {
	t.Parallel()
	b := core(t)
	v, client := visited(t)
	io.WriteString(client, "GET / HT")
	r := newReader()
	b.heads.round = 7
	b.heads.later(v)
	b.heads.look(news{v.fd, true}, r)
	if b.heads.byFD[v.fd] != v || v.list != &b.heads.waiting {
		t.Fatal("it was ended by another's news")
	}
	if err := client.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	b.heads.round++
	var all []news
	for len(all) == 0 {
		var err error
		if all, err = b.heads.poller.wait(time.Now().Add(patient), nil); err != nil {
			t.Fatal(err)
		}
	}
	b.heads.look(all[0], r)
	answer := make([]byte, 100)
	if n, err := client.Read(answer); err != nil || !strings.HasPrefix(string(answer[:n]), "HTTP/1.1 400 ") {
		t.Errorf("%q, %v", answer[:n], err)
	}
}

// A head is not read again for each byte of it.
func TestHasNews(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name       string
		v          visit
		first      string
		wantLooked bool
	}{
		{"the first look", visit{}, "G", true},
		{"no line has ended", visit{seen: 4, want: 8}, "GET /", false},
		{"a line has ended", visit{seen: 4, want: 100}, "GET /\n", true},
		{"it had ended before", visit{seen: 6, want: 100}, "GET /\nHost", false},
		{"it may be too long", visit{seen: 4, want: 8}, "GET /abc", true},
		{"TLS that is not whole", visit{seen: 4, want: 8, encrypted: true}, "\x16\x03\n\n\n", false},
		{"TLS that may be", visit{seen: 4, want: 8, encrypted: true}, "\x16\x03\n\n\n\n\n\n", true},
	} {
		if got := row.v.hasNews([]byte(row.first)); got != row.wantLooked {
			t.Errorf("%s: %t", row.name, got)
		}
	}
}

// However a head comes, it is whole when it is, and too long when it is; and more empty lines than a head may have bytes are the end.
func TestHeadsInPieces(t *testing.T) {
	t.Parallel()
	b := core(t)
	for _, row := range []struct {
		name, text string
		piece      int
		want       verdict
		status     int
	}{
		{"a head", "GET / HTTP/1.1\r\nHost: localhost\r\nA: b\r\n\r\n", 1, refuse, 400}, // nobody has registered
		{"a long line", "GET /" + strings.Repeat("a", maxLine), 100, refuse, 414},
		{"many fields", "GET / HTTP/1.1\r\n" + strings.Repeat("a: bcd\r\n", maxFields/8+1), 100, refuse, 431},
		{"empty lines", strings.Repeat("\r\n", maxPeek/2+2), 1000, gone, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			v, client := visited(t)
			defer v.end()
			_ = unix.SetsockoptInt(v.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<20)
			r := newReader()
			d := decision{}
			for text := row.text; text != "" && d.what == wait; text = text[min(row.piece, len(text)):] {
				if _, err := io.WriteString(client, text[:min(row.piece, len(text))]); err != nil {
					t.Fatal(err)
				}
				d = b.decide(v, r, false)
			}
			if d.what != row.want || d.answer.status != row.status {
				t.Errorf("%d %d, want %d %d", d.what, d.answer.status, row.want, row.status)
			}
		})
	}
}

// TLS at a port where nobody has registered for it is a head that is none.
func TestTLSWithoutHTTPS(t *testing.T) {
	t.Parallel()
	b := start(t, Options{})
	a := connect(t, b, &app{name: "a"}).open(wire.Open{}).serve()
	addr := portOf(t, a.add("http://localhost:0/")[0])
	for _, text := range []string{"\x16", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "\x80\x2e\x01"} {
		dial(t, addr).write(text).want(400, "")
	}
	if s := show(t, b); s.Refused.Malformed != 3 {
		t.Errorf("%+v", s.Refused)
	}
	secure := portOf(t, a.add("https://localhost:0/")[0])
	v := dial(t, secure).write("\x80\x2e\x01\x00\x02")
	if alert, err := io.ReadAll(v); len(alert) != 7 || alert[0] != 21 || err != nil && !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("SSL 2 is answered with %q, %v", alert, err)
	}
}
