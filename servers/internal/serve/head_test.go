package serve

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var defaults = Limits{}.Effective()

// parseHead reads a head as a connection does, in pieces of n bytes.
func parseHead(b []byte, n int) (end int, h *head, f *fault) {
	h = new(head)
	h.reset()
	for have := 0; have < len(b) && end == 0 && f == nil; {
		have = min(have+n, len(b))
		end, f = h.parse(b[:have], &defaults, true)
	}
	return end, h, f
}

func FuzzHead(f *testing.F) {
	for _, seed := range []string{
		get("/"), get("/a%2fb?q=%zz"), get("/a/%2e%2e/./b/.."), get("/\t/./b"), get("http://h/a#f"), get("http://u:p@h"),
		post("Content-Length: 5\r\nExpect: 100-continue\r\n", "hello"), post(chunked+"Content-Length: 5\r\n", "0\r\n\r\n"),
		"GET /  HTTP/1.0\nHost: h\nConnection: keep-alive, close\n\n", "OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n",
		"CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", get("//h/a"), get("/%"),
		get("/a?b#c"), "GET / HTTP/1.1\r\nHost: h\r\nFoo: a\x00b\r\n\r\n", "GET /:a HTTP/1.1\r\nHost: h\r\nFoo : b\r\n\r\n",
	} {
		f.Add([]byte(seed), 1)
	}
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		b = trimNewlines(b)
		end, h, fault := parseHead(b, len(b)+1)
		if n < 1 || n > len(b) {
			n = 1
		}
		pieceEnd, _, pieceFault := parseHead(b, n)
		if fault == nil && (pieceEnd != end || pieceFault != nil) {
			t.Fatalf("whole: %d; in pieces of %d: %d, %v", end, n, pieceEnd, pieceFault)
		}
		if fault != nil && pieceFault == nil {
			t.Fatalf("whole: %v; in pieces of %d it passes", fault, n)
		}
		if end > 0 && fault == nil {
			checkForGo(t, h, bytes.Clone(b[:end]))
		}
	})
}

// checkForGo holds what the package promises handlers: they get what net/http would have made of the same head, where it
// reads it at all, and dot segments are gone.
func checkForGo(t *testing.T, h *head, b []byte) {
	t.Helper()
	c := &conn{head: *h, core: &core{}}
	x := &exchange{}
	x.begin(c, b)
	got := c.newRequest(x)
	// A proxy or a file server behind us cannot be led out of its folder.
	for part := range strings.SplitSeq(got.URL.Path, "/") {
		if escaped := strings.Contains(strings.ToLower(got.URL.EscapedPath()), "%2f"); part == ".." && !escaped {
			t.Fatalf("a dot segment is left in %q", b)
		}
	}
	want, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
	if err != nil {
		return // we take a little more: an empty target's path, a port of any size
	}
	if h.clean != nil {
		want.URL = got.URL
	}
	if h.chunked {
		delete(got.Header, "X-Content-Length")
		delete(want.Header, "X-Content-Length")
	}
	type parts struct {
		Method, RequestURI, Proto, Host, URL string
		Header, Trailer                      http.Header
		Length                               int64
		Coding                               []string
		Close                                bool
	}
	of := func(r *http.Request) parts {
		return parts{r.Method, r.RequestURI, r.Proto, r.Host, r.URL.String(), r.Header, r.Trailer, r.ContentLength, r.TransferEncoding, r.Close}
	}
	if diff := cmp.Diff(of(want), of(got)); diff != "" {
		t.Fatalf("%q (-net/http +ours):\n%s", b, diff)
	}
}

func TestTargetsForGo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ target, path, query string }{
		{"/", "/", ""},
		{"/a/b?c=d", "/a/b", "c=d"},
		{"/a/../b", "/b", ""},
		{"/a/./b/.", "/a/b/", ""},
		{"/../..", "/", ""},
		{"/a/%2E%2e/.%2E/b", "/b", ""},
		{"/a/...", "/a/...", ""},
		{"/.a/..b", "/.a/..b", ""},
		{"/a%2f..%2fb", "/a/../b", ""}, // an escaped slash is no separator
		{"/%zz%", "/%zz%", ""},
		{"/a\t/./b?\t", "/a\t/b", "%09"},
		{"/a#b?c", "/a#b", "c"},
		{"http://h", "/", ""},
		{"http://h?q", "/", "q"},
		{"HTTP://u@h/a/../b?c#d", "/b", "c"},
		{"//h/a", "//h/a", ""},
	} {
		c := dial(t, startServer(t, handle(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != tt.path || r.URL.RawQuery != tt.query || r.RequestURI != tt.target || r.Host != "h" {
				t.Errorf("%q: path %q, query %q, RequestURI %q, host %q", tt.target, r.URL.Path, r.URL.RawQuery, r.RequestURI, r.Host)
			}
		})))
		c.send(get(tt.target))
		c.want(http.StatusOK)
	}
}

func TestAbsoluteTargetIsGivenBack(t *testing.T) {
	t.Parallel()
	c := dial(t, startServer(t, handle(func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.String(); got != "http://h/b?c" {
			t.Errorf("URL %q", got)
		}
	})))
	c.send(get("http://h/a/../b?c"))
	c.want(http.StatusOK)
}

func TestHostsOfAbsoluteTargets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		target, host string
		ok           bool
	}{
		{"http://h/", "h", true},
		{"http://h:80/", "h", true},
		{"http://h/", "h:80", true},
		{"https://h:443/", "h", true},
		{"https://h:80/", "h", false},
		{"http://h:81/", "h", false},
		{"http://h@g/", "h", false},
		{"http:///", "", false},
		{"http://[::1]/", "[::1]", true},
	} {
		_, _, f := parseHead([]byte("GET "+tt.target+" HTTP/1.1\r\nHost: "+tt.host+"\r\n\r\n"), 1000)
		if (f == nil) != tt.ok {
			t.Errorf("target %q with Host %q: %v", tt.target, tt.host, f)
		}
	}
}

func TestIsHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"h": true, "h:1": true, "h:99999": true, "a.b-c_d~": true, "1.2.3.4": true, "[::]": true, "[::1]:80": true, "[::ffff:1.2.3.4]": true,
		"": false, "h:": false, ":80": false, "h:8a": false, "h,g": false, "h/g": false, "h@g": false, "h%41": false, "[]": false,
		"[:]": false, "[::1": false, "[::1]x": false, "[::1]:": false, "[::g]": false, "h g": false, "h:1:2": false,
	} {
		if isHost([]byte(host)) != want {
			t.Errorf("isHost(%q) is %v", host, !want)
		}
	}
}

func TestLimitsOfAHead(t *testing.T) {
	t.Parallel()
	s := handle(ok)
	s.Limits = Limits{MaxRequestLineSize: 20, MaxRequestHeadersTotalSize: 30, MaxRequestHeaderCount: 3}
	addr := startServer(t, s)
	for _, tt := range []struct {
		send   string
		status int
	}{
		{"GET /6789 HTTP/1.1\r\nHost: h\r\n\r\n", 200},
		{"GET /67890 HTTP/1.1\r\nHost: h\r\n\r\n", 414},
		{"GET /67890123456789012", 414},
		{"GET / HTTP/1.1\r\nHost: h\r\nA: " + strings.Repeat("a", 16) + "\r\n\r\n", 200},
		{"GET / HTTP/1.1\r\nHost: h\r\nA: " + strings.Repeat("a", 17) + "\r\n\r\n", 431},
		{"GET / HTTP/1.1\r\nHost: h\r\nA: " + strings.Repeat("a", 30), 431},
		{"GET / HTTP/1.1\r\nHost: h\r\nA:\r\nA:\r\n\r\n", 200},
		{"GET / HTTP/1.1\r\nHost: h\r\nA:\r\nA:\r\nA:\r\n\r\n", 431},
	} {
		c := dial(t, addr)
		c.send(tt.send)
		if tt.status == 200 {
			c.want(200)
		} else {
			c.refused(tt.status)
		}
	}
}
