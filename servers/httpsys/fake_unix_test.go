//go:build unix

package httpsys

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// limit is for what takes milliseconds on a machine that does nothing else.
const limit = 20 * time.Second

// fake is a broker that registers whatever it is asked to, opens no port, and has the test say what it sends.
type fake struct {
	t       *testing.T
	folder  string
	workers chan *worker
	refuse  func(prefix string) *wire.Error // nil: nothing is refused

	holdsDrain bool          // the test answers
	holdsAdd   chan struct{} // nil: Add is answered at once, else when it is closed

	mu       sync.Mutex
	listener *wire.Listener
}

// worker is an app as the fake sees it.
type worker struct {
	*wire.Conn
	t      *testing.T
	open   wire.Open
	frames chan wire.Frame // what it has sent, but for what the fake has answered

	mu    sync.Mutex
	added []string
}

// registered gives what the app has added.
func (w *worker) registered() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.added)
}

func newFake(t *testing.T, edits ...func(*fake)) *fake {
	t.Helper()
	folder, err := os.MkdirTemp("", "h") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	b := &fake{t: t, folder: filepath.Join(folder, "b"), workers: make(chan *worker, 10)}
	for _, edit := range edits {
		edit(b)
	}
	b.start()
	t.Cleanup(b.stop)
	return b
}

func (b *fake) start() {
	l, err := wire.Listen(b.folder)
	if err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	b.listener = l
	b.mu.Unlock()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go b.serve(&worker{Conn: c, t: b.t, frames: make(chan wire.Frame, 1000)})
		}
	}()
}

func (b *fake) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listener.Close()
}

func (b *fake) serve(w *worker) {
	defer close(w.frames)
	for {
		f, err := w.Receive()
		if err != nil {
			return
		}
		switch f.Kind {
		case wire.KindHello:
			w.message(wire.KindWelcome, f.ID, wire.Welcome{Protocol: wire.Version, PID: os.Getpid()})
		case wire.KindOpen:
			f.Decode(&w.open)
			w.answer(f, nil, nil)
		case wire.KindAdd:
			var add wire.Add
			f.Decode(&add)
			if err := b.refuses(add.Prefixes); err != nil {
				w.answer(f, nil, err)
				continue
			}
			for i := range add.Prefixes {
				add.Prefixes[i] = strings.Replace(add.Prefixes[i], ":0/", ":5077/", 1)
			}
			w.mu.Lock()
			w.added = append(w.added, add.Prefixes...)
			first := len(w.added) == len(add.Prefixes)
			w.mu.Unlock()
			if hold := b.holdsAdd; hold != nil {
				go func() {
					<-hold
					w.answer(f, wire.Added(add), nil)
				}()
			} else {
				w.answer(f, wire.Added(add), nil)
			}
			if first {
				b.workers <- w
			}
		case wire.KindDrain:
			w.frames <- f
			if !b.holdsDrain {
				w.answer(f, nil, nil)
			}
		default:
			w.frames <- f
		}
	}
}

func (b *fake) refuses(prefixes []string) *wire.Error {
	for _, p := range prefixes {
		if b.refuse == nil {
			return nil
		}
		if err := b.refuse(p); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) message(k wire.Kind, id uint32, v any) {
	f, err := wire.Message(k, id, v)
	if err == nil {
		err = w.Send(f)
	}
	if err != nil {
		w.t.Logf("the fake broker cannot send a %v: %v", k, err)
	}
}

func (w *worker) answer(f wire.Frame, data any, failed error) {
	reply, err := wire.Answer(f.ID, data, failed)
	if err == nil {
		err = w.Send(reply)
	}
	if err != nil {
		w.t.Logf("the fake broker cannot answer: %v", err)
	}
}

// expect waits for a frame of a kind and passes over others.
func (w *worker) expect(k wire.Kind) wire.Frame {
	w.t.Helper()
	timeout := time.After(limit)
	for {
		select {
		case f, ok := <-w.frames:
			if !ok {
				w.t.Fatalf("the app has closed the connection, and no %v has come", k)
			}
			if f.Kind == k {
				return f
			}
			f.Close()
		case <-timeout:
			w.t.Fatalf("no %v has come", k)
		}
	}
}

// table tells the app what is registered, and waits until it knows.
func (w *worker) table(t wire.Table) {
	w.t.Helper()
	w.message(wire.KindTable, 0, t)
	for {
		var known wire.Known
		if f := w.expect(wire.KindKnown); f.Decode(&known) == nil && known.Version == t.Version {
			return
		}
	}
}

// give hands over one end of a new TCP connection, and gives the other.
func (w *worker) give(h wire.Handover) net.Conn {
	w.t.Helper()
	client, server := tcpPair(w.t)
	w.hand(server.(*net.TCPConn), h)
	return client
}

func (w *worker) hand(server syscall.Conn, h wire.Handover) {
	w.t.Helper()
	payload, err := h.Append(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	raw, err := server.SyscallConn()
	if err != nil {
		w.t.Fatal(err)
	}
	var sent error
	raw.Control(func(fd uintptr) { sent = w.Send(wire.Frame{Kind: wire.KindConn, Payload: payload, FD: int(fd)}) })
	if sent != nil {
		w.t.Fatal(sent)
	}
	server.(io.Closer).Close()
}

// tcpPair gives both ends of a connection. The server's address has the port 5077 only by the fake's word.
func tcpPair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client.SetDeadline(time.Now().Add(limit))
	t.Cleanup(func() { client.Close() })
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return client, server
}

// app is a Server at work.
type app struct {
	addresses []string
	stop      context.CancelFunc
	done      chan error
}

func (b *fake) run(s *Server) *app {
	b.t.Helper()
	a, err := b.try(s)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// try is run for a server that may not start.
func (b *fake) try(s *Server) (*app, error) {
	b.t.Helper()
	s.Getenv = func(name string) string {
		if name == wire.Variable {
			return b.folder
		}
		return ""
	}
	if s.Log == nil {
		s.Log = slog.New(slog.NewTextHandler(b.t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if s.ShutdownTimeout == 0 {
		s.ShutdownTimeout = limit
	}
	ctx, stop := context.WithCancel(b.t.Context())
	a := &app{stop: stop, done: make(chan error, 1)}
	listening := make(chan []string, 1)
	go func() { a.done <- s.Serve(ctx, func(all []string) { listening <- all }) }()
	select {
	case a.addresses = <-listening:
	case err := <-a.done:
		stop()
		return nil, err
	case <-time.After(limit):
		b.t.Fatal("the server neither registers nor fails")
	}
	b.t.Cleanup(func() {
		stop()
		select {
		case <-a.done:
		case <-time.After(limit):
			b.t.Error("the server does not end")
		}
	})
	return a, nil
}

// echo answers with where the app sees the request.
func echo(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, r.Method+" "+pathBase(r)+"|"+r.URL.EscapedPath())
}
