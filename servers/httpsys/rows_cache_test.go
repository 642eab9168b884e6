//go:build linux || darwin

package httpsys_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/httpsys"
)

// counted is a Server whose handler counts its calls in a field.
func counted(t *testing.T, h http.HandlerFunc) *client {
	t.Helper()
	var calls atomic.Int64
	s := serve(t, "", &httpsys.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" { // which has the cache begin, see package cache
			ten("Content-Type: a/b", "Cache-Control: public, max-age=10")(w, r)
			return
		}
		w.Header().Set("X-Request-Count", fmt.Sprint(calls.Add(1)))
		w.Header().Set("Content-Type", "some/thing")
		h(w, r)
	})})
	c := dial(t, s.at())
	wantAnswer(t, "the first", c.exchange(get("localhost", "/first")), 200, "0123456789")
	return c
}

// ask2 sends a request twice and gives the numbers of the calls that have answered it.
func (c *client) ask2(request string) (first, second string) {
	c.t.Helper()
	one, two := c.exchange(request), c.exchange(request)
	if one.status == 0 || one.status != two.status || one.body != two.body {
		c.t.Errorf("got %d %q (%v), then %d %q (%v)", one.status, one.body, one.err, two.status, two.body, two.err)
	}
	return one.header.Get("X-Request-Count"), two.header.Get("X-Request-Count")
}

// cached says whether of two requests the second is answered without the handler.
func cached(want bool, h http.HandlerFunc) func(*testing.T) {
	return func(t *testing.T) {
		first, second := counted(t, h).ask2(get("localhost", "/"))
		if first != "1" || (second == "1") != want {
			t.Errorf("answered by call %s, then %s; want it cached: %v", first, second, want)
		}
	}
}

// ten answers with ten bytes, whose length is known, and with these fields.
func ten(fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, field := range fields {
			name, value, _ := strings.Cut(field, ": ")
			w.Header()[name] = []string{value} // in the case in which it is written
			if value == "" {
				delete(w.Header(), name)
			}
		}
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "0123456789")
	}
}

// TestRowsCaching is the kernel's rule (reference: servers.md, 4.4), and the cases of ResponseCachingTests (4.5).
func TestRowsCaching(t *testing.T) {
	const public, keep = "Cache-Control: public", "Cache-Control: public, max-age=10"
	at := func(d time.Duration) string { return "Expires: " + time.Now().Add(d).UTC().Format(http.TimeFormat) }
	rows{
		"H4.4-no-Cache-Control, H4.5-Caching_NoCacheControl":             cached(false, ten()),
		"H4.4-only-public, H4.5-Caching_JustPublic":                      cached(false, ten(public)),
		"H4.4-no-Content-Type, H4.5-Caching_WithoutContentType":          cached(false, ten(keep, "Content-Type: ")),
		"H4.4-max-age, H4.5-Caching_MaxAge":                              cached(true, ten(keep)),
		"H4.4-max-age-huge, H4.5-Caching_MaxAgeHuge":                     cached(true, ten(public+", max-age=2147483647")),
		"H4.4-s-maxage, H4.5-Caching_SMaxAge":                            cached(true, ten(public+", s-maxage=10")),
		"H4.4-s-maxage-preferred, H4.5-Caching_SMaxAgeAndMaxAge":         cached(true, ten(public+", max-age=0, s-maxage=10")),
		"H4.4-Expires, H4.5-Caching_Expires":                             cached(true, ten(public, at(time.Minute))),
		"H4.4-Set-Cookie, H4.5-Caching_DisallowedResponseHeaders-cookie": cached(false, ten(keep, "Set-cookie: a=b")),
		"H4.4-Vary, H4.5-Caching_DisallowedResponseHeaders-vary":         cached(false, ten(keep, "vary: x")),
		"H4.4-Pragma, H4.5-Caching_DisallowedResponseHeaders-pragma":     cached(false, ten(keep, "pragma: x")),
		"H4.4-Expires-0, H4.5-Caching_InvalidExpires-0":                  cached(false, ten(public, "Expires: 0")),
		"H4.4-Expires-minus-1, H4.5-Caching_InvalidExpires-minus-1":      cached(false, ten(public, "Expires: -1")),
		"H4.4-Expires-past": cached(false, ten(public, at(-time.Minute))),
		"H4.4-Expires-without-public, H4.5-Caching_ExpiresWithoutPublic": cached(false, ten(at(time.Minute))),
		"H4.5-Caching_MaxAgeAndExpires":                                  cached(true, ten(keep, at(-time.Minute))),
		"H4.5-Caching_WriteFullContentLength":                            cached(true, ten(keep)),
		"H4.4-flushed, H4.5-Caching_Flush": cached(false, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=10")
			http.NewResponseController(w).Flush()
			io.WriteString(w, "x")
		}),
		"H4.4-status, H4.5-Caching_VariousStatusCodes":                       statuses,
		"H4.4-SendFile-without-length, H4.5-Caching_SendFileNoContentLength": sendFile(false),
		"H4.5-Caching_SendFileWithFullContentLength":                         sendFile(true),
		"H4.4-per-URL":       perURL,
		"H4.4-authenticated": authenticated,
	}.run(t)
}

// sendFile copies a file of which the length is told, or not.
func sendFile(told bool) func(*testing.T) {
	return func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, make([]byte, 50_000), 0o600); err != nil {
			t.Fatal(err)
		}
		cached(told, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=10")
			if told {
				w.Header().Set("Content-Length", "50000")
			}
			f, err := os.Open(file)
			if err != nil {
				panic(err)
			}
			defer f.Close()
			io.Copy(w, f)
		})(t)
	}
}

// statuses: all are cached but 304 and 206, which is a part; and, unlike HTTP.sys', 204 and 205, of which there is nothing to keep.
func statuses(t *testing.T) {
	c := counted(t, func(w http.ResponseWriter, r *http.Request) {
		status, err := strconv.Atoi(r.URL.Path[1:])
		if err != nil {
			panic(err)
		}
		w.Header().Set("Cache-Control", "public, max-age=10")
		w.WriteHeader(status)
		if status != 204 && status != 205 && status != 304 {
			io.WriteString(w, "x")
		}
	})
	for status := 200; status < 600; status++ {
		first, second := c.ask2(get("localhost", fmt.Sprint("/", status)))
		if want := status < 204 || status > 206 && status != 304; (first == second) != want {
			t.Errorf("%d: answered by call %s, then %s; want it cached: %v", status, first, second, want)
		}
	}
}

// perURL: each has an answer of its own, which all clients get.
func perURL(t *testing.T) {
	var calls atomic.Int64
	s := serve(t, "", &httpsys.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		w.Header().Set("Content-Type", "some/thing")
		w.Header().Set("Cache-Control", "public, max-age=10")
		io.WriteString(w, r.RequestURI)
	})})
	for range 3 { // clients
		c := dial(t, s.at())
		for _, target := range []string{"/a", "/b", "/a?b", "/A"} {
			wantAnswer(t, target, c.exchange(get("localhost", target)), 200, target)
		}
	}
	if n := calls.Load(); n != 5 { // one more, which has had the cache begin
		t.Errorf("the handler was called %d times, want 5", n)
	}
}

// authenticated: what one client gets because of who it is no other one gets, and it never gets what was kept.
func authenticated(t *testing.T) {
	for _, field := range []string{"Authorization: Basic YTpi", "Cookie: id=1"} {
		c := counted(t, ten("Cache-Control: public, max-age=10"))
		mine := "GET / HTTP/1.1\r\nHost: localhost\r\n" + field + "\r\n\r\n"
		if first, second := c.ask2(mine); first != "1" || second != "2" {
			t.Errorf("%s: answered by call %s, then %s", field, first, second)
		}
		if first, second := c.ask2(get("localhost", "/")); first != "3" || second != "3" {
			t.Errorf("without %s: answered by call %s, then %s", field, first, second)
		}
		if got := c.exchange(mine).header.Get("X-Request-Count"); got != "4" {
			t.Errorf("%s: answered by call %s", field, got)
		}
	}
}
