//go:build linux || darwin

package httpsys_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/httpsys"
	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// TestRowsPrefixes has requests go where prefixes say (reference: servers.md, 4.2, and Q17 and Q18 of 9).
func TestRowsPrefixes(t *testing.T) {
	rows{
		"H4.2-port-text, Q17":                        portText,
		"H4.2-path-base, Q18":                        pathBase,
		"H4.2-order, H7.3-8":                         order,
		"H4.2-port-0":                                portZero,
		"H4.2-hot":                                   hot,
		"H4.2-unmatched":                             unmatched,
		"H4.3-busy, H7.3-2":                          busy,
		"H4.5-Request_PathSplitting":                 pathSplitting,
		"H4.5-Request_MultiplePrefixes":              multiplePrefixes,
		"H4.5-Request_WithNavigation_Removed":        navigation,
		"H4.5-Request_WithEscapedNavigation_Removed": escapedNavigation,
	}.run(t)
}

// places tells a handler's path base and path, escaped as the client has it.
var places = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	base, _ := feature.Get[feature.PathBase](r.Context())
	fmt.Fprint(w, base.Path, "|", r.URL.EscapedPath())
})

// portText: Kestrel takes the whole for the name of a host, port 80; package endpoint says why gorun's does not either.
func portText(t *testing.T) {
	err := refused(t, startBroker(t), &httpsys.Server{Options: httpsys.Options{UrlPrefixes: []string{"http://localhost:NOTAPORT/"}}})
	if e, ok := errors.AsType[*urlprefix.ParseError](err); !ok || !strings.Contains(err.Error(), `"NOTAPORT"`) || e.Hint() == "" {
		t.Errorf("HTTP.sys: got %v", err)
	}
	if e, err := endpoint.Parse("http://localhost:NOTAPORT"); err == nil {
		t.Errorf("an address: got %+v", e)
	}
}

// pathBase: Kestrel refuses it.
func pathBase(t *testing.T) {
	s := serve(t, "", &httpsys.Server{Handler: places, Options: httpsys.Options{UrlPrefixes: []string{"http://127.0.0.1:0/Base/"}}})
	for path, want := range map[string]string{
		"/Base/x": "/Base|/x", "/bASE/x": "/bASE|/x", "/base": "/base|/", "/base/": "/base|/", "/base/a%2Fb": "/base|/a%2Fb",
	} {
		wantAnswer(t, path, dial(t, s.at()).exchange(get("h", path)), 200, want)
	}
	for _, path := range []string{"/", "/basement", "/base%2Fx"} {
		if got := dial(t, s.at()).exchange(get("h", path)); got.status != 404 {
			t.Errorf("%s: got %d %q, want 404", path, got.status, got.body)
		}
	}
	env := servers.WithEnvironment([]string{"ASPNETCORE_URLS=http://127.0.0.1:0/base"})
	err := servers.Run(t.Context(), places, env, servers.WithSignals())
	if e, ok := errors.AsType[*servers.AddressError](err); !ok || e.Source != "ASPNETCORE_URLS" {
		t.Errorf("Kestrel: got %v", err)
	}
}

// order: of four apps on one port, with a wildcard that has taken what is another's path.
func order(t *testing.T) {
	name := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, name) })
	}
	weak := serve(t, "", &httpsys.Server{Handler: name("weak"), Options: httpsys.Options{UrlPrefixes: []string{"http://*:0/"}}})
	port := netip.MustParseAddrPort(strings.Replace(weak.at(), "*", "0.0.0.0", 1)).Port()
	for _, host := range []string{"+", "localhost", "127.0.0.1"} {
		list := []string{fmt.Sprintf("http://%s:%d/", host, port)}
		if host == "+" {
			list[0] += "strong/"
		}
		serve(t, weak.folder, &httpsys.Server{Handler: name(host), Options: httpsys.Options{UrlPrefixes: list}})
	}
	for _, c := range []struct{ at, host, path, want string }{
		{"127.0.0.1", "localhost", "/", "localhost"},
		{"127.0.0.1", "LocalHost:1", "/x", "localhost"},
		{"127.0.0.1", "localhost", "/strong/x", "+"},
		{"127.0.0.1", "other", "/strong", "+"},
		{"127.0.0.1", "other", "/", "127.0.0.1"},
		{"127.0.0.2", "other", "/", "weak"},
		{"127.0.0.2", "127.0.0.1", "/", "weak"}, // the address counts, not what the client calls it
	} {
		at, ok := reachable(c.at, port)
		if !ok {
			continue // this system has no other loopback address
		}
		wantAnswer(t, fmt.Sprint(c), dial(t, at).exchange(get(c.host, c.path)), 200, c.want)
	}
	for _, q := range weak.state(t).Queues { // who has taken it is seen
		if len(q.Prefixes) != 1 || q.Prefixes[0].PID == 0 {
			t.Errorf("got %+v", q)
		}
	}
}

func portZero(t *testing.T) {
	s := serve(t, "", &httpsys.Server{Options: httpsys.Options{UrlPrefixes: []string{"http://127.0.0.1:0", "http://127.0.0.1:0/x"}}})
	for _, url := range s.addresses {
		e, err := endpoint.Parse(url)
		if err != nil || e.Port < 5000 || e.Port > 48000 {
			t.Errorf("%s: got port %d, %v, want one from 5000 to 48000", url, e.Port, err)
		}
		wantAnswer(t, url, dial(t, fmt.Sprint("127.0.0.1:", e.Port)).exchange(get("h", "/x")), 200, "Hello World")
	}
}

// hot: a prefix comes while another is served, and goes.
func hot(t *testing.T) {
	s := serve(t, "", &httpsys.Server{Options: httpsys.Options{UrlPrefixes: []string{"http://127.0.0.1:0/a/"}}})
	c := dial(t, s.at())
	none := func() {
		t.Helper()
		if got := dial(t, s.at()).exchange(get("h", "/b")); got.status != 404 {
			t.Errorf("got %d, want 404", got.status)
		}
		wantAnswer(t, "the other", c.exchange(get("h", "/a")), 200, "Hello World")
	}
	none()
	other := serve(t, s.folder, &httpsys.Server{Handler: places, Options: httpsys.Options{UrlPrefixes: []string{s.url("/b/")}}})
	wantAnswer(t, "a new one", dial(t, s.at()).exchange(get("h", "/b/")), 200, "/b|/")
	if err := other.end(); err != nil {
		t.Error(err)
	}
	none()
}

func unmatched(t *testing.T) {
	s := serve(t, "", &httpsys.Server{Options: httpsys.Options{UrlPrefixes: []string{"http://localhost:0/a/"}}})
	at := "127.0.0.1" + s.port()
	if got := dial(t, at).exchange(get("localhost", "/b")); got.status != 404 || !got.close {
		t.Errorf("a path: got %d %q", got.status, got.body)
	}
	if got := dial(t, at).exchange(get("example.com", "/a")); got.status != 400 || !strings.Contains(got.body, "Invalid Hostname") {
		t.Errorf("a host: got %d %q", got.status, got.body)
	}
	if r := s.state(t).Refused; r.NoPath != 1 || r.NoHost != 1 {
		t.Errorf("it is counted as %+v", r)
	}
}

// busy: the prefix and who has it are named.
func busy(t *testing.T) {
	s := serve(t, "", &httpsys.Server{Options: httpsys.Options{RequestQueueName: "first"}})
	pid := s.queue(t, "first").Workers[0].PID
	err := refused(t, s.folder, &httpsys.Server{Options: httpsys.Options{UrlPrefixes: []string{s.url("/")}}})
	e, ok := errors.AsType[*httpsys.RegistrationError](err)
	if !ok || !errors.Is(err, httpsys.ErrExists) || !strings.Contains(e.Hint(), fmt.Sprint(pid)) {
		t.Fatalf("got %v", err)
	}
	for _, part := range []string{s.url("/"), "already registered", fmt.Sprint("process ", pid)} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
	if said, ok := errors.AsType[*wire.Error](err); !ok || said.Code != wire.CodeExists {
		t.Errorf("got %v", said)
	}
}

// split is a request below a prefix, and what its handler has.
type split struct{ prefix, target, base, path string }

func splits(t *testing.T, all []split) {
	t.Helper()
	for _, c := range all {
		prefix := "http://127.0.0.1:0" + c.prefix
		s := serve(t, "", &httpsys.Server{Handler: places, Options: httpsys.Options{UrlPrefixes: []string{prefix}}})
		wantAnswer(t, fmt.Sprint(c), dial(t, s.at()).exchange(get("localhost", c.target)), 200, c.base+"|"+c.path)
	}
}

// pathSplitting: where .NET has an empty path a handler in Go has "/".
func pathSplitting(t *testing.T) {
	splits(t, []split{
		{"/", "/", "", "/"},
		{"/basepath/", "/basepath", "/basepath", "/"},
		{"/basepath/", "/basepath/", "/basepath", "/"},
		{"/basepath/", "/basepath/subpath", "/basepath", "/subpath"},
		{"/base%20path/", "/base%20path/sub%20path", "/base path", "/sub%20path"},
		{"/base葉path/", "/base%E8%91%89path/sub%E8%91%89path", "/base葉path", "/sub%E8%91%89path"},
		{"/basepath/", "/basepath/sub%2Fpath", "/basepath", "/sub%2Fpath"},
	})
}

func multiplePrefixes(t *testing.T) {
	first := serve(t, "", &httpsys.Server{Handler: places})
	var list []string
	for _, path := range []string{"/11", "/2/3", "/2", "/11/2"} {
		list = append(list, first.url(path))
	}
	serve(t, first.folder, &httpsys.Server{Handler: places, Options: httpsys.Options{UrlPrefixes: list}})
	c := dial(t, first.at()) // it goes from one to the other
	for target, want := range map[string]string{
		"/": "|/", "/random": "|/random", "/11": "/11|/", "/11/": "/11|/", "/11/random": "/11|/random", "/2": "/2|/", "/2/": "/2|/",
		"/2/random": "/2|/random", "/2/3": "/2/3|/", "/2/3/": "/2/3|/", "/2/3/random": "/2/3|/random", "/11/2/3": "/11/2|/3", "/111": "|/111",
	} {
		wantAnswer(t, target, c.exchange(get("localhost", target)), 200, want)
	}
}

func navigation(t *testing.T) {
	splits(t, []split{
		{"/", "/a/b/../c", "", "/a/c"},
		{"/", "/a/b/./c", "", "/a/b/c"},
		{"/a", "/a/./c", "/a", "/c"},
		{"/a", "/a/d/../b/c", "/a", "/b/c"},
		{"/a/b", "/a/d/../b/c", "/a/b", "/c"},
		{"/a/b", "/a/./b/c", "/a/b", "/c"},
	})
}

func escapedNavigation(t *testing.T) {
	splits(t, []split{
		{"/", "/a/b/%2E%2E/c", "", "/a/c"},
		{"/", "/a/b/%2E/c", "", "/a/b/c"},
		{"/a/b", "/a/d/%2e%2E/b/c", "/a/b", "/c"},
	})
}
