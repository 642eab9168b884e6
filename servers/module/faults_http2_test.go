package module

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/endpoint"
)

// frameCase is a request by HTTP/2, whose fields may hold what no line of HTTP/1.1 can: what the app sees of it must not be more
// than one request. fields are "name: value" each and come after those of base that they do not replace.
type frameCase struct {
	name   string
	fields []string
	body   string
	status string // of the answer, or the error that ends the stream or the connection; "" where it depends on who is faster
	seen   string // at most one, as witnessed.line has it
}

var frameCases = []frameCase{
	{"plain", nil, "", "200", seenA},
	{"a body", []string{":method: POST"}, smuggled, "200", "POST | /a | front | " + smuggled},
	{"a body with its length", []string{":method: POST", "content-length: 38"}, smuggled, "200", "POST | /a | front | " + smuggled},
	{"CRLF in a value", []string{"x-a: b\r\nX-B: c"}, "", "PROTOCOL_ERROR", ""},
	{"LF in a value", []string{"x-a: b\nX-B: c"}, "", "PROTOCOL_ERROR", ""},
	{"CR in a value", []string{"x-a: b\rX-B: c"}, "", "PROTOCOL_ERROR", ""},
	{"NUL in a value", []string{"x-a: b\x00c"}, "", "PROTOCOL_ERROR", ""},
	{"CRLF in a name", []string{"x-a\r\nx-b: c"}, "", "PROTOCOL_ERROR", ""},
	{"a space in a name", []string{"x a: c"}, "", "PROTOCOL_ERROR", ""},
	{"large letters in a name", []string{"X-A: c"}, "", "PROTOCOL_ERROR", ""},
	{"a request in the path", []string{":path: /a HTTP/1.1\r\nHost: evil\r\n\r\nGET /smuggled"}, "", "PROTOCOL_ERROR", ""},
	{"a space in the path", []string{":path: /a b"}, "", "200", "GET | /a%20b | front | "},
	{"a tab in the path", []string{":path: /a\tb"}, "", "PROTOCOL_ERROR", ""},
	{"NUL in the path", []string{":path: /a\x00b"}, "", "PROTOCOL_ERROR", ""},
	{"no path", []string{":path: "}, "", "PROTOCOL_ERROR", ""},
	{"no slash", []string{":path: a"}, "", "PROTOCOL_ERROR", ""},
	{"absolute path", []string{":path: http://evil/a"}, "", "400", ""},
	{"the asterisk", []string{":method: OPTIONS", ":path: *"}, "", "200", "OPTIONS | * | front | "},
	{"other bytes than ASCII in the path", []string{":path: /\xc3\xa4"}, "", "200", "GET | /%C3%A4 | front | "},
	{"a request in the method", []string{":method: GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\nGET"}, "", "PROTOCOL_ERROR", ""},
	{"a space in the method", []string{":method: GET /b"}, "", "400", ""},
	{"CONNECT", []string{":method: CONNECT"}, "", "PROTOCOL_ERROR", ""},
	{"CRLF in the authority", []string{":authority: front\r\nX-B: c"}, "", "PROTOCOL_ERROR", ""},
	{"a path in the authority", []string{":authority: front/evil"}, "", "400", ""},
	{"a user in the authority", []string{":authority: me@front"}, "", "PROTOCOL_ERROR", ""},
	{"no authority", []string{":authority: "}, "", "200", "GET | /a |  | "},
	{"Host is another one", []string{"host: evil"}, "", "200", seenA},
	{"Host twice", []string{"host: front", "host: evil"}, "", "200", seenA},
	{"another scheme", []string{":scheme: https"}, "", "200", seenA},
	{"a scheme that is none", []string{":scheme: http://evil/smuggled?"}, "", "PROTOCOL_ERROR", ""},
	{"transfer-encoding", []string{":method: POST", "transfer-encoding: chunked"}, "0\r\n\r\n" + smuggled, "400", ""},
	{"connection", []string{"connection: x-a", "x-a: b"}, "", "400", ""},
	{"upgrade", []string{"upgrade: websocket"}, "", "400", ""},
	{"keep-alive", []string{"keep-alive: 1"}, "", "400", ""},
	{"te", []string{"te: gzip"}, "", "400", ""},
	{"more than content-length", []string{":method: POST", "content-length: 0"}, smuggled, "", "POST | /a | front | "},
	{"less than content-length", []string{":method: POST", "content-length: 50"}, smuggled, "400", ""},
	{"content-length twice", []string{":method: POST", "content-length: 38", "content-length: 3"}, smuggled, "400", ""},
	{"content-length with a sign", []string{":method: POST", "content-length: +38"}, "", "400", ""},
	{"content-length of a GET", []string{"content-length: 38"}, smuggled, "200", "GET | /a | front | " + smuggled},
	{"a pseudo-field twice", []string{":path: /b", ":path: /c"}, "", "PROTOCOL_ERROR", ""},
	{"an unknown pseudo-field", []string{":x: b"}, "", "PROTOCOL_ERROR", ""},
	{"a pseudo-field behind others", []string{"x-a: b", ":path: /b"}, "", "PROTOCOL_ERROR", ""},
	{"expect", []string{":method: POST", "expect: 100-continue", "content-length: 38"}, smuggled, "200", "POST | /a | front | " + smuggled},
}

// What comes by HTTP/2 and goes on by HTTP/1.1 is one request, or none.
func TestSmugglingByHTTP2(t *testing.T) {
	t.Parallel()
	for _, server := range witnesses {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			w := startWitness(t, OutOfProcess, server, withHTTP2)
			seen := map[string][]string{} // what the app has seen, by the number of the case
			for i, c := range frameCases {
				if what := w.frames(i, c); c.status != "" && what != c.status && (server == "servers" || !strings.HasPrefix(what, "4")) {
					t.Errorf("%s: %s, want %s", c.name, what, c.status)
				}
			}
			for _, r := range w.seen() {
				number := r.Fields.Get("X-Case")
				seen[number] = append(seen[number], r.line())
			}
			for i, c := range frameCases {
				got := seen[fmt.Sprint(i)]
				if delete(seen, fmt.Sprint(i)); len(got) > 1 || len(got) == 1 && got[0] != c.seen ||
					len(got) == 0 && c.seen != "" && c.status == "200" && server == "servers" {
					t.Errorf("%s: the app has seen %q, want %q", c.name, got, c.seen)
				}
			}
			if len(seen) > 0 {
				t.Errorf("the app has seen requests that nobody has sent: %q", seen)
			}
			t.Logf("count: %d requests by HTTP/2 for %s", len(frameCases), server)
		})
	}
}

// withHTTP2 adds an address that speaks HTTP/2 without TLS.
func withHTTP2(o *Options) {
	e, _ := endpoint.Parse("http://127.0.0.1:0")
	o.Endpoints = append(o.Endpoints, servers.Endpoint{Endpoint: e, Protocols: endpoint.HTTP2})
}

// frames sends a request and gives its status, or how the stream or the connection ended.
func (w *world) frames(number int, c frameCase) (what string) {
	w.t.Helper()
	u, err := url.Parse(w.URLs()[1])
	if err != nil {
		w.t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	w.send(conn, http2.ClientPreface)
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = framer.WriteSettings() // what cannot be written is seen by reading
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.head(number), EndHeaders: true, EndStream: c.body == ""})
	if c.body != "" {
		_ = framer.WriteData(1, true, []byte(c.body))
	}
	for {
		frame, err := framer.ReadFrame()
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			if status := frame.PseudoValue("status"); status != "100" && what == "" {
				what = status
			}
			if frame.StreamEnded() {
				return what
			}
		case *http2.DataFrame:
			if frame.StreamEnded() {
				return what
			}
		case *http2.RSTStreamFrame:
			return strings.TrimSpace(what + " " + frame.ErrCode.String())
		case *http2.GoAwayFrame:
			return "GOAWAY " + frame.ErrCode.String()
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				w.t.Logf("%s: %v", c.name, err)
			}
			return "closed"
		}
	}
}

// head is the block of fields, the last of which says which case it is.
func (c frameCase) head(number int) []byte {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	var own []string
	split := func(field string) (name, value string) {
		i := 1 + strings.Index(field[1:], ": ")
		return field[:i], field[i+2:]
	}
	for _, field := range c.fields {
		name, _ := split(field)
		own = append(own, name)
	}
	for _, field := range []string{":method: GET", ":scheme: http", ":path: /a", ":authority: front"} {
		if name, value := split(field); !slices.Contains(own, name) {
			_ = encoder.WriteField(hpack.HeaderField{Name: name, Value: value})
		}
	}
	for _, field := range c.fields {
		name, value := split(field)
		_ = encoder.WriteField(hpack.HeaderField{Name: name, Value: value})
	}
	_ = encoder.WriteField(hpack.HeaderField{Name: "x-case", Value: fmt.Sprint(number)})
	return block.Bytes()
}
