package httpsys

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
	"github.com/gorun-dev/gorun/servers/limits"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for option, o := range map[string]Options{
		"":                        {RequestQueueName: strings.Repeat("ä", 260), RequestQueueMode: Attach},
		"RequestQueueName":        {RequestQueueName: strings.Repeat("a", 261)},
		"RequestQueueMode":        {RequestQueueMode: Attach},
		"RequestQueueLimit":       {RequestQueueLimit: -1},
		"Http503Verbosity":        {Http503Verbosity: 3},
		"MaxAccepts":              {MaxAccepts: -1},
		"ClientCertificateMethod": {ClientCertificateMethod: 3},
	} {
		err := o.Check()
		problem, ok := errors.AsType[*OptionError](err)
		if ok != (option != "") || ok && (problem.Option != option || problem.Hint() == "") {
			t.Errorf("%s: got %v", option, err)
		}
	}
	for _, bad := range []Options{{RequestQueueName: "a/b"}, {RequestQueueMode: 9}} {
		if bad.Check() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, m := range []Mode{Create, Attach, CreateOrAttach} {
		if got, err := ParseMode(strings.ToUpper(m.String())); got != m || err != nil {
			t.Errorf("%v: got %v, %v", m, got, err)
		}
	}
	for _, v := range []Verbosity{Basic, Limited, Full} {
		if got, err := ParseVerbosity(v.String()); got != v || err != nil {
			t.Errorf("%v: got %v, %v", v, got, err)
		}
	}
	for _, c := range []ClientCertificateMethod{AllowCertificate, NoCertificate, AllowRenegotiation} {
		if got, err := ParseClientCertificateMethod(c.String()); got != c || err != nil {
			t.Errorf("%v: got %v, %v", c, got, err)
		}
	}
	if _, err := ParseMode("none"); err == nil || Mode(7).String() != "7" {
		t.Errorf("got %v, %v", err, Mode(7))
	}
}

// TestLimits: Options win over Limits, and both over the defaults of TimeoutManager (reference: servers.md, 4.1).
func TestLimits(t *testing.T) {
	t.Parallel()
	got := new(Server).effectiveLimits().Effective()
	if got.KeepAliveTimeout != 2*time.Minute || got.RequestHeadersTimeout != 2*time.Minute || got.MaxRequestBodySize != 30_000_000 ||
		got.MinResponseDataRate.BytesPerSecond != 150 || got.MinRequestBodyDataRate.GracePeriod != 2*time.Minute {
		t.Errorf("the defaults are %+v", got)
	}
	s := &Server{Limits: limits.Limits{KeepAliveTimeout: 1, RequestHeadersTimeout: 2, MaxRequestBodySize: 3}, Options: Options{
		MaxRequestBodySize: -1, MaxConnections: 5, Timeouts: Timeouts{IdleConnection: 6, EntityBody: -1, MinSendBytesPerSecond: 7},
	}}
	got = s.effectiveLimits()
	want := limits.Limits{
		MaxConcurrentConnections: 5, MaxRequestBodySize: -1, KeepAliveTimeout: 6, RequestHeadersTimeout: 2,
		MinRequestBodyDataRate: limits.DataRate{BytesPerSecond: -1}, MinResponseDataRate: limits.DataRate{BytesPerSecond: 7},
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestRegistrations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		s    Server
		want string
	}{
		"the default": {Server{}, "http://localhost:5000/ http://localhost:5000"},
		"attached":    {Server{Options: Options{RequestQueueMode: Attach, RequestQueueName: "q"}}, ""},
		"prefixes":    {Server{Options: Options{UrlPrefixes: []string{"http://+:80/a"}}}, "http://+:80/a/ http://+:80/a"},
		"listens":     {Server{Options: Options{UrlPrefixes: []string{"http://+:80/a"}}, Listens: []Listen{{URL: "http://0.0.0.0"}}}, "http://*:80/ http://0.0.0.0:80"},
		"none":        {Server{Listens: []Listen{}}, ""},
		"IPv6":        {Server{Listens: []Listen{{URL: "https://[::1]/"}}}, "https://[::1]:443/ https://[::1]:443"},
	} {
		list, err := c.s.registrations()
		var got []string
		for _, r := range list {
			got = append(got, r.prefix.String(), r.address())
		}
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, c.want)
		}
	}
	_, err := (&Server{Listens: []Listen{{URL: "ftp://a"}, {URL: "http://unix:/x"}}}).registrations()
	if err == nil || len(err.(interface{ Unwrap() []error }).Unwrap()) != 2 {
		t.Errorf("got %v", err)
	}
}

// TestCutBase: URL.Path and RawPath are what they would be had the client asked for the rest alone.
func TestCutBase(t *testing.T) {
	t.Parallel()
	for _, c := range [][4]string{ // prefix, target, base, rest
		{"http://*:80/a/", "/a/b", "/a", "/b"},
		{"http://*:80/a/", "/A", "/A", "/"},
		{"http://*:80/a/b/", "/a/B/c%2Fd/", "/a/B", "/c%2Fd/"},
		{"http://*:80/a%20b/", "/a%20B/x", "/a B", "/x"},
		{"http://*:80/", "/x%2F", "", "/x%2F"},
	} {
		prefix, err := urlprefix.Parse(c[0])
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.ParseRequestURI(c[1])
		if err != nil {
			t.Fatal(err)
		}
		base := cutBase(u, prefix)
		want, err := url.ParseRequestURI(c[3])
		if err != nil {
			t.Fatal(err)
		}
		if base != c[2] || u.Path != want.Path || u.RawPath != want.RawPath {
			t.Errorf("%s below %s: got %q, %q (%q), want %q, %q (%q)", c[1], c[0], base, u.Path, u.RawPath, c[2], want.Path, want.RawPath)
		}
	}
}

// TestRoutesAllocate: whose a request is costs no memory.
func TestRoutesAllocate(t *testing.T) {
	var entries []entry
	for _, p := range []string{"http://localhost:80/", "http://*:80/a/", "http://*:80/b/"} {
		prefix, err := urlprefix.Parse(p)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry{prefix, p != "http://*:80/b/"})
	}
	r := newRoutes(entries, http.NotFoundHandler())
	conn := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}
	for target, mine := range map[string]bool{"/a/x": true, "/b/x": false, "/c": false} {
		host, path := []byte("example.com"), []byte(target)
		if got := r.of("http", host, conn, path) != nil; got != mine {
			t.Errorf("%s: got %v", target, got)
		}
		if n := testing.AllocsPerRun(100, func() { r.of("http", host, conn, path) }); n > 0 {
			t.Errorf("%s: %v allocations", target, n)
		}
	}
}
