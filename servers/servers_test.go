package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
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
			stderr:  stderr,
			inherit: func() ([]net.Listener, error) { return nil, nil },
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

func portOfURL(t *testing.T, url string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	if err != nil || port == "0" {
		t.Fatalf("%s has no port: %v", url, err)
	}
	return port
}

func hasIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	l.Close()
	return true
}

func TestAllAddresses(t *testing.T) {
	t.Parallel()
	r := start(t, hello, map[string]string{"ASPNETCORE_URLS": "http://localhost:0;http://127.0.0.1:0;http://*:0;http://0.0.0.0:0;http://api.local:0"})
	local, ip, star, all4, name := r.url(t), r.url(t), r.url(t), r.url(t), r.url(t)
	for url, prefix := range map[string]string{
		local: "http://localhost:", ip: "http://127.0.0.1:", star: "http://*:", all4: "http://0.0.0.0:", name: "http://api.local:",
	} {
		if !strings.HasPrefix(url, prefix) {
			t.Errorf("%s does not begin with %s", url, prefix)
		}
		wantHello(t, "http://127.0.0.1:"+portOfURL(t, url))
	}
	if hasIPv6() {
		for _, url := range []string{local, star, name} {
			wantHello(t, "http://[::1]:"+portOfURL(t, url))
		}
		for _, url := range []string{ip, all4} {
			if _, err := get("http://[::1]:" + portOfURL(t, url)); err == nil {
				t.Errorf("%s answers on ::1", url)
			}
		}
	}
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	if _, err := get(ip); err == nil {
		t.Error("it answers after the end")
	}
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "gs") // t.TempDir is too long for a socket's name on some systems
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "s.sock")
	url := "http://unix:/" + strings.TrimPrefix(filepath.ToSlash(path), "/")
	leaveBehind(t, path)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}}
	r := start(t, hello, nil, WithURLs(url))
	if got := r.url(t); got != url {
		t.Errorf("got %s, want %s", got, url)
	}
	resp, err := client.Get("http://app/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	second := start(t, hello, nil, WithURLs(url))
	if err := second.wait(t); !isInUse(err) {
		t.Errorf("a second server on a live socket: %v", err)
	}
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's file is left: %v", err)
	}
}

// leaveBehind makes the file that a killed server leaves.
func leaveBehind(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

// A socket's file that belongs to another server by now stays.
func TestUnixSocketOfAnother(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	first, err := listenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second, err := listenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the first has removed the second's file: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the second has left its file: %v", err)
	}
	if err := second.Close(); err == nil {
		t.Error("it is closed twice without an error")
	}
}

func TestUnixSocketKeepsFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := listenUnix(path); err == nil {
		l.Close()
		t.Error("it listens in place of a file")
	}
	if data, err := os.ReadFile(path); string(data) != "precious" {
		t.Errorf("the file is gone: %v", err)
	}
}

func TestPortTaken(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1", "[::1]"} {
		taken, err := net.Listen("tcp", host+":0")
		if err != nil && host == "[::1]" {
			t.Skip("no IPv6")
		}
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		port := portOf(taken.Addr())
		list := fmt.Sprintf("http://127.0.0.1:0;http://localhost:%d;http://%s:%d", port, host, port)
		err = start(t, hello, map[string]string{"ASPNETCORE_URLS": list}).wait(t)
		problem, ok := errors.AsType[*AddressError](err)
		if !ok || !isInUse(err) {
			t.Fatalf("got %v", err)
		}
		if want := fmt.Sprintf("cannot listen on http://localhost:%d (ASPNETCORE_URLS)", port); !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if want := fmt.Sprintf("http://%s:%d (ASPNETCORE_URLS)", host, port); !strings.Contains(err.Error(), want) {
			t.Errorf("the second one is not named: %v", err)
		}
		if !strings.Contains(problem.Hint(), "ASPNETCORE_URLS") {
			t.Errorf("hint: %q", problem.Hint())
		}
	}
}

// TestHalfStarted has the good addresses closed again when one is bad.
func TestHalfStarted(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	good := filepath.Join(t.TempDir(), "good.sock")
	err = start(t, hello, map[string]string{"ASPNETCORE_URLS": "http://unix:" + good + ";http://" + taken.Addr().String()}).wait(t)
	if !isInUse(err) {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(good); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the good address is still open: %v", err)
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
		"httpsys": "does not have", "module": "no front", "Kestrel": "is no server", "nginx": "is no server",
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

// slow is a handler that says when it has begun and waits to be let go.
func slow() (h http.Handler, begun chan context.Context, release chan struct{}) {
	begun, release = make(chan context.Context, 1), make(chan struct{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun <- r.Context()
		select {
		case <-release:
		case <-r.Context().Done():
		}
		fmt.Fprint(w, "late")
	}), begun, release
}

type key struct{}

func TestGracefulStop(t *testing.T) {
	t.Parallel()
	h, begun, release := slow()
	r := start(t, h, nil, WithURLs("http://127.0.0.1:0"))
	url := r.url(t)
	answer := make(chan string, 1)
	go func() {
		body, err := get(url)
		answer <- fmt.Sprint(body, err)
	}()
	ctx := <-begun
	idle, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")) // a connection opened ahead of need
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	r.stop()
	deadline := time.Now().Add(limit)
	for { // no new connection
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			break
		}
		conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("it still accepts")
		}
		runtime.Gosched()
	}
	if ctx.Err() != nil {
		t.Error("the running request was cancelled")
	}
	select {
	case err := <-r.done:
		t.Fatalf("it did not wait for the request: %v", err)
	default:
	}
	close(release)
	if got := <-answer; got != "late<nil>" {
		t.Errorf("the running request got %q", got)
	}
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
}

// TestUnusedConnection has a connection without a request not hold up the end for the five seconds of net/http.
func TestUnusedConnection(t *testing.T) {
	t.Parallel()
	r := start(t, hello, nil, WithURLs("http://127.0.0.1:0"))
	url := r.url(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	wantHello(t, url) // which comes after it, so it was accepted
	begin := time.Now()
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("the end took %v", took)
	}
}

func TestCutOff(t *testing.T) {
	t.Parallel()
	h, begun, _ := slow()
	r := start(t, h, nil, WithURLs("http://127.0.0.1:0"), WithShutdownTimeout(20*time.Millisecond))
	url := r.url(t)
	go get(url)
	ctx := <-begun
	r.stop()
	err := r.wait(t)
	if err == nil || err.Error() != "requests were still running after 20ms and were cut off" {
		t.Errorf("got %v", err)
	}
	select {
	case <-ctx.Done():
	case <-time.After(limit):
		t.Error("the handler does not see it")
	}
}

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

func TestIsInUse(t *testing.T) {
	t.Parallel()
	wrapped := &AddressError{URL: "http://x:1", Source: "PORT", Err: &net.OpError{Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}}
	if !isInUse(wrapped) || isInUse(nil) || isInUse(io.EOF) {
		t.Error("it is not told apart")
	}
}
