//go:build linux || darwin

package httpsys_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/httpsys"
)

// TestRowsRequests has the cases of RequestTests (reference: servers.md, 4.5) that are not about prefixes.
func TestRowsRequests(t *testing.T) {
	rows{
		"H4.5-Request_SimpleGet":                         simpleGet,
		"H4.5-Request_DoubleEscapingAllowed":             paths(map[string]string{"/%252F": "/%252F"}),
		"H4.5-Request_UrlUnescaping":                     unescaping,
		"H4.5-Request_WithDoubleSlashes_LeftAlone":       paths(map[string]string{"//a/b//c": "//a/b//c"}),
		"H4.5-Request_FullUriInRequestLine":              paths(map[string]string{"http://localhost": "/", "http://localhost/a%2Fb": "/a%2Fb", "http://localhost?a/b": "/"}),
		"H4.5-Latin1UrlIsRejected":                       refusedTargets("/\xe1", "/a\xe1b"),
		"H4.5-Request_ControlCharacters_400":             refusedTargets(controls("/%c")...),
		"H4.5-Request_EscapedControlCharacters_400":      refusedTargets(controls("/%%%02X")...),
		"H4.5-RequestAborted_AfterAccessingProperty":     aborted("Connection: close\r\n"),
		"H4.3-disconnect, H4.5-Server_ClientDisconnects": aborted(""),
		"H4.5-RequestAbortedDuringRead":                  abortedDuringRead,
		"H4.3-headers":                                   manyFields,
	}.run(t)
}

func simpleGet(t *testing.T) {
	type seen struct {
		*http.Request
		base       feature.PathBase
		connection feature.Connection
	}
	requests := make(chan seen, 1)
	s := serve(t, "", &httpsys.Server{
		Options: httpsys.Options{UrlPrefixes: []string{"http://127.0.0.1:0/basepath"}},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			base, _ := feature.Get[feature.PathBase](r.Context())
			connection, _ := feature.Get[feature.Connection](r.Context())
			requests <- seen{r, base, connection}
		}),
	})
	c := dial(t, s.at())
	wantAnswer(t, "a request", c.exchange(get("localhost", "/basepath/SomePath?SomeQuery")), 200, "")
	r := <-requests
	got := fmt.Sprint(r.Method, " ", r.base.Path, " ", r.URL.Path, " ", r.URL.RawQuery, " ", r.RequestURI, " ", r.Proto, " ", r.Host, " ", r.ContentLength, " ", r.TLS == nil)
	if want := "GET /basepath /SomePath SomeQuery /basepath/SomePath?SomeQuery HTTP/1.1 localhost 0 true"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if r.connection.ID == "" || r.connection.Remote.String() != c.LocalAddr().String() || r.connection.Local.String() != c.RemoteAddr().String() || r.RemoteAddr != c.LocalAddr().String() {
		t.Errorf("the connection is %+v, and the client %v", r.connection, c.LocalAddr())
	}
}

// paths are targets and the paths, escaped, that the handler has.
func paths(all map[string]string) func(*testing.T) {
	return func(t *testing.T) {
		s := serve(t, "", &httpsys.Server{Handler: places})
		for target, want := range all {
			wantAnswer(t, target, dial(t, s.at()).exchange(get("localhost", target)), 200, "|"+want)
		}
	}
}

// unescaping: all that can be escaped is what it stands for, but for the slash, which the escaped path keeps.
func unescaping(t *testing.T) {
	var target, want strings.Builder
	target.WriteByte('/')
	want.WriteByte('/')
	for c := byte(' '); c < 127; c++ {
		fmt.Fprintf(&target, "%%%02X", c)
		want.WriteByte(c)
	}
	s := serve(t, "", &httpsys.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.RequestURI, r.URL.Path, strings.Contains(r.URL.EscapedPath(), "%2F"))
	})})
	got := dial(t, s.at()).exchange(get("localhost", target.String()))
	wantAnswer(t, "a target", got, 200, target.String()+want.String()+"true")
}

func refusedTargets(targets ...string) func(*testing.T) {
	return func(t *testing.T) {
		s := serve(t, "", &httpsys.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			t.Errorf("%q reaches the handler as %q", r.RequestURI, r.URL.Path)
		})})
		for _, target := range targets {
			if got := dial(t, s.at()).exchange(get("localhost", target)); got.status != 400 {
				t.Errorf("%q: got %d %q (%v), want 400", target, got.status, got.body, got.err)
			}
		}
	}
}

// controls are control characters but the two that HTTP.sys lets pass, too: a tab, and a line's end.
func controls(format string) (all []string) {
	for c := range ' ' {
		if c != '\t' && c != '\n' {
			all = append(all, fmt.Sprintf(format, c))
		}
	}
	return all
}

// aborted: a client that goes away ends the context of its request.
func aborted(field string) func(*testing.T) {
	return func(t *testing.T) {
		entered, left := make(chan struct{}), make(chan struct{})
		s := serve(t, "", &httpsys.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Context().Err() != nil {
				t.Error("it has ended before")
			}
			close(entered)
			<-r.Context().Done()
			close(left)
		})})
		c := dial(t, s.at())
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n"+field+"\r\n")
		wait(t, "the request", entered)
		c.Conn.(*net.TCPConn).SetLinger(0)
		c.Close()
		wait(t, "the end of its context", left)
	}
}

// abortedDuringRead: the context has ended by the time at which reading fails.
func abortedDuringRead(t *testing.T) {
	entered, gone, result := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	s := serve(t, "", &httpsys.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-gone
		if _, err := io.ReadAll(r.Body); err == nil {
			t.Error("the body is read")
		}
		result <- r.Context().Err()
	})})
	c := dial(t, s.at())
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 10\r\n\r\n")
	wait(t, "the request", entered)
	c.Close()
	close(gone)
	if err := <-result; err == nil {
		t.Error("the context goes on")
	}
}

// manyFields: HTTP.sys lets a request have 1000 that it does not know. An app may ask for as many; the default is Kestrel's.
func manyFields(t *testing.T) {
	count := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, len(r.Header)) })
	many := &httpsys.Server{Handler: count}
	many.Limits.MaxRequestHeaderCount, many.Limits.MaxRequestHeadersTotalSize = 1000, 40_000
	s := serve(t, "", many)
	request := func(n int) string {
		var b bytes.Buffer
		b.WriteString("GET / HTTP/1.1\r\nHost: localhost\r\n")
		for i := range n - 1 {
			fmt.Fprintf(&b, "X-%d: a\r\n", i)
		}
		return b.String() + "\r\n"
	}
	wantAnswer(t, "1000 fields", dial(t, s.at()).exchange(request(1000)), 200, "999")
	wantAnswer(t, "1001 fields", dial(t, s.at()).exchange(request(1001)), http.StatusRequestHeaderFieldsTooLarge, "")
}
