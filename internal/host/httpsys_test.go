package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/internal/runs"
	"github.com/gorun-dev/gorun/internal/sockets"
	"github.com/gorun-dev/gorun/profiles"
	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/httpsys/broker"
)

// share plays the broker, one that never gets ready, and a program that shares its ports.
func share(role string) int {
	folder := os.Getenv("GORUN_HTTPSYS")
	var err error
	switch role {
	case "mute broker":
		// Nobody has the test's socket any more when the test has ended.
		var conn net.Conn
		if conn, err = net.Dial("unix", filepath.Join(filepath.Dir(folder), "alive")); err == nil {
			_, err = io.Copy(io.Discard, conn)
		}
	case "broker":
		log := slog.New(slog.NewTextHandler(os.Stderr, nil))
		err = errors.Join(broker.Alone(), broker.Run(context.Background(), broker.Options{Folder: folder, Log: log, Linger: time.Second},
			func() { _ = broker.Settle(folder) }))
	case "shared":
		err = servers.Run(context.Background(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, os.Getenv("NAME"))
		}))
	}
	if err != nil && !broker.IsRunning(err) {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// brokerFolder is one whose path is short enough for a socket. The broker in it is ended after the test.
func brokerFolder(t *testing.T) string {
	t.Helper()
	if systemShares {
		t.Skip("Windows has no broker")
	}
	parent, err := os.MkdirTemp("/tmp", "gorun")
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(parent, "b")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if client, err := broker.Connect(ctx, folder, broker.Hello{Role: broker.Tool}); err == nil {
			if err := client.Stop(ctx); err != nil {
				t.Errorf("the broker does not end: %v", err)
			}
			_ = client.Close()
		}
		_ = os.RemoveAll(parent)
	})
	return folder
}

// sharing is a plan whose server is httpsys, and what starts its broker.
func sharing(t *testing.T, folder string, plan profiles.Plan, variables ...string) (profiles.Plan, func(*host)) {
	t.Helper()
	plan.Server.Value = "httpsys"
	urls := ""
	for _, e := range plan.Endpoints {
		urls += e.URL + ";"
	}
	for _, kv := range append(variables, "GORUN_SERVER=httpsys", "GORUN_HTTPSYS="+folder, "ASPNETCORE_URLS="+urls) {
		name, value, _ := strings.Cut(kv, "=")
		plan.Env = append(plan.Env, profiles.EnvVar{Name: name, Value: value})
	}
	return plan, func(h *host) {
		h.GoEnv = os.Environ()
		h.Broker = func(folder string) *broker.Launcher { return brokerAs("broker", folder) }
	}
}

// brokerAs starts the test binary in a role.
func brokerAs(role, folder string) *broker.Launcher {
	self, _ := os.Executable() // TestMain would have failed
	return &broker.Launcher{Folder: folder, Path: self, Args: []string{"gorun", "as:" + role}, Environ: broker.DaemonEnviron(os.Environ(), folder)}
}

func body(t *testing.T, url string) string {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Two programs share a port, which is no port in use to the second, and one has what it left to the broker to choose.
func TestSharedPort(t *testing.T) {
	t.Parallel()
	folder, port := brokerFolder(t), freePort(t)
	plan, options := sharing(t, folder, on(t, as(t, "shared"), "http://localhost:"+port+"/Shop/", "http://127.0.0.1:0"), "NAME=shop")
	shop := begin(t, plan, options)
	urls := shop.ready(2)
	slices.Sort(urls)
	if urls[1] != "http://localhost:"+port+"/Shop" || !strings.HasPrefix(urls[0], "http://127.0.0.1:") || strings.HasSuffix(urls[0], ":0") {
		t.Errorf("ready are %v", urls)
	}
	plan, options = sharing(t, folder, on(t, as(t, "shared"), "http://localhost:"+port), "NAME=blog")
	blog := begin(t, plan, options)
	blog.ready(1)
	for path, want := range map[string]string{"/shop/x": "shop", "/": "blog"} {
		if got := body(t, "http://localhost:"+port+path); got != want {
			t.Errorf("%s is answered by %q, want %q", path, got, want)
		}
	}
	if got := body(t, urls[0]); got != "shop" {
		t.Errorf("%s is answered by %q", urls[0], got)
	}
	for _, r := range []*running{shop, blog} {
		if result := r.stop(); result.NotReady != nil {
			t.Errorf("not ready: %v", result.NotReady)
		}
	}
	if n := shop.count(event.Warned) + blog.count(event.Warned); n > 0 {
		t.Errorf("%d warnings: %v, %v", n, shop.seen, blog.seen)
	}
}

// The prefixes that a program has chosen by itself take the place of the plan's, and the program tells of them.
func TestPrefixesOfTheProgram(t *testing.T) {
	t.Parallel()
	folder, port := brokerFolder(t), freePort(t)
	own := "http://localhost:" + port + "/own"
	plan, options := sharing(t, folder, on(t, as(t, "shared"), "http://localhost:1"), "NAME=x", "HttpSys__UrlPrefixes__0="+own+"/")
	plan.Browser.Open.Value = true
	opened := make(chan string, 1)
	dir := runDir(t.TempDir())
	r := begin(t, plan, func(h *host) {
		options(h)
		h.waiting, h.RunDir = time.Millisecond, dir
		h.OpenBrowser = func(url string) error { opened <- url; return nil }
	})
	select {
	case url := <-opened:
		if url != own {
			t.Errorf("the browser shows %s", url)
		}
	case <-time.After(patience):
		t.Error("no browser was opened")
	}
	if records, err := runs.List(dir); err != nil || len(records) != 1 || !slices.Equal(records[0].URLs, []string{own}) {
		t.Errorf("records %+v, %v", records, err)
	}
	if result := r.stop(); result.NotReady != nil {
		t.Errorf("not ready: %v", result.NotReady)
	}
}

// A program that opens the port by itself is ready, but shares nothing.
func TestProgramThatSharesNothing(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "darwin" {
		t.Skip("macOS does not say who listens")
	}
	folder, port := brokerFolder(t), freePort(t)
	plan, options := sharing(t, folder, on(t, as(t, "listen", "tcp:127.0.0.1:"+port), "http://127.0.0.1:"+port))
	r := begin(t, plan, options)
	if d := r.next(event.Warned).Diagnostics[0]; d.Code != "not-shared" || !strings.Contains(d.Message, port) || d.Suggestion == "" {
		t.Errorf("diagnostic %+v", d)
	}
	r.ready(1)
	r.stop()
	if n := r.count(event.Warned); n != 1 {
		t.Errorf("it was told %d times", n)
	}
}

// A broker that is killed is replaced, and the program has its prefix again.
func TestBrokerIsReplaced(t *testing.T) {
	t.Parallel()
	folder, port := brokerFolder(t), freePort(t)
	plan, options := sharing(t, folder, on(t, as(t, "shared"), "http://localhost:"+port), "NAME=shop")
	r := begin(t, plan, options)
	r.ready(1)
	pid := registered(t, folder, port, 0)
	process, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	registered(t, folder, port, pid)
	if got := body(t, "http://localhost:"+port); got != "shop" {
		t.Errorf("it is answered by %q", got)
	}
	r.stop()
	if n := r.count(event.Warned); n != 0 {
		t.Errorf("there are warnings: %v", r.seen)
	}
}

// Whose a port is can be said only as long as the broker is the one whose state is known.
func TestPortsOfTheBroker(t *testing.T) {
	t.Parallel()
	var none *sponsor
	if none.has(TakenPort{}) {
		t.Error("who shares no ports has one")
	}
	folder := brokerFolder(t)
	l := brokerAs("broker", folder)
	client, err := l.Ensure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	defer client.Close()
	pid := client.Broker().PID
	for name, test := range map[string]struct {
		folder string
		state  *broker.State
		holder int
		want   bool
	}{
		"its own":                   {folder, &broker.State{PID: pid}, pid, true},
		"another program's":         {folder, &broker.State{PID: pid}, pid + 1, false},
		"unknown":                   {folder, &broker.State{PID: pid}, 0, false},
		"unknown, but it listens":   {folder, &broker.State{PID: pid, Listeners: []string{"127.0.0.1:7"}}, 0, true},
		"no broker any more":        {folder, nil, pid + 1, true},
		"another broker since then": {folder, &broker.State{PID: pid + 1}, pid, true},
		"none since then":           {folder + "2", &broker.State{PID: pid}, pid + 1, true},
	} {
		s := &sponsor{launcher: &broker.Launcher{Folder: test.folder}}
		s.state.Store(test.state)
		taken := TakenPort{Endpoint: profiles.Endpoint{Endpoint: endpoint.Endpoint{Port: 7}}, Holder: sockets.Listener{PID: test.holder}}
		if got := s.has(taken); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// registered waits until a broker that is not the process other has a prefix of the port, and gives its process.
func registered(t *testing.T, folder, port string, other int) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for ctx.Err() == nil {
		client, err := broker.Connect(ctx, folder, broker.Hello{Role: broker.Tool})
		if err != nil {
			time.Sleep(time.Millisecond) // nothing tells that there is another one
			continue
		}
		for state, err := client.Watch(ctx, nil); err == nil && state.PID != other; state, err = client.Watch(ctx, state) {
			for _, q := range state.Queues {
				if len(q.Prefixes) > 0 && strings.Contains(q.Prefixes[0].Prefix, ":"+port+"/") {
					_ = client.Close()
					return state.PID
				}
			}
		}
		_ = client.Close()
	}
	t.Fatal("nobody has registered the port")
	return 0
}

// What keeps a program that shares ports from being started.
func TestSharingFails(t *testing.T) {
	t.Parallel()
	folder, port := brokerFolder(t), freePort(t)
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, test := range map[string]struct {
		folder string
		change func(*host)
		is     func(error) bool
	}{
		"the port is another's": {folder, func(*host) {}, func(err error) bool {
			_, ok := errors.AsType[*PortInUseError](err)
			return ok
		}},
		"no broker and nobody to start one": {folder + "2", func(h *host) { h.Broker = nil }, func(err error) bool {
			return err != nil && hintOf(err) != ""
		}},
		"no folder": {"relative", func(*host) {}, func(err error) bool {
			return err != nil && strings.Contains(hintOf(err), "GORUN_HTTPSYS")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			plan, options := sharing(t, test.folder, on(t, as(t, "shared"), "http://127.0.0.1:"+port))
			r := begin(t, plan, func(h *host) { options(h); test.change(h) })
			if _, err := r.end(); !test.is(err) {
				t.Errorf("error %v", err)
			}
			if n := r.count(event.ProcessStarted); n > 0 {
				t.Error("the program was started")
			}
		})
	}
}

func hintOf(err error) string {
	if e, ok := errors.AsType[hinting](err); ok {
		return e.Hint()
	}
	return ""
}

// Ctrl+C does not wait for a broker that never answers.
func TestInterruptedWhileABrokerStarts(t *testing.T) {
	t.Parallel()
	folder := brokerFolder(t)
	plan, options := sharing(t, folder, on(t, as(t, "shared"), "http://localhost:"+freePort(t)))
	alive, err := net.Listen("unix", filepath.Join(filepath.Dir(folder), "alive"))
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	asked := make(chan struct{})
	r := begin(t, plan, func(h *host) {
		options(h)
		h.Broker = func(folder string) *broker.Launcher { close(asked); return brokerAs("mute broker", folder) }
	})
	<-asked
	r.signals <- os.Interrupt
	_, err = r.end()
	if _, ok := errors.AsType[*InterruptedError](err); !ok {
		t.Errorf("error %v", err)
	}
}

// What is said when there is no broker any more, and none can be started.
func TestLostBroker(t *testing.T) {
	t.Parallel()
	if d := lostBroker(&broker.LaunchError{Folder: "/x"}); !strings.Contains(d.Suggestion, "broker.log") || d.Message == "" {
		t.Errorf("diagnostic %+v", d)
	}
	if d := lostBroker(errors.New("no memory")); d.Suggestion == "" || !strings.Contains(d.Message, "no memory") {
		t.Errorf("diagnostic %+v", d)
	}
}
