package serve

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// FuzzHandBack holds that a client cannot tell two servers that hand its connection to each other from one that answers for
// both: whatever it sends, also what is no request, and wherever that is cut.
func FuzzHandBack(f *testing.F) {
	var whole strings.Builder
	for _, p := range pipeline {
		whole.WriteString(p.request)
	}
	for _, seed := range []string{
		whole.String(), "", "\r\n", "GET / HT", get("/a") + "GET / HTTP/1.1\r\nHost: 0\r\nConnection: close\r\n\r\n" + get("/b"),
		get("/a") + "POST / HTTP/1.1\r\nHost: 0\r\nContent-Length: 5\r\n\r\nhel", "GET / HTTP/1.1\r\nHost: 0\r\n\r\n" + "\x16\x03\x01",
		"GET / HTTP/1.1\r\nHost: 0\r\n\r\nPOST / HTTP/1.1\r\nHost: 1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\nHost: 0\r\n\r\n", get("/") + http2Preface,
		"OPTIONS * HTTP/1.1\r\nHost: 0\r\n\r\nCONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\nGET / HTTP/1.1\r\nHost: 0\r\nHost: 1\r\n\r\n",
	} {
		f.Add([]byte(seed), len(seed)/2)
	}
	one, two := fuzzed(nil, nil), [2]*Server{}
	for i := range two {
		two[i] = fuzzed(
			func(_ net.Conn, host, _ []byte) bool { return (string(host) == "0") != (i == 0) },
			func(c net.Conn, unread []byte) { two[1-i].ServeConnAfter(c, bytes.Clone(unread), Binding{}) })
	}
	f.Cleanup(func() {
		for _, s := range []*Server{one, two[0], two[1]} {
			s.Close()
		}
	})
	f.Fuzz(func(t *testing.T, stream []byte, cut int) {
		cut = min(max(cut, 0), len(stream))
		want := talk(t, one, stream, cut)
		if got := talk(t, two[cut%2], stream, cut); got != want {
			t.Fatalf("%q, cut at %d: two servers answer\n%q, one answers\n%q", stream, cut, got, want)
		}
	})
}

func fuzzed(elsewhere func(net.Conn, []byte, []byte) bool, back func(net.Conn, []byte)) *Server {
	return &Server{
		Elsewhere: elsewhere, HandBack: back, Log: slog.New(slog.DiscardHandler),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %s %q %q", r.Method, r.Host, r.URL.Path, body)
		}),
	}
}

var dateField = regexp.MustCompile(`\r\nDate: [^\r]*`)

// talk gives what s answers to stream, but for the time.
func talk(t *testing.T, s *Server, stream []byte, cut int) string {
	t.Helper()
	near, far := pair(t)
	if err := s.ServeConnAfter(far, bytes.Clone(stream[:cut]), Binding{}); err != nil {
		t.Fatal(err)
	}
	near.conn.Write(stream[cut:])
	near.conn.(*net.TCPConn).CloseWrite()
	near.conn.SetDeadline(time.Now().Add(patience))
	answers, err := io.ReadAll(near.conn)
	if err, ok := err.(net.Error); ok && err.Timeout() {
		t.Fatalf("%q: the connection is still open after %q", stream, answers)
	}
	near.conn.Close()
	return dateField.ReplaceAllString(string(answers), "")
}
