package module

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/endpoint"
)

// A phase that has failed by itself may be the one that a change ends just then: the front stops with its error.
func TestPhaseFailsAsItIsEnded(t *testing.T) {
	t.Parallel()
	f := New(Options{Root: t.TempDir()})
	s, err := f.first(App{Hosting: OutOfProcess})
	if err != nil {
		t.Fatal(err)
	}
	r := &reign{Front: f}
	r.setServed(s)
	lost := errors.New("lost")
	r.phase = &phase{handsOver: true, end: func() {}, done: make(chan error, 1)}
	r.phase.done <- lost
	ended := make(chan error, 1)
	go func() { ended <- r.stop(r.settle(t.Context(), nil)) }()
	select {
	case err := <-ended:
		if !errors.Is(err, lost) {
			t.Errorf("it has stopped with %v", err)
		}
	case <-time.After(patience):
		t.Fatal("it does not stop")
	}
}

// An address that cannot be served ends a front that has started its app already, too.
func TestPreloadedFrontThatCannotServe(t *testing.T) {
	t.Parallel()
	taken := takenForHTTP3(t)
	w := start(t, OutOfProcess, func(o *Options) {
		o.Environ = append(o.Environ, "GORUN_DATA="+t.TempDir(), "CAROOT=")
		e, err := endpoint.Parse("https://" + taken)
		if err != nil {
			t.Fatal(err)
		}
		o.Endpoints = append(o.Endpoints, servers.Endpoint{Endpoint: e, Protocols: endpoint.HTTP1 | endpoint.HTTP3})
		o.Preload = true
	})
	select {
	case err := <-w.ended:
		w.ended <- nil
		if err == nil || !strings.Contains(err.Error(), "HTTP/3") {
			t.Errorf("it has ended with %v", err)
		}
	case <-time.After(patience):
		t.Error("it goes on")
	}
}

// takenForHTTP3 is an address that is free for TCP and, until the test ends, not for UDP.
func takenForHTTP3(t *testing.T) string {
	t.Helper()
	for range 100 {
		udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		if tcp, err := net.Listen("tcp4", udp.LocalAddr().String()); err == nil {
			t.Cleanup(func() { udp.Close() })
			tcp.Close()
			return udp.LocalAddr().String()
		}
		udp.Close()
	}
	t.Fatal("there is no such address")
	return ""
}

// Kill ends a request whose end a change of the hosting model waits for.
func TestKillWhileTheHostingModelChanges(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("in-process hosting is not possible on Windows")
	}
	w := start(t, OutOfProcess, reloading(func(app App) (App, error) {
		app.Hosting = InProcess
		return app, nil
	}))
	resp, err := w.client.Get(w.URLs()[0] + "/slow?for=1h")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	w.write("web.config", "<configuration/>")
	w.await(event.Recycling, 1)
	w.stop()
	w.Kill()
	w.close()
}

// When all stops while the hosting model changes, nothing is started for the new one.
func TestStopWhileTheHostingModelChanges(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("in-process hosting is not possible on Windows")
	}
	w := start(t, OutOfProcess, func(o *Options) {
		o.Preload, o.App.Backend.ShutdownTimeLimit = true, time.Second
		reloading(func(app App) (App, error) {
			app.Hosting = InProcess
			return app, nil
		})(o)
	})
	resp, err := w.client.Get(w.URLs()[0] + "/slow?for=1h")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	w.write("web.config", "<configuration/>")
	w.await(event.Recycling, 1)
	w.close()
	if n := strings.Count(w.story(), string(event.ProcessStarted)); n != 1 {
		t.Errorf("%d processes were started:%s", n, w.story())
	}
}

// A client of https that is asked to come again comes to the same host.
func TestClientIsNotSentElsewhere(t *testing.T) {
	t.Parallel()
	h := &hand{reign: &reign{listeners: []servers.Listener{{Endpoint: servers.Endpoint{TLS: &tls.Config{}}}}}}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET //elsewhere.example/a?b=c HTTP/1.1\r\nHost: localhost:44300\r\n\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := h.toItself(w, r, nil); err != nil {
		t.Fatal(err)
	}
	if got, want := w.Header().Get("Location"), "https://localhost:44300//elsewhere.example/a?b=c"; w.Code != http.StatusTemporaryRedirect || got != want {
		t.Errorf("got %d %q, want %q", w.Code, got, want)
	}
}

// changesOf gives what a watcher of web.config in a folder tells, until both kinds have come.
func changesOf(t *testing.T, run func(ctx context.Context, w *watcher, write func())) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "web.config")
	f := New(Options{Root: filepath.Dir(path), Watch: []string{path}})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w := f.newWatcher()
	run(ctx, w, func() {
		if err := os.WriteFile(path, []byte("<configuration/>"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	limit := time.After(patience)
	for told := map[change]bool{}; len(told) < 2; {
		select {
		case c := <-w.changes:
			told[c] = true
		case <-limit:
			t.Fatalf("it has told %v", told)
		}
	}
	cancel()
	<-w.done
}

// Where the system tells nothing the files are looked at, all of them.
func TestFilesAreLookedAt(t *testing.T) {
	t.Parallel()
	changesOf(t, func(ctx context.Context, w *watcher, write func()) {
		go w.run(ctx, nil)
		write()
	})
}

// The system may drop what it had to tell: then everything is looked at, and what comes later is still heard.
func TestFilesAreLookedAtWhenEventsAreLost(t *testing.T) {
	t.Parallel()
	changesOf(t, func(ctx context.Context, w *watcher, write func()) {
		source, err := fsnotify.NewWatcher()
		if err != nil {
			t.Fatal(err)
		}
		write()
		go w.run(ctx, source)
		select {
		case source.Errors <- fsnotify.ErrEventOverflow:
		case <-time.After(patience):
			t.Fatal("nobody hears of it")
		}
	})
}
