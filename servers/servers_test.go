package servers

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

const limit = 10 * time.Second // for what takes milliseconds

// running is a call of run, with an environment of the test's own.
type running struct {
	app   *App
	lines chan string // what it says on stderr
	done  chan error  // what it returns
	stop  context.CancelFunc
}

func start(t *testing.T, h http.Handler, env map[string]string, opts ...Option) *running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	r := &running{lines: make(chan string, 20), done: make(chan error, 1), stop: stop}
	app := New(h, append([]Option{WithShutdownTimeout(limit), inWorld(env, writer)}, opts...)...)
	r.app = app
	go func() {
		io.Copy(lineWriter(r.lines), reader)
		close(r.lines)
	}()
	go func() {
		err := app.Run(ctx)
		writer.Close()
		r.done <- err
	}()
	return r
}

// inWorld gives an App an environment of the test's own.
func inWorld(env map[string]string, stderr io.Writer) Option {
	return func(o *options) {
		o.process = process{
			getenv: func(name string) string { return env[name] },
			environ: func() (all []string) {
				for name, value := range env {
					all = append(all, name+"="+value)
				}
				return all
			},
			stderr:       stderr,
			inherit:      func() ([]net.Listener, error) { return nil, nil },
			notifySocket: func() string { return env[notifySocketVariable] },
		}
	}
}

// lineWriter passes each write on: run writes whole lines.
type lineWriter chan string

func (w lineWriter) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		w <- strings.TrimSpace(line)
	}
	return len(p), nil
}

// url waits for the next address that is announced.
func (r *running) url(t *testing.T) string {
	t.Helper()
	select {
	case line := <-r.lines:
		url, found := strings.CutPrefix(line, "Now listening on: ")
		if !found {
			t.Fatalf("got the line %q (%v)", line, <-r.done)
		}
		return url
	case <-time.After(limit):
		t.Fatal("no address is announced")
	}
	return ""
}

func (r *running) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.done:
		return err
	case <-time.After(limit):
		t.Fatal("run does not return")
	}
	return nil
}

var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })

// get fetches url on a connection of its own.
func get(url string) (string, error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: limit}
	resp, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func wantHello(t *testing.T, url string) {
	t.Helper()
	if body, err := get(url); err != nil || body != "hello" {
		t.Errorf("%s: got %q, %v", url, body, err)
	}
}

func TestSilentUnderGorun(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	free.Close()
	r := start(t, hello, map[string]string{"GORUN_SERVER": "kestrel", "ASPNETCORE_URLS": "http://" + addr})
	deadline := time.Now().Add(limit)
	for {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it does not listen")
		}
		runtime.Gosched()
	}
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	if line, more := <-r.lines; more {
		t.Errorf("it says %q", line)
	}
}

// Under gorun an app tells the addresses that gorun cannot know of: those of code and of a Kestrel section.
func TestTellsUnderGorun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env map[string]string
		opt Option
	}{
		"urls":     {nil, WithURLs("http://127.0.0.1:0")},
		"endpoint": {nil, WithEndpoint("http://127.0.0.1:0", Endpoint{})},
		"section":  {map[string]string{"Kestrel__Endpoints__A__Url": "http://127.0.0.1:0", "ASPNETCORE_URLS": "http://127.0.0.1:1"}, WithLogger(slog.New(slog.DiscardHandler))},
	} {
		env := map[string]string{"GORUN_SERVER": "kestrel"}
		maps.Copy(env, c.env)
		r := start(t, hello, env, c.opt)
		if url := r.url(t); !strings.HasPrefix(url, "http://127.0.0.1:") {
			t.Errorf("%s: it says %s", name, url)
		}
		r.stop()
		if err := r.wait(t); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestServerNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"HttpSys": "is no server", "module": "no front", "Kestrel": "is no server", "nginx": "is no server",
	} {
		err := start(t, hello, map[string]string{"GORUN_SERVER": name}).wait(t)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
		if !strings.Contains(hintOf(err), "kestrel") {
			t.Errorf("%s: no hint", name)
		}
	}
}

type key struct{}

func TestContextValues(t *testing.T) {
	t.Parallel()
	got := make(chan any, 1)
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.Context().Value(key{}) })
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	reader, writer := io.Pipe()
	lines := make(chan string, 1)
	go io.Copy(lineWriter(lines), reader)
	done := make(chan error, 1)
	go func() { done <- Run(ctx, h, WithURLs("http://127.0.0.1:0"), inWorld(nil, writer)) }()
	if _, err := get(strings.TrimPrefix(<-lines, "Now listening on: ")); err != nil {
		t.Error(err)
	}
	if v := <-got; v != "value" {
		t.Errorf("got %v", v)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
