package module

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/process"
)

// send writes text to the front.
func (w *world) send(conn net.Conn, text string) {
	w.t.Helper()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, text); err != nil {
		w.t.Fatal(err)
	}
}

// read reads an answer whole; its body can be read again.
func (w *world) read(conn net.Conn, method string) *http.Response {
	w.t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		w.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	resp.Body = io.NopCloser(strings.NewReader(string(body)))
	return resp
}

// full is a size of the large tests: the small one where time is short.
func full(small, large int) int {
	if os.Getenv("GORUN_CI") != "" {
		return large
	}
	return small
}

// Somebody takes the port between its choice and the app: the request goes to the app on another one, and never to the stranger.
func TestStrangerOnTheChosenPort(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	var times atomic.Int64
	w := start(t, OutOfProcess, func(o *Options) {
		o.App.Backend.Start = func(spec process.Spec) (*process.Tree, error) {
			if times.Add(1) == 1 {
				t.Cleanup(squat(t, valueIn(spec.Env, "ASPNETCORE_PORT"), &asked))
			}
			return process.Start(spec)
		}
	})
	if got := w.ok("/"); got != "behind" {
		t.Errorf("got %q", got)
	}
	if asked.Load() != 0 {
		t.Error("the stranger was asked")
	}
	if times.Load() != 2 {
		t.Errorf("%d starts", times.Load())
	}
}

// squat listens on a port until the function that it gives is called.
func squat(t *testing.T, port string, asked *atomic.Int64) (leave func()) {
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Error(err)
		return func() {}
	}
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) })}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	return func() { server.Close(); <-done }
}

func valueIn(env []string, name string) string {
	for _, entry := range env {
		if key, value, _ := strings.Cut(entry, "="); key == name {
			return value
		}
	}
	return ""
}

// With a port that the settings fix there is no other one: the page says who has it.
func TestStrangerOnTheFixedPort(t *testing.T) {
	t.Parallel()
	l := listenBelow(t, 48000)
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	w := start(t, OutOfProcess, nil, fmt.Sprint("ASPNETCORE_PORT=", port))
	a := w.get("/")
	if a.status != http.StatusBadGateway || !strings.Contains(a.body, "502.5") || !strings.Contains(a.body, fmt.Sprint("process ", os.Getpid())) {
		t.Errorf("got %+v", a)
	}
}

// An app that closes its listener, and lives on, is replaced. No request is lost by that.
func TestListenerClosed(t *testing.T) {
	t.Parallel()
	for _, plain := range []string{"", "BEHIND_PLAIN=1"} {
		t.Run(plain, func(t *testing.T) {
			t.Parallel()
			w := start(t, OutOfProcess, func(o *Options) { o.App.Backend.ShutdownTimeLimit = time.Second }, plain)
			before := w.pid()
			if got := w.ok("/close-listener"); got != "closing" {
				t.Errorf("got %q", got)
			}
			w.until("/pid", func(a answer) bool { // by the old one as long as it listens
				if a.status != http.StatusOK {
					t.Errorf("got %+v", a)
				}
				return a.body != fmt.Sprint(before)
			})
			if e := w.await(event.ProcessExited, 1); e.PID != before {
				t.Errorf("process %d has ended, not %d", e.PID, before)
			}
		})
	}
}

// An app that never answers: the client gets 502.3 with the setting's name, the app that nobody waits any more, and other
// requests what they ask for.
func TestNeverAnswers(t *testing.T) {
	t.Parallel()
	w := startWitness(t, OutOfProcess, "servers", func(o *Options) {
		o.App.RequestTimeout = 300 * time.Millisecond
		o.App.Shown = map[string]Shown{"requestTimeout": {Value: "300ms", Place: "web.config:4:20"}}
	})
	a := w.get("/hold")
	if a.status != http.StatusBadGateway || !strings.Contains(a.body, "502.3") || !strings.Contains(a.body, "web.config:4:20") {
		t.Errorf("got %+v", a)
	}
	w.awaitNotes("held", "gone")
	if got := w.ok("/"); got != "seen" {
		t.Errorf("got %q", got)
	}
	if n := len(w.all(event.ProcessStarted)); n != 1 {
		t.Errorf("%d processes: an app that is slow is no app that is broken", n)
	}
}

// An app that breaks the connection and lives gets the request no more than once for each connection: it would do so again.
func TestAppAborts(t *testing.T) {
	t.Parallel()
	w := startWitness(t, OutOfProcess, "servers", nil)
	for i, kept := range []int{0, 1} { // connections to the app that are there already, and may just be old
		if a := w.get("/abort"); a.status != http.StatusBadGateway || !strings.Contains(a.body, "502.3") {
			t.Errorf("got %+v", a)
		}
		if n, want := len(w.noted()), i+1+kept; n > want {
			t.Errorf("the app was asked %d times, want %d", n, want)
		}
		w.ok("/")
	}
	if n := len(w.all(event.ProcessStarted)); n != 1 {
		t.Errorf("%d processes", n)
	}
}

// A client that goes while the app works: the app knows, in both hosting models.
func TestClientGoes(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, hosting Hosting) {
		w := startWitness(t, hosting, "servers", nil)
		w.ok("/")
		conn := w.dial()
		w.send(conn, "GET /hold HTTP/1.1\r\nHost: front\r\n\r\n")
		w.awaitNotes("held")
		conn.Close()
		w.awaitNotes("held", "gone")
	})
}

// awaitNotes waits until the witness has noted this.
func (w *world) awaitNotes(want ...string) {
	w.t.Helper()
	var got []string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if got = w.noted(); fmt.Sprint(got) == fmt.Sprint(want) {
			return
		}
	}
	w.t.Fatalf("it has noted %q, want %q", got, want)
}

// all gives the events of a kind so far.
func (w *world) all(kind event.Kind) (list []event.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.Kind == kind {
			list = append(list, e)
		}
	}
	return list
}

// status is nil when the answer to a request is 200.
func (w *world) status(conn net.Conn, method string) error {
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

// listenBelow listens on a port that can be fixed: the front takes them up to 48000, and the system gives what it likes.
func listenBelow(t *testing.T, limit int) net.Listener {
	t.Helper()
	for range 1000 {
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", 1025+rand.IntN(limit-1025)))
		if err == nil {
			return l
		}
	}
	t.Fatal("no port is free")
	return nil
}
