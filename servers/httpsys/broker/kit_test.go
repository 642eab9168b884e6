//go:build linux || darwin

package broker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// patient is how long a test waits for what must come.
const patient = 30 * time.Second

// running is a broker under test.
type running struct {
	folder string
	stop   context.CancelFunc
	ended  chan struct{}
	err    error
	said   *said
}

// said is what was logged.
type said struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) count(text string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.text.String(), text)
}

// start runs a broker until the test ends.
func start(t testing.TB, o Options) *running {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &running{stop: stop, ended: make(chan struct{}), said: &said{}}
	if o.Folder == "" {
		o.Folder = folder(t)
	}
	r.folder = o.Folder
	o.Version = "v-test"
	o.Log = slog.New(slog.NewTextHandler(r.said, nil))
	if o.Linger == 0 {
		o.Linger = time.Hour
	}
	ready := make(chan struct{})
	go func() {
		r.err = Run(ctx, o, func() { close(ready) })
		close(r.ended)
	}()
	select {
	case <-ready:
	case <-r.ended:
		t.Fatal(r.err)
	}
	t.Cleanup(func() {
		stop()
		<-r.ended
		if r.err != nil {
			t.Errorf("the broker: %v", r.err)
		}
	})
	return r
}

// folder is one with a short path, for a socket's may have about a hundred bytes.
func folder(t testing.TB) string {
	dir, err := os.MkdirTemp("", "broker")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// app is a program that is connected to a broker.
type app struct {
	t       testing.TB
	conn    *wire.Conn
	name    string
	replies chan wire.Frame
	given   chan net.Conn // what it has taken
	tables  chan wire.Table
	silent  bool // does not say that it knows a table
	idle    bool // takes nothing
	done    chan struct{}

	mu   sync.Mutex
	last uint32
	got  int // connections that came
	tls  int // of these, such as begin with TLS
}

// connect says hello to the broker and reads what comes.
func connect(t testing.TB, b *running, a *app) *app {
	t.Helper()
	conn, err := wire.Dial(t.Context(), b.folder)
	if err != nil {
		t.Fatal(err)
	}
	a.t, a.conn = t, conn
	a.replies, a.given, a.tables, a.done = make(chan wire.Frame, 16), make(chan net.Conn, 1<<15), make(chan wire.Table, 64), make(chan struct{})
	a.send(wire.KindHello, 1, wire.Hello{Protocol: wire.Version, Program: a.name, Role: wire.Worker})
	f, err := conn.Receive()
	if err != nil || f.Kind != wire.KindWelcome {
		t.Fatalf("hello is answered with %v, %v", f, err)
	}
	go a.read()
	t.Cleanup(a.leave)
	return a
}

func (a *app) leave() {
	a.conn.Close()
	<-a.done
	for {
		select {
		case c := <-a.given:
			c.Close()
		default:
			return
		}
	}
}

func (a *app) read() {
	defer close(a.done)
	for {
		f, err := a.conn.Receive()
		if err != nil {
			return
		}
		switch f.Kind {
		case wire.KindConn:
			a.take(f)
		case wire.KindTable:
			var table wire.Table
			if err := f.Decode(&table); err != nil {
				a.t.Error(err)
			}
			if known, err := wire.Message(wire.KindKnown, 0, wire.Known{Version: table.Version}); err == nil && !a.silent {
				a.conn.Send(known) // the test may have closed it
			}
			select {
			case a.tables <- table:
			default:
			}
		case wire.KindReply:
			a.replies <- f
		}
	}
}

func (a *app) take(f wire.Frame) {
	a.mu.Lock()
	a.got++
	a.mu.Unlock()
	if a.idle {
		f.Close()
		return
	}
	h, err := wire.ParseHandover(f.Payload)
	if err != nil {
		a.t.Error(err)
		return
	}
	if h.Encrypted {
		a.mu.Lock()
		a.tls++
		a.mu.Unlock()
	}
	if err := a.conn.Send(wire.TakenFrame(1)); err != nil {
		f.Close()
		return
	}
	c, err := wire.NetConn(f.FD)
	if err != nil {
		a.t.Error(err)
		return
	}
	a.given <- &replay{Conn: c, first: h.Read}
}

// replay gives first what was read already.
type replay struct {
	net.Conn
	first []byte
}

func (r *replay) Read(b []byte) (int, error) {
	if len(r.first) > 0 {
		n := copy(b, r.first)
		r.first = r.first[n:]
		return n, nil
	}
	return r.Conn.Read(b)
}

// came gives how many connections the app was sent.
func (a *app) came() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.got
}

func (a *app) send(kind wire.Kind, id uint32, v any) {
	f, err := wire.Message(kind, id, v)
	if err == nil {
		err = a.conn.Send(f)
	}
	if err != nil {
		a.t.Error(err)
	}
}

// ask sends a request and gives its reply's data, or error.
func (a *app) ask(kind wire.Kind, v, data any) error {
	a.last++
	a.send(kind, a.last, v)
	select {
	case f := <-a.replies:
		if f.ID != a.last {
			a.t.Errorf("a reply to %d, and %d was asked", f.ID, a.last)
		}
		return f.Reply(data)
	case <-a.done:
		return errors.New("disconnected")
	case <-time.After(patient):
		return errors.New("no reply")
	}
}

// open opens a queue, and prefixes; port 0 is one that is free. It gives the prefixes as they are.
func (a *app) open(o wire.Open, prefixes ...string) *app {
	a.t.Helper()
	if o.Mode == "" {
		o.Mode = wire.CreateOrAttach
	}
	if err := a.ask(wire.KindOpen, o, nil); err != nil {
		a.t.Fatal(err)
	}
	a.add(prefixes...)
	return a
}

func (a *app) add(prefixes ...string) []string {
	a.t.Helper()
	var added wire.Added
	if err := a.ask(wire.KindAdd, wire.Add{Prefixes: prefixes}, &added); err != nil {
		a.t.Fatal(err)
	}
	return added.Prefixes
}

// serve answers with the name of the app and what was asked for.
func (a *app) serve() *app {
	return a.handle(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", a.name, r.URL.Path)
	}))
}

func (a *app) handle(h http.Handler) *app {
	server := &http.Server{Handler: h}
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Serve(&given{a})
	}()
	a.t.Cleanup(func() {
		a.conn.Close()
		server.Close()
		<-served
	})
	return a
}

// given are the connections of an app as a listener.
type given struct{ *app }

func (g *given) Accept() (net.Conn, error) {
	select {
	case c := <-g.given:
		return c, nil
	case <-g.done:
		return nil, net.ErrClosed
	}
}
func (g *given) Close() error   { return nil }
func (g *given) Addr() net.Addr { return &net.TCPAddr{} }

// visitor is a client of the apps.
type visitor struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func dial(t testing.TB, addr string) *visitor {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patient))
	return &visitor{t, c, bufio.NewReader(c)}
}

func (v *visitor) write(text string) *visitor {
	if _, err := io.WriteString(v, text); err != nil {
		v.t.Error(err)
	}
	return v
}

func (v *visitor) ask(host, path string) *visitor {
	return v.write("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
}

// answer gives status and body; 0 is a connection that ended without an answer, -1 one that was reset.
func (v *visitor) answer() (status int, body string) {
	v.t.Helper()
	r, err := http.ReadResponse(v.r, nil)
	if err != nil {
		if strings.Contains(err.Error(), "reset") {
			return -1, ""
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			v.t.Error(err)
		}
		return 0, ""
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		v.t.Error(err)
	}
	return r.StatusCode, string(b)
}

func (v *visitor) want(status int, body string) {
	v.t.Helper()
	if s, b := v.answer(); s != status || !strings.Contains(b, body) {
		v.t.Errorf("%d %q, want %d %q", s, b, status, body)
	}
}

// get asks on a connection of its own.
func get(t testing.TB, addr, host, path string) (status int, body string) {
	t.Helper()
	v := dial(t, addr)
	defer v.Close()
	return v.ask(host, path).answer()
}

func want(t testing.TB, addr, host, path string, status int, body string) {
	t.Helper()
	if s, b := get(t, addr, host, path); s != status || !strings.Contains(b, body) {
		t.Errorf("%s%s: %d %q, want %d %q", host, path, s, b, status, body)
	}
}

// portOf gives where a registered prefix is reached on this machine.
func portOf(t testing.TB, prefix string) string {
	t.Helper()
	p, err := urlprefix.Parse(prefix)
	if err != nil {
		t.Fatal(err)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), p.Port).String()
}

// eventually waits for what must be so in the end.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	end := time.Now().Add(patient)
	for !is() {
		if time.Now().After(end) {
			t.Fatalf("it never came to be that %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

// show gives what the broker says of itself.
func show(t testing.TB, b *running) *wire.State {
	t.Helper()
	c := watcher(t, b)
	s, err := c.Watch(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	return s
}

func watcher(t testing.TB, b *running) *Client {
	t.Helper()
	c, err := Connect(t.Context(), b.folder, wire.Hello{Role: wire.Watcher, Program: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
