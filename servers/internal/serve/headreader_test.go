package serve

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// FuzzHeadReader holds that a reader of heads sees what a handler sees, or refuses as a server does, however the bytes come.
func FuzzHeadReader(f *testing.F) {
	for _, seed := range []string{
		get("/"), "\r\n\n" + get("/a?b"), get("/a/%2E./b%2f"), get("/\t/./%zz?\t"), "GET http://u@H:80/a/../b?c#d HTTP/1.1\r\nHost: H\r\n\r\n",
		"GET http://h HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\n\n", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n",
		post("Content-Length: 5\r\n", "hello") + get("/"), post(chunked, "0\r\n\r\n"), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01", get("/%00"), "\r", "",
	} {
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		if n < 1 || n > len(b) {
			n = 1
		}
		trimmed := trimNewlines(b)
		end, h, fault := parseHead(trimmed, len(trimmed)+1)
		r := NewHeadReader(Limits{})
		for range 2 { // the second time it has read something before
			got, refusal := readPieces(r, b, n)
			switch {
			case fault != nil: // in pieces it may be another one, which is seen sooner
				if refusal == nil {
					t.Fatalf("%q passes, a server answers %v", b, fault)
				}
			case refusal != nil:
				t.Fatalf("%q is refused: %s", b, refusal.Reason())
			case end == 0:
				if got.End != 0 {
					t.Fatalf("%q ends at %d, for a server it does not", b, got.End)
				}
				r.Reset()
			default:
				if want := len(b) - len(trimmed) + end; got.End != want {
					t.Fatalf("%q ends at %d, want %d", b, got.End, want)
				}
				checkHead(t, got, h, bytes.Clone(trimmed[:end]))
			}
		}
	})
}

func readPieces(r *HeadReader, b []byte, n int) (h Head, refusal *Refusal) {
	for have := 0; have < len(b) && h.End == 0 && refusal == nil; {
		have = min(have+n, len(b))
		h, refusal = r.Read(bytes.Clone(b[:have]), true)
	}
	return h, refusal
}

// checkHead compares with what a handler gets.
func checkHead(t *testing.T, got Head, h *head, b []byte) {
	t.Helper()
	c := &conn{head: *h, core: &core{}}
	x := &exchange{}
	x.begin(c, b)
	want := c.newRequest(x)
	path := want.URL.Path
	if h.form == authority || h.form == asterisk {
		path = "/"
	}
	decoded, err := url.PathUnescape(string(got.Path))
	if string(got.Method) != want.Method || decoded != path || err != nil {
		t.Fatalf("%q: read as %q %q (%v), the handler gets %q %q", b, got.Method, got.Path, err, want.Method, path)
	}
	if string(got.Host) != want.Host {
		t.Fatalf("%q: host %q, the handler gets %q", b, got.Host, want.Host)
	}
}

func TestHeadReaderRefuses(t *testing.T) {
	t.Parallel()
	r := NewHeadReader(Limits{MaxRequestLineSize: 30, MaxRequestHeadersTotalSize: 40})
	for _, tt := range []struct {
		send   string
		later  bool // not the connection's first
		status int
		begins string
	}{
		{send: "\x16\x03\x01\x02", status: 400, begins: "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n"},
		{send: "GET /" + strings.Repeat("a", 30), status: 414, begins: "HTTP/1.1 414 "},
		{send: "GET / HTTP/1.1\r\nA: " + strings.Repeat("a", 40), status: 431, begins: "HTTP/1.1 431 "},
		{send: "GET * HTTP/1.1\r\n", status: 405, begins: "HTTP/1.1 405 "},
		{send: "GET / HTTP/3.0\r\n", status: 505, begins: "HTTP/1.1 505 "},
		{send: "GET / HTTP/1.1\r\n\r\n", status: 400, begins: "HTTP/1.1 400 "},
		{send: http2Preface, status: 505, begins: goAway},
		{send: http2Preface, later: true, status: 505, begins: "HTTP/1.1 505 "},
	} {
		h, refusal := r.Read([]byte(tt.send), !tt.later)
		if refusal == nil {
			t.Errorf("%q passes as %+v", tt.send, h)
			continue
		}
		if answer := string(refusal.Answer("")); refusal.Status() != tt.status || !strings.HasPrefix(answer, tt.begins) || refusal.Reason() == "" {
			t.Errorf("%q: %d (%s), answer %q; want %d and %q", tt.send, refusal.Status(), refusal.Reason(), answer, tt.status, tt.begins)
		}
	}
	if HeadTimeout.Status() != http.StatusRequestTimeout || HeadCut.Status() != http.StatusBadRequest {
		t.Errorf("a timeout is %d, an end %d", HeadTimeout.Status(), HeadCut.Status())
	}
	if answer := string(HeadTimeout.Answer("S")); !strings.Contains(answer, "\r\nServer: S\r\n") {
		t.Errorf("no Server in %q", answer)
	}
}

func TestBegun(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"": false, "\r": false, "\r\n\n\r": false, "G": true, "\r\nG": true, "\rG": true} {
		if Begun([]byte(text)) != want {
			t.Errorf("Begun(%q) is %v", text, !want)
		}
	}
}

func TestHeadReaderAllocatesNothing(t *testing.T) {
	// Not parallel: allocations are those of the whole process.
	r := NewHeadReader(Limits{})
	request := []byte(plaintextRequest + "GET /")
	n := testing.AllocsPerRun(100, func() {
		for _, have := range []int{10, 40, len(request)} {
			if h, refusal := r.Read(request[:have], true); refusal != nil || (h.End > 0) != (have == len(request)) {
				t.Fatalf("%d bytes: %+v, %v", have, h, refusal)
			}
		}
	})
	if n != 0 {
		t.Errorf("%v allocations for a head", n)
	}
}

func BenchmarkHeadReader(b *testing.B) {
	r := NewHeadReader(Limits{})
	request := []byte(plaintextRequest)
	b.ReportAllocs()
	for b.Loop() {
		if h, _ := r.Read(request, true); h.End != len(request) {
			b.Fatal(h)
		}
	}
}
