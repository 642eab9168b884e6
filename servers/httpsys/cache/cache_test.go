package cache

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// site is a cache before a handler that counts its calls.
type site struct {
	cache   *Cache
	handler http.Handler
	calls   atomic.Int64
	now     time.Time
}

func newSite(h http.HandlerFunc) *site {
	s := &site{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	s.cache = &Cache{Now: func() time.Time { return s.now }}
	s.cache.awake.Store(true)
	s.handler = s.cache.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.calls.Add(1)
		h(w, r)
	}))
	return s
}

func (s *site) do(method, target string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	return s.serve(r)
}

func (s *site) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

// TestRule is the kernel's rule (reference: servers.md, 4.4).
func TestRule(t *testing.T) {
	t.Parallel()
	past, future := "Wed, 01 Jan 2025 00:00:00 GMT", "Fri, 01 Jan 2027 00:00:00 GMT"
	cases := []struct {
		name   string
		status int
		fields string // name: value, separated by |
		kept   bool
	}{
		{"no Cache-Control", 200, "", false},
		{"only public", 200, "Cache-Control: public", false},
		{"max-age", 200, "Cache-Control: public, max-age=10", true},
		{"any case", 200, "Cache-Control: Public, MAX-AGE=10", true},
		{"s-maxage", 200, "Cache-Control: public, s-maxage=10", true},
		{"s-maxage is preferred", 200, "Cache-Control: public, s-maxage=0, max-age=10", false},
		{"s-maxage is preferred to 0", 200, "Cache-Control: public, s-maxage=10, max-age=0", true},
		{"max-age is not public", 200, "Cache-Control: max-age=10", false},
		{"private", 200, "Cache-Control: public, private, max-age=10", false},
		{"no-store", 200, "Cache-Control: public, no-store, max-age=10", false},
		{"huge", 200, "Cache-Control: public, max-age=99999999999999999999", true},
		{"no number", 200, "Cache-Control: public, max-age=ten", false},
		{"Expires", 200, "Cache-Control: public|Expires: " + future, true},
		{"Expires in the past", 200, "Cache-Control: public|Expires: " + past, false},
		{"Expires 0", 200, "Cache-Control: public|Expires: 0", false},
		{"Expires -1", 200, "Cache-Control: public|Expires: -1", false},
		{"Expires without public", 200, "Expires: " + future, false},
		{"max-age wins over Expires", 200, "Cache-Control: public, max-age=10|Expires: " + past, true},
		{"Set-Cookie", 200, "Cache-Control: public, max-age=10|Set-Cookie: a=b", false},
		{"Vary", 200, "Cache-Control: public, max-age=10|vary: Accept", false},
		{"Pragma", 200, "Cache-Control: public, max-age=10|PRAGMA: x", false},
		{"304", 304, "Cache-Control: public, max-age=10", false},
		{"the shorter of two", 200, "Cache-Control: public, max-age=10, max-age=0", false},
		{"Age", 200, "Cache-Control: public, max-age=10|Age: 9", true},
		{"Age, too old", 200, "Cache-Control: public, max-age=10|Age: 10", false},
		{"Cache-Control in another case too", 200, "Cache-Control: public, max-age=10|cache-control: private", false},
		{"204", 204, "Cache-Control: public, max-age=10", false},
		{"206", 206, "Cache-Control: public, max-age=10", false},
		{"404", 404, "Cache-Control: public, max-age=10", true},
		{"no Content-Type", 200, "Cache-Control: public, max-age=10|Content-Type: ", false},
	}
	for _, c := range cases {
		s := newSite(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			for field := range strings.SplitSeq(c.fields, "|") {
				if name, value, ok := strings.Cut(field, ": "); ok {
					if name != "cache-control" {
						delete(w.Header(), http.CanonicalHeaderKey(name))
					}
					if value != "" {
						w.Header()[name] = []string{value}
						if name != "vary" && name != "PRAGMA" && name != "cache-control" {
							delete(w.Header(), name)
							w.Header().Set(name, value)
						}
					}
				}
			}
			w.WriteHeader(c.status)
			if c.status != 304 && c.status != 204 {
				io.WriteString(w, "hello")
			}
		})
		first, second := s.do("GET", "/"), s.do("GET", "/")
		if kept := s.calls.Load() == 1; kept != c.kept {
			t.Errorf("%s: kept %v, want %v", c.name, kept, c.kept)
		}
		if first.Body.String() != second.Body.String() || first.Code != second.Code {
			t.Errorf("%s: got %d %q, then %d %q", c.name, first.Code, first.Body, second.Code, second.Body)
		}
	}
	t.Logf("%d rows", len(cases))
}

// public answers what may be kept for ten seconds.
func public(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Cache-Control", "public, max-age=10")
	fmt.Fprintf(w, "%s %s%s", r.Method, r.Host, r.RequestURI)
}

func TestRequestsThatReachTheApp(t *testing.T) {
	t.Parallel()
	fields := []string{
		"Authorization", "Proxy-Authorization", "Cookie", "Range", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
		"If-Unmodified-Since", "Cache-Control", "Pragma", "Upgrade",
	}
	for _, field := range fields {
		s := newSite(public)
		s.do("GET", "/")
		if s.do("GET", "/", field, "x"); s.calls.Load() != 2 {
			t.Errorf("%s: the app was not asked", field)
		}
	}
	s := newSite(public)
	for _, field := range fields {
		s.do("GET", "/", field, "x")
	}
	s.serve(certified())
	if s.cache.kept.Load() != 0 {
		t.Error("the answer to one client is kept for all")
	}
	s.do("GET", "https://example.com/")
	if before := s.calls.Load(); s.serve(certified()) == nil || s.calls.Load() != before+1 {
		t.Error("a client with a certificate is answered from the cache")
	}
}

// certified is a request of a client that has shown a certificate.
func certified() *http.Request {
	r := httptest.NewRequest("GET", "https://example.com/", nil)
	r.TLS.PeerCertificates = []*x509.Certificate{{}}
	return r
}

// TestFirst: what is answered before one response could be kept is not looked at, and that one only tells that there are such.
func TestFirst(t *testing.T) {
	t.Parallel()
	s := newSite(func(w http.ResponseWriter, r *http.Request) {
		if _, tapped := w.(*tap); tapped {
			t.Errorf("%s is looked at", r.URL)
		}
		if w.Header().Set("Content-Type", "a/b"); r.URL.Path != "/" {
			w.Header().Set("Cache-Control", "public, max-age=10")
		}
	})
	s.cache.awake.Store(false)
	for _, path := range []string{"/", "/", "/first"} {
		s.do("GET", path)
		if got := s.cache.awake.Load(); got != (path == "/first") {
			t.Errorf("after %s the cache is awake: %v", path, got)
		}
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	s := newSite(public)
	for _, url := range []string{"http://a/", "http://b/", "http://a/?x=1", "http://a/X", "http://a/x", "https://a/"} {
		first := s.do("GET", url)
		if got := s.do("GET", url); got.Body.String() != first.Body.String() || got.Header().Get("Age") != "0" {
			t.Errorf("%s: got %q, want %q again", url, got.Body, first.Body)
		}
	}
	if n := s.calls.Load(); n != 6 {
		t.Errorf("the app was asked %d times, want 6", n)
	}
}

// TestKeyLocal: Host can say what it likes, and the same URL may be another one at another address.
func TestKeyLocal(t *testing.T) {
	t.Parallel()
	s := newSite(public)
	for _, at := range []string{"10.0.0.1:80", "10.0.0.1:81", "10.0.0.2:80"} {
		for range 2 {
			r := httptest.NewRequest("GET", "http://a/", nil)
			local := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(at))
			s.serve(r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local)))
		}
	}
	if n := s.calls.Load(); n != 3 {
		t.Errorf("the app was asked %d times, want 3", n)
	}
}

// TestKeyIsTheClients: a handler may change its request.
func TestKeyIsTheClients(t *testing.T) {
	t.Parallel()
	s := newSite(func(w http.ResponseWriter, r *http.Request) {
		r.Host, r.RequestURI = "victim", "/"
		public(w, r)
	})
	s.do("GET", "http://a/x")
	if s.do("GET", "http://victim/"); s.calls.Load() != 2 {
		t.Error("what was answered to another URL is given")
	}
}

// TestCopying: responses on their way need no more than the cache may.
func TestCopying(t *testing.T) {
	t.Parallel()
	body := make([]byte, 1000)
	var s *site
	var most int64
	s = newSite(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Cache-Control", "public, max-age=10")
		w.Header().Set("Content-Length", "1000")
		w.Write(body[:1])
		most = max(most, s.cache.copying.Load())
		if n, _ := strconv.Atoi(r.URL.Path[1:]); n > 0 {
			s.do("GET", fmt.Sprint("/", n-1))
		}
		w.Write(body[1:])
	})
	s.cache.Size = 5000
	s.do("GET", "/20")
	if kept := s.cache.kept.Load(); most <= 0 || kept == 0 || kept > 5 || s.cache.copying.Load() != 0 {
		t.Errorf("%d were kept; %d bytes are left over", kept, s.cache.copying.Load())
	}
}

func TestAge(t *testing.T) {
	t.Parallel()
	s := newSite(public)
	s.do("GET", "/")
	s.now = s.now.Add(9 * time.Second)
	if w := s.do("HEAD", "/"); w.Header().Get("Age") != "9" || w.Body.Len() != 0 || w.Header().Get("Content-Length") == "" {
		t.Errorf("got %v %q", w.Header(), w.Body)
	}
	s.now = s.now.Add(time.Second)
	if w := s.do("GET", "/"); w.Header().Get("Age") != "" || s.calls.Load() != 2 {
		t.Errorf("it is answered after its time: %v", w.Header())
	}
}

// TestChanges: a request that may change a URL has its answer forgotten.
func TestChanges(t *testing.T) {
	t.Parallel()
	s := newSite(public)
	s.do("GET", "/")
	s.do("POST", "/")
	if s.do("GET", "/"); s.calls.Load() != 3 {
		t.Errorf("the app was asked %d times, want 3", s.calls.Load())
	}
}

func TestNotKept(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"flushed": func(w http.ResponseWriter, r *http.Request) { public(w, r); http.NewResponseController(w).Flush() },
		"long without a length": func(w http.ResponseWriter, r *http.Request) {
			public(w, r)
			io.WriteString(w, strings.Repeat("x", 3<<10))
		},
		"shorter than its length": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			public(w, r)
		},
		"too long": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(DefaultBodySize+1))
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Cache-Control", "public, max-age=10")
			w.Write(make([]byte, DefaultBodySize+1))
		},
		"panicked": func(w http.ResponseWriter, r *http.Request) { public(w, r); panic(http.ErrAbortHandler) },
	} {
		s := newSite(h)
		func() {
			defer func() { recover() }()
			s.do("GET", "/")
		}()
		if s.cache.kept.Load() != 0 {
			t.Errorf("%s: it is kept", name)
		}
	}
}

// TestBound: what was asked for longest ago goes.
func TestBound(t *testing.T) {
	t.Parallel()
	s := newSite(public)
	s.cache.Size = 5 * (perEntry + 200)
	for i := range 100 {
		s.do("GET", fmt.Sprint("/", i))
		s.do("GET", "/0")
	}
	if s.cache.used > s.cache.Size || s.cache.kept.Load() > 5 || len(s.cache.entries) != s.cache.recent.Len() {
		t.Errorf("%d bytes in %d entries are kept, of %d", s.cache.used, s.cache.kept.Load(), s.cache.Size)
	}
	if n := s.calls.Load(); n != 100 {
		t.Errorf("the app was asked %d times, want 100", n)
	}
}

// TestServed has real connections of both versions see what the app can do with them.
func TestServed(t *testing.T) {
	t.Parallel()
	s := newSite(func(w http.ResponseWriter, r *http.Request) {
		_, hijacks := w.(http.Hijacker)
		_, reads := w.(io.ReaderFrom)
		_, flushes := w.(http.Flusher)
		if http1 := r.ProtoMajor == 1; hijacks != http1 || reads != http1 || !flushes {
			t.Errorf("%s: hijacks %v, reads %v, flushes %v", r.Proto, hijacks, reads, flushes)
		}
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Cache-Control", "public, max-age=10")
		w.Header().Set("Content-Length", "6")
		io.Copy(w, strings.NewReader("copied"))
	})
	for _, http2 := range []bool{false, true} {
		server := httptest.NewUnstartedServer(s.handler)
		server.EnableHTTP2 = http2
		server.StartTLS()
		defer server.Close()
		before := s.calls.Load()
		for range 3 {
			resp, err := server.Client().Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil || string(body) != "copied" {
				t.Errorf("got %q, %v", body, err)
			}
			resp.Body.Close()
		}
		if n := s.calls.Load() - before; n != 1 {
			t.Errorf("the app was asked %d times, want 1", n)
		}
	}
}
