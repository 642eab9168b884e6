package relay

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

var fuzzSeeds = []string{
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
	"HTTP/1.0 404\nX: y\n\nrest",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n2;x\r\nhi\r\n0\r\nA: b\r\n\r\n",
	"HTTP/1.1 103 x\r\nLink: a\r\n\r\nHTTP/1.1 204 x\r\nConnection: close, a\r\n\r\n",
	"HTTP/1.1 200 OK\r\n a: b\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n\n\n",
}

// FuzzHead holds that where a head ends does not depend on how its bytes arrive, and that what is taken net/http takes too, for the
// same: the same status, framing and fields.
func FuzzHead(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		at := 0
		whole := headEnd(b, &at)
		pieces, looked := 0, 0
		for n := 0; n <= len(b) && pieces == 0; n++ {
			pieces = headEnd(b[:n], &looked)
		}
		if whole != pieces {
			t.Fatalf("the head ends at %d, and in pieces at %d", whole, pieces)
		}
		if whole == 0 {
			return
		}
		h, err := parse(string(b[:whole]), nil)
		if err != nil {
			return
		}
		res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), &http.Request{Method: "GET"})
		if err != nil {
			t.Fatalf("net/http: %v", err)
		}
		compareHeads(t, &h, res)
	})
}

func compareHeads(t *testing.T, h *head, res *http.Response) {
	if res.StatusCode != h.status || (res.TransferEncoding != nil) != h.chunked {
		t.Fatalf("%+v, net/http: %+v", h, res)
	}
	if h.hasBody("GET") && h.length != res.ContentLength {
		t.Fatalf("length %d, net/http: %d", h.length, res.ContentLength)
	}
	for _, l := range h.lines {
		if l.name == "Trailer" && h.chunked || l.name == "Connection" {
			continue // net/http has taken it out
		}
		if !slices.Contains(res.Header[l.name], l.value) {
			t.Fatalf("%q: net/http has %q", l, res.Header[l.name])
		}
	}
}

// scriptConn is a net.Conn that takes everything and gives nothing.
type scriptConn struct{}

func (scriptConn) Write(p []byte) (int, error)      { return len(p), nil }
func (scriptConn) Close() error                     { return nil }
func (scriptConn) LocalAddr() net.Addr              { return nil }
func (scriptConn) RemoteAddr() net.Addr             { return nil }
func (scriptConn) SetDeadline(time.Time) error      { return nil }
func (scriptConn) SetReadDeadline(time.Time) error  { return nil }
func (scriptConn) SetWriteDeadline(time.Time) error { return nil }

// script is a connection on which the app has said all that it will.
type script struct {
	scriptConn
	io.Reader
}

func (s *script) Read(p []byte) (int, error) { return s.Reader.Read(p) }

// FuzzResponse passes on whatever comes, whole and byte by byte: the client sees the same.
func FuzzResponse(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add([]byte(s))
	}
	r := New(Options{})
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, failed := playScript(r, bytes.NewReader(b))
		slow, failedToo := playScript(r, iotest.OneByteReader(bytes.NewReader(b)))
		if failed != failedToo || whole.Code != slow.Code || whole.Body.String() != slow.Body.String() {
			t.Fatalf("whole: %q %d %q; byte by byte: %q %d %q", failed, whole.Code, whole.Body, failedToo, slow.Code, slow.Body)
		}
		for key, values := range whole.Header() {
			if strings.ContainsAny(key+strings.Join(values, ""), "\r\n\x00") {
				t.Fatalf("a field %q: %q", key, values)
			}
		}
	})
}

// playScript gives what a client sees, and how it ended.
func playScript(r *Relay, app io.Reader) (w *httptest.ResponseRecorder, failed string) {
	w = httptest.NewRecorder()
	req := httptest.NewRequest("GET", "/", nil)
	x, err := newExchange(r, w, req, Target{})
	if err != nil {
		return w, err.Error()
	}
	defer x.end()
	x.conn = newConn(&script{Reader: app}, newPool(r))
	x.retried = true
	defer func() {
		if recover() != nil {
			failed = "aborted"
		}
	}()
	h, err := x.finalHead()
	if err != nil {
		return w, err.Error()
	}
	x.pass(h)
	return w, ""
}
