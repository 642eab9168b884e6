package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gorun-dev/gorun/internal/event"
	"github.com/gorun-dev/gorun/profiles"
)

// ready waits for n endpoints and returns their URLs in the order in which they were told.
func (r *running) ready(n int) []string {
	r.t.Helper()
	var urls []string
	for range n {
		urls = append(urls, r.next(event.EndpointReady).URL)
	}
	return urls
}

// stop ends a program that does as it is told.
func (r *running) stop() Result {
	r.t.Helper()
	r.signals <- syscall.SIGTERM
	return r.ended(0)
}

func TestReady(t *testing.T) {
	t.Parallel()
	p, q := freePort(t), freePort(t)
	// Short, since the name of a unix socket may have no more than 100 characters.
	dir, err := os.MkdirTemp("", "gorun")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	sock := filepath.Join(dir, "a b.sock")

	for name, test := range map[string]struct {
		urls, listens []string
		want          []string // nil: as in urls
		ipv6          bool
		role          string
	}{
		"IPv4":                        {urls: []string{"http://127.0.0.1:PORT"}, listens: []string{"tcp:127.0.0.1:PORT"}},
		"https":                       {urls: []string{"https://127.0.0.1:PORT"}, listens: []string{"tcp:127.0.0.1:PORT"}},
		"IPv6":                        {urls: []string{"http://[::1]:PORT"}, listens: []string{"tcp:[::1]:PORT"}, ipv6: true},
		"localhost by IPv4 alone":     {urls: []string{"http://localhost:PORT"}, listens: []string{"tcp:127.0.0.1:PORT"}},
		"localhost by IPv6 alone":     {urls: []string{"http://localhost:PORT"}, listens: []string{"tcp:[::1]:PORT"}, ipv6: true},
		"below localhost":             {urls: []string{"http://api.localhost:PORT"}, listens: []string{"tcp:127.0.0.1:PORT"}},
		"wildcard":                    {urls: []string{"http://*:PORT"}, listens: []string{"tcp::PORT"}},
		"wildcard on one address":     {urls: []string{"http://+:PORT"}, listens: []string{"tcp:127.0.0.1:PORT"}},
		"every address":               {urls: []string{"http://0.0.0.0:PORT"}, listens: []string{"tcp::PORT"}},
		"address by a wildcard":       {urls: []string{"http://127.0.0.1:PORT"}, listens: []string{"tcp4:0.0.0.0:PORT"}},
		"path base":                   {urls: []string{"http://127.0.0.1:PORT/base"}, listens: []string{"tcp:127.0.0.1:PORT"}},
		"two on one port":             {urls: []string{"http://localhost:PORT", "http://127.0.0.1:PORT"}, listens: []string{"tcp:127.0.0.1:PORT"}},
		"two ports, the other way":    {urls: []string{"http://127.0.0.1:PORT", "https://127.0.0.1:OTHER"}, listens: []string{"tcp:127.0.0.1:OTHER", "tcp:127.0.0.1:PORT"}},
		"in a grandchild":             {urls: []string{"http://127.0.0.1:PORT"}, listens: []string{"tcp:127.0.0.1:PORT"}, role: "parent"},
		"unix":                        {urls: []string{"http://unix:" + sock}, listens: []string{"unix:" + sock}},
		"free port":                   {urls: []string{"http://127.0.0.1:0"}, listens: []string{"tcp:127.0.0.1:PORT"}, want: []string{"http://127.0.0.1:PORT"}},
		"free port of localhost":      {urls: []string{"https://localhost:0/x"}, listens: []string{"tcp:127.0.0.1:PORT"}, want: []string{"https://localhost:PORT/x"}},
		"free port beside a fixed":    {urls: []string{"http://127.0.0.1:0", "http://localhost:PORT"}, listens: []string{"tcp:127.0.0.1:PORT", "tcp:[::1]:PORT", "tcp:127.0.0.1:OTHER"}, want: []string{"http://127.0.0.1:OTHER", "http://localhost:PORT"}, ipv6: true},
		"localhost beside a free one": {urls: []string{"http://localhost:PORT", "http://localhost:0"}, listens: []string{"tcp:127.0.0.1:PORT", "tcp:[::1]:PORT", "tcp:127.0.0.1:OTHER"}, want: []string{"http://localhost:OTHER", "http://localhost:PORT"}, ipv6: true},
	} {
		t.Run(name, func(t *testing.T) {
			if test.ipv6 {
				needIPv6(t)
			}
			fill := strings.NewReplacer("PORT", p, "OTHER", q)
			filled := func(list []string) (out []string) {
				for _, s := range list {
					out = append(out, fill.Replace(s))
				}
				return out
			}
			if test.want == nil {
				test.want = test.urls
			}
			if test.role == "" {
				test.role = "listen"
			}
			r := begin(t, on(t, as(t, test.role, filled(test.listens)...), filled(test.urls)...), nil)
			got := r.ready(len(test.want))
			slices.Sort(got)
			want := filled(test.want)
			for i, url := range want {
				want[i] = on(t, profiles.Plan{}, url).Endpoints[0].String()
			}
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if result := r.stop(); result.NotReady != nil {
				t.Errorf("not ready: %v", result.NotReady)
			}
			if n := r.count(event.EndpointReady); n != len(want) {
				t.Errorf("%d endpoints were told", n)
			}
		})
	}
}

// Each free port is that of one endpoint.
func TestTwoFreePorts(t *testing.T) {
	t.Parallel()
	r := begin(t, on(t, as(t, "listen", "tcp:127.0.0.1:0", "tcp:127.0.0.1:0"), "http://127.0.0.1:0", "https://127.0.0.1:0"), nil)
	urls := r.ready(2)
	_, one, _ := strings.Cut(urls[0], "://")
	_, other, _ := strings.Cut(urls[1], "://")
	if one == other || strings.HasSuffix(one, ":0") || strings.HasSuffix(other, ":0") {
		t.Errorf("urls %v", urls)
	}
	r.stop()
}

// A program that closes its socket and listens again is told of once.
func TestListensAgain(t *testing.T) {
	t.Parallel()
	address := "127.0.0.1:" + freePort(t)
	other := "127.0.0.1:" + freePort(t)
	r := begin(t, on(t, as(t, "again", "tcp:"+address, "tcp:"+address, "tcp:"+other), "http://"+address, "http://"+other), nil)
	r.ready(1)
	fmt.Fprintln(r.stdin)
	fmt.Fprintln(r.stdin)
	r.ready(1)
	r.stdin.Close()
	r.ended(0)
	if n := r.count(event.EndpointReady); n != 2 {
		t.Errorf("it was told %d times", n)
	}
}

// Sockets of others do not count, nor does a program that ends.
func TestNotReady(t *testing.T) {
	t.Parallel()
	url := "http://localhost:" + freePort(t) + "/"
	r := begin(t, on(t, as(t, "exit", "1"), url, "http://127.0.0.1:0", "http://unix:/nowhere.sock"), nil)
	result := r.ended(1)
	if diff := cmp.Diff([]string{url, "http://127.0.0.1:0", "http://unix:/nowhere.sock"}, result.NotReady); diff != "" {
		t.Error(diff)
	}
	if r.count(event.EndpointReady) > 0 {
		t.Errorf("events %v", r.kinds())
	}
}

// browser keeps what it is asked to open.
type browser struct {
	mu   sync.Mutex
	urls []string
	err  error
}

func (b *browser) open(url string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.urls = append(b.urls, url)
	return b.err
}

// browsing lets a host open b, and gives the first address its turn for so long.
func (b *browser) browsing(turn time.Duration) func(*host) {
	return func(h *host) {
		h.plan.Browser.Open.Value = true
		h.plan.Browser.LaunchURL.Value = "swagger"
		h.OpenBrowser, h.waiting = b.open, turn
	}
}

func TestBrowserOpensOnce(t *testing.T) {
	t.Parallel()
	var b browser
	one, two := freePort(t), freePort(t)
	plan := on(t, as(t, "steps", "tcp:127.0.0.1:"+one, "tcp:127.0.0.1:"+two), "https://localhost:"+one, "http://localhost:"+two)
	r := begin(t, plan, b.browsing(time.Hour))
	want := "https://localhost:" + one + "/swagger"
	if e := r.next(event.BrowserOpened); e.URL != want {
		t.Errorf("event %+v", e)
	}
	fmt.Fprintln(r.stdin)
	r.ready(1)
	r.stop()
	if diff := cmp.Diff([]string{want}, b.urls); diff != "" {
		t.Error(diff)
	}
}

// The plan's first address is opened, also when another one was ready before it.
func TestBrowserWaitsForTheFirstAddress(t *testing.T) {
	t.Parallel()
	var b browser
	one, two := freePort(t), freePort(t)
	plan := on(t, as(t, "steps", "tcp:127.0.0.1:"+two, "tcp:127.0.0.1:"+one), "https://localhost:"+one, "http://localhost:"+two)
	r := begin(t, plan, b.browsing(time.Hour))
	r.ready(1)
	fmt.Fprintln(r.stdin)
	if e := r.next(event.BrowserOpened); e.URL != "https://localhost:"+one+"/swagger" {
		t.Errorf("event %+v", e)
	}
	r.stop()
}

// A program that never serves its first address is opened on another one, at the port that it has got.
func TestBrowserTakesAnotherAddress(t *testing.T) {
	t.Parallel()
	var b browser
	never, port := freePort(t), freePort(t)
	plan := on(t, as(t, "listen", "tcp:127.0.0.1:"+port), "http://unix:/never.sock", "https://localhost:"+never, "http://*:0")
	r := begin(t, plan, b.browsing(time.Millisecond))
	if e := r.next(event.BrowserOpened); e.URL != "http://localhost:"+port+"/swagger" {
		t.Errorf("event %+v", e)
	}
	if result := r.stop(); len(result.NotReady) != 2 || len(b.urls) != 1 {
		t.Errorf("%+v, opened %v", result, b.urls)
	}
}

func TestBrowserThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	b := browser{err: errors.New("xdg-open is not installed")}
	r := begin(t, on(t, as(t, "listen", "tcp:127.0.0.1:0"), "http://127.0.0.1:0"), b.browsing(time.Hour))
	d := r.next(event.Warned).Diagnostics[0]
	if !strings.Contains(d.Message, "xdg-open is not installed") || d.Suggestion != "open "+b.urls[0] {
		t.Errorf("warning %+v", d)
	}
	r.stop()
	if r.count(event.BrowserOpened) > 0 || len(b.urls) != 1 {
		t.Errorf("events %v, opened %v", r.kinds(), b.urls)
	}
}

// A plan that wants no browser, and a host that has none.
func TestNoBrowser(t *testing.T) {
	t.Parallel()
	var b browser
	for _, change := range []func(*host){
		func(h *host) { b.browsing(0)(h); h.plan.Browser.Open.Value = false },
		func(h *host) { b.browsing(0)(h); h.OpenBrowser = nil },
	} {
		r := begin(t, on(t, as(t, "listen", "tcp:127.0.0.1:0"), "http://127.0.0.1:0"), change)
		r.ready(1)
		r.stop()
		if r.count(event.BrowserOpened) > 0 || len(b.urls) > 0 {
			t.Errorf("events %v, opened %v", r.kinds(), b.urls)
		}
	}
}

// Run returns no sooner than the function that opens the browser, although the program has ended.
func TestEndWhileABrowserOpens(t *testing.T) {
	t.Parallel()
	opening, release := make(chan struct{}), make(chan struct{})
	r := begin(t, on(t, as(t, "listen", "tcp:127.0.0.1:0"), "http://127.0.0.1:0"), func(h *host) {
		h.plan.Browser.Open.Value = true
		h.OpenBrowser = func(string) error {
			close(opening)
			<-release
			return nil
		}
	})
	<-opening
	r.signals <- syscall.SIGTERM
	r.next(event.Stopping)
	select {
	case <-r.done:
		t.Error("Run has returned while the browser opens")
	default:
	}
	close(release)
	r.ended(0)
	if last := r.seen[len(r.seen)-1]; last.Kind != event.ProcessExited || r.count(event.BrowserOpened) != 1 {
		t.Errorf("events %v", r.kinds())
	}
}

// The proof where there is no table.
func TestDial(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	r := begin(t, on(t, as(t, "listen", "tcp:127.0.0.1:"+port), "http://127.0.0.1:"+port), nil)
	r.ready(1)
	for url, want := range map[string]bool{
		"http://127.0.0.1:" + port: true, "http://*:" + port: true, "https://a.localhost:" + port: true,
		"http://127.0.0.1:" + freePort(t): false, "http://unix:/nowhere.sock": false,
	} {
		if got := dial(t.Context(), on(t, profiles.Plan{}, url).Endpoints[0].Endpoint); got != want {
			t.Errorf("%s: %v", url, got)
		}
	}
	r.stop()
}
