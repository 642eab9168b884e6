//go:build linux || darwin

package httpsys_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/httpsys"
	"github.com/gorun-dev/gorun/servers/httpsys/broker"
	"github.com/gorun-dev/gorun/servers/internal/wire"
)

const limit = 20 * time.Second

// app is a program on the shared server.
type app struct {
	*servers.App
	stop context.CancelFunc
	done chan error
}

// run starts an app that answers with its name.
func run(t *testing.T, folder, name string, urls []string, opts ...servers.Option) *app {
	t.Helper()
	return runHandler(t, folder, name, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, name, " ", r.URL.Path) }, urls, opts...)
}

// runHandler starts an app that answers as h does.
func runHandler(t *testing.T, folder, name string, h http.HandlerFunc, urls []string, opts ...servers.Option) *app {
	t.Helper()
	env := []string{wire.Variable + "=" + folder, "GORUN_SERVER=httpsys", "ASPNETCORE_URLS=" + strings.Join(urls, ";"), "GORUN_DATA=" + filepath.Join(filepath.Dir(folder), "data")}
	all := append([]servers.Option{servers.WithEnvironment(env), servers.WithSignals(), servers.WithOutput(io.Discard)}, opts...)
	ctx, stop := context.WithCancel(t.Context())
	a := &app{servers.New(h, all...), stop, make(chan error, 1)}
	go func() { a.done <- a.Run(ctx) }()
	t.Cleanup(func() { a.end(t) })
	select {
	case <-a.Listening():
	case err := <-a.done:
		a.done <- nil
		t.Fatalf("%s does not start: %v", name, err)
	case <-time.After(limit):
		t.Fatalf("%s does not start", name)
	}
	return a
}

func (a *app) end(t *testing.T) {
	a.stop()
	select {
	case err := <-a.done:
		if err != nil {
			t.Error(err)
		}
		a.done <- nil
	case <-time.After(limit):
		t.Error("an app does not end")
	}
}

// host gives host:port of its first address.
func (a *app) host() string {
	host, _, _ := strings.Cut(strings.SplitN(a.Addresses()[0], "://", 2)[1], "/")
	return host
}

// client is one connection.
type client struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, address string) *client {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(limit))
	return &client{t, c, bufio.NewReader(c)}
}

func (c *client) get(path string) (int, string) {
	c.t.Helper()
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatalf("%s: %v", path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func (c *client) want(path, body string) {
	c.t.Helper()
	if status, got := c.get(path); status != 200 || got != body {
		c.t.Errorf("%s: got %d %q, want %q", path, status, got, body)
	}
}

// TestShared has three apps on one port, and one connection whose requests go to all of them.
func TestShared(t *testing.T) {
	t.Parallel()
	folder := startBroker(t)
	a := run(t, folder, "a", []string{"http://127.0.0.1:0/a"})
	at := "http://" + a.host()
	run(t, folder, "b", []string{at + "/b", at + "/a/b"})
	c := dial(t, a.host())
	for range 20 {
		c.want("/a/x", "a /x")
		c.want("/B", "b /")
		c.want("/a/b/y", "b /y")
	}
	if status, _ := c.get("/c"); status != http.StatusNotFound {
		t.Errorf("got %d for what nobody has registered, want 404", status)
	}
}

// TestRestart has an app start and end again and again, and another one serve all its requests meanwhile.
func TestRestart(t *testing.T) {
	t.Parallel()
	folder := startBroker(t)
	a := run(t, folder, "a", []string{"http://127.0.0.1:0"})
	at := "http://" + a.host()
	c := dial(t, a.host())
	c.want("/b/1", "a /b/1")
	for i := range 10 {
		b := run(t, folder, "b", []string{at + "/b"})
		c.want("/b/2", "b /2") // known to a when b is told that it is registered
		c.want("/", "a /")
		if i%2 == 0 {
			c.want("/b/", "b /") // its connection is b's
		}
		b.end(t)
		c.want("/b/3", "a /b/3")
	}
}

// TestBrokerRestarts: a connection that is open goes on without a broker, and a new broker has all that the old one had.
func TestBrokerRestarts(t *testing.T) {
	t.Parallel()
	folder := brokerFolder(t)
	stop := runBroker(t, folder)
	a := run(t, folder, "a", []string{"http://127.0.0.1:0"})
	run(t, folder, "b", []string{"http://" + a.host() + "/b"})
	c := dial(t, a.host())
	c.want("/", "a /")
	for range 3 {
		stop()
		c.want("/x", "a /x")
		stop = runBroker(t, folder)
		awaitPrefixes(t, folder, 2)
		c.want("/y", "a /y")
	}
	c.want("/b/z", "b /z")
}

// awaitPrefixes waits until so many are registered.
func awaitPrefixes(t *testing.T, folder string, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	c, err := broker.Connect(ctx, folder, wire.Hello{Role: wire.Watcher})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var state *wire.State
	for {
		if state, err = c.Watch(ctx, state); err != nil {
			t.Fatalf("%d prefixes are not registered: %v", want, err)
		}
		n := 0
		for _, q := range state.Queues {
			n += len(q.Prefixes)
		}
		if n == want {
			return
		}
	}
}

// TestLoad has one app serve under load, without a lost request, while another one comes and goes.
func TestLoad(t *testing.T) {
	t.Parallel()
	folder := startBroker(t)
	a := run(t, folder, "a", []string{"http://127.0.0.1:0"})
	ctx, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	var served atomic.Int64
	for range 4 {
		work.Go(func() {
			transport := new(http.Transport)
			defer transport.CloseIdleConnections()
			for n := 0; ctx.Err() == nil; n++ {
				resp, err := (&http.Client{Transport: transport, Timeout: limit}).Get("http://" + a.host() + "/x")
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || string(body) != "a /x" {
					t.Errorf("got %q, %v", body, err)
					return
				}
				served.Add(1)
				if n%10 == 0 {
					transport.CloseIdleConnections()
				}
			}
		})
	}
	for range 20 {
		b := run(t, folder, "b", []string{"http://" + a.host() + "/b"})
		dial(t, a.host()).want("/b", "b /")
		b.end(t)
	}
	stop()
	work.Wait()
	t.Logf("%d requests", served.Load())
}

// TestTaken: who has a prefix already is named.
func TestTaken(t *testing.T) {
	t.Parallel()
	folder := startBroker(t)
	a := run(t, folder, "a", []string{"http://127.0.0.1:0"})
	env := []string{wire.Variable + "=" + folder, "GORUN_SERVER=httpsys", "ASPNETCORE_URLS=http://" + a.host()}
	err := servers.Run(t.Context(), nil, servers.WithEnvironment(env), servers.WithSignals())
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) || !strings.Contains(err.Error(), "ASPNETCORE_URLS") {
		t.Errorf("got %v", err)
	}
}

// TestQueue has two apps on one queue: both are given connections, and when one ends nobody waits for it.
func TestQueue(t *testing.T) {
	t.Parallel()
	folder := startBroker(t)
	queue := httpsys.Options{RequestQueueName: "q", RequestQueueMode: httpsys.CreateOrAttach}
	a := run(t, folder, "a", []string{"http://127.0.0.1:0"}, servers.WithHTTPSys(queue))
	queue.RequestQueueMode = httpsys.Attach
	b := run(t, folder, "b", nil, servers.WithHTTPSys(queue))
	if got := b.Addresses(); len(got) != 0 {
		t.Errorf("one that attaches has %v", got)
	}
	answers := map[string]int{}
	for range 20 {
		status, body := dial(t, a.host()).get("/")
		if status != 200 {
			t.Errorf("got %d %q", status, body)
		}
		answers[body]++
	}
	if answers["a /"] == 0 || answers["b /"] == 0 || len(answers) != 2 {
		t.Errorf("got %v, want answers of both", answers)
	}
	for _, n := range taken(t, folder) {
		if n == 0 {
			t.Error("one of the two is left out")
		}
	}
	b.end(t)
	for range 20 {
		dial(t, a.host()).want("/", "a /")
	}
}

// taken gives how many connections each worker of the only queue has taken.
func taken(t *testing.T, folder string) (all []uint64) {
	t.Helper()
	c, err := broker.Connect(t.Context(), folder, wire.Hello{Role: wire.Watcher})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	state, err := c.Watch(t.Context(), nil)
	if err != nil || len(state.Queues) != 1 || len(state.Queues[0].Workers) != 2 {
		t.Fatalf("got %+v, %v", state, err)
	}
	for _, w := range state.Queues[0].Workers {
		all = append(all, w.Taken)
	}
	return all
}

// TestSharedTLS has the requests of one connection with TLS go to two apps.
func TestSharedTLS(t *testing.T) {
	t.Parallel()
	folder := startBroker(t)
	a := run(t, folder, "a", []string{"https://127.0.0.1:0"})
	get := func(path string) (string, error) {
		transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport, Timeout: limit}).Get("https://" + a.host() + path)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return fmt.Sprint(resp.ProtoMajor, " ", string(body)), err
	}
	if got, err := get("/b"); got != "2 a /b" {
		t.Fatalf("got %q, %v", got, err)
	}
	run(t, folder, "b", []string{"https://" + a.host() + "/b"})
	for path, want := range map[string]string{"/": "a /", "/b/x": "b /x"} {
		if got, err := get(path); !strings.HasSuffix(got, want) {
			t.Errorf("%s: got %q (%v), want %q", path, got, err, want)
		}
	}
}
