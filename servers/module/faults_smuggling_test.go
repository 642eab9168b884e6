package module

import (
	"bufio"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// smuggled is a request that hides in another one. No app may ever see it as one of its own.
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n"

// The beginnings of most requests here, and the last one of each connection: the front has nothing more to wait for then.
const (
	getA    = "GET /a HTTP/1.1\r\nHost: front\r\n"
	postA   = "POST /a HTTP/1.1\r\nHost: front\r\n"
	chunked = "Transfer-Encoding: chunked\r\n\r\n"
	end     = "GET /end HTTP/1.1\r\nHost: front\r\nConnection: close\r\n\r\n"

	seenA   = "GET | /a | front | "
	seenEnd = "GET | /end | front | "
)

// rawCase is what a client sends before end, the status of each answer to all of it, and what the app sees of it: one line for
// each request, as witnessed.line has it.
type rawCase struct {
	name, sent string
	statuses   []int
	seen       []string
}

var rawCases = []rawCase{
	{"plain", getA + "\r\n", []int{200, 200}, []string{seenA, seenEnd}},
	{"pipelined", getA + "\r\nPOST /b HTTP/1.1\r\nHost: front\r\nContent-Length: 3\r\n\r\nabc", []int{200, 200, 200}, []string{seenA, "POST | /b | front | abc", seenEnd}},
	{"CL and TE", postA + "Content-Length: 43\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, []int{200}, []string{"POST | /a | front | "}},
	{"TE and CL", postA + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n26\r\n" + smuggled + "\r\n0\r\n\r\n", []int{200}, []string{"POST | /a | front | " + smuggled}},
	{"TE twice", postA + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", []int{501}, nil},
	{"TE of two codings", postA + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", []int{501}, nil},
	{"TE identity after chunked", postA + "Transfer-Encoding: chunked, identity\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", []int{400}, nil},
	{"TE unknown", postA + "Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", []int{400}, nil},
	{"TE with a vertical tab", postA + "Transfer-Encoding:\x0bchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", []int{400}, nil},
	{"TE with a space before the colon", postA + "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", []int{400}, nil},
	{"TE in quotes", postA + "Transfer-Encoding: \"chunked\"\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", []int{400}, nil},
	{"TE with an underscore", postA + "Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", []int{200, 200}, []string{"POST | /a | front | 0\r\n\r\n", seenEnd}},
	{"TE in HTTP/1.0", "POST /a HTTP/1.0\r\nHost: front\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n", []int{400}, nil},
	{"TE folded", postA + "Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", []int{400}, nil},
	{"CL twice", postA + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", []int{400}, nil},
	{"CL twice and not the same", postA + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", []int{400}, nil},
	{"CL as a list", postA + "Content-Length: 3, 3\r\n\r\nabc", []int{400}, nil},
	{"CL with a sign", postA + "Content-Length: +3\r\n\r\nabc", []int{400}, nil},
	{"CL negative", postA + "Content-Length: -3\r\n\r\nabc", []int{400}, nil},
	{"CL hexadecimal", postA + "Content-Length: 0x3\r\n\r\nabc", []int{400}, nil},
	{"CL too large", postA + "Content-Length: 99999999999999999999\r\n\r\nabc", []int{400}, nil},
	{"CL empty", postA + "Content-Length:\r\n\r\nabc", []int{400}, nil},
	{"CL with an underscore", postA + "Content_Length: 43\r\n\r\n", []int{200, 200}, []string{"POST | /a | front | ", seenEnd}},
	{"a body of a GET", getA + "Content-Length: 38\r\n\r\n" + smuggled, []int{200, 200}, []string{"GET | /a | front | " + smuggled, seenEnd}},
	{"a body of a HEAD", "HEAD /a HTTP/1.1\r\nHost: front\r\nContent-Length: 38\r\n\r\n" + smuggled, []int{200, 200}, []string{"HEAD | /a | front | " + smuggled, seenEnd}},
	{"a chunked body of a GET", getA + chunked + "26\r\n" + smuggled + "\r\n0\r\n\r\n", []int{200, 200}, []string{"GET | /a | front | " + smuggled, seenEnd}},
	{"chunk extensions", postA + chunked + "3;a=b;c=\"d\"\r\nabc\r\n0;e\r\n\r\n", []int{200, 200}, []string{"POST | /a | front | abc", seenEnd}},
	{"LF in a chunk extension", postA + chunked + "3;\nabc\r\n0\r\n\r\n" + smuggled, []int{400}, nil},
	{"CR in a chunk extension", postA + chunked + "3;\rabc\r\nabc\r\n0\r\n\r\n", []int{400}, nil},
	{"LF behind a chunk's size", postA + chunked + "3\nabc\r\n0\r\n\r\n", []int{400}, nil},
	{"LF behind a chunk", postA + chunked + "3\r\nabc\n0\r\n\r\n", []int{400}, nil},
	{"more behind a chunk", postA + chunked + "3\r\nabcxx0\r\n\r\n", []int{400}, nil},
	{"a chunk's size too large", postA + chunked + "10000000000000003\r\nabc\r\n0\r\n\r\n", []int{400}, nil},
	{"a chunk's size with 0x", postA + chunked + "0x3\r\nabc\r\n0\r\n\r\n", []int{400}, nil},
	{"a chunk's size with a sign", postA + chunked + "+3\r\nabc\r\n0\r\n\r\n", []int{400}, nil},
	{"a chunk's size with a space", postA + chunked + "3 \r\nabc\r\n0\r\n\r\n", []int{400}, nil},
	{"a chunk without a size", postA + chunked + "\r\nabc\r\n0\r\n\r\n", []int{400}, nil},
	{"a request as trailers", postA + chunked + "0\r\n" + smuggled, []int{400}, nil},
	{"framing in trailers", postA + "Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\nContent-Length: 43\r\n\r\n", []int{200, 200}, []string{"POST | /a | front | ", seenEnd}},
	{"a folded field", getA + "X-A: b\r\n c: d\r\n\r\n", []int{400}, nil},
	{"a field before the first", "GET /a HTTP/1.1\r\n X: y\r\nHost: front\r\n\r\n", []int{400}, nil},
	{"LF alone", "GET /a HTTP/1.1\nHost: front\n\n", []int{200, 200}, []string{seenA, seenEnd}},
	{"LF alone in one line", getA + "X-A: b\nX-B: c\r\n\r\n", []int{200, 200}, []string{seenA, seenEnd}},
	{"CR alone in a value", getA + "X-A: b\rContent-Length: 38\r\n\r\n", []int{400}, nil},
	{"CR before a name", getA + "\rContent-Length: 38\r\n\r\n" + smuggled, []int{400}, nil},
	{"CR CR LF", "GET /a HTTP/1.1\r\r\nHost: front\r\n\r\n", []int{400}, nil},
	{"NUL in a value", getA + "X-A: b\x00c\r\n\r\n", []int{400}, nil},
	{"NUL in a name", getA + "X\x00A: b\r\n\r\n", []int{400}, nil},
	{"NUL in the target", "GET /a\x00b HTTP/1.1\r\nHost: front\r\n\r\n", []int{400}, nil},
	{"a control character in a value", getA + "X-A: b\x01c\r\n\r\n", []int{400}, nil},
	{"other bytes than ASCII in a value", getA + "X-A: b\xffc\r\n\r\n", []int{400}, nil},
	{"a field without a name", getA + ": b\r\n\r\n", []int{400}, nil},
	{"a field without a colon", getA + "X-A\r\n\r\n", []int{400}, nil},
	{"no Host", "GET /a HTTP/1.1\r\n\r\n", []int{400}, nil},
	{"no Host in HTTP/1.0", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", []int{200, 200}, []string{"GET | /a |  | ", seenEnd}},
	{"two Hosts", getA + "Host: evil\r\n\r\n", []int{400}, nil},
	{"a list of Hosts", "GET /a HTTP/1.1\r\nHost: front, evil\r\n\r\n", []int{400}, nil},
	{"Host with a path", "GET /a HTTP/1.1\r\nHost: front/evil\r\n\r\n", []int{400}, nil},
	{"Host with a user", "GET /a HTTP/1.1\r\nHost: me@front\r\n\r\n", []int{400}, nil},
	{"Host folded", getA + " evil\r\n\r\n", []int{400}, nil},
	{"absolute form", "GET http://front/a?b HTTP/1.1\r\nHost: front\r\n\r\n", []int{200, 200}, []string{"GET | /a?b | front | ", seenEnd}},
	{"absolute form with another Host", "GET http://other/a HTTP/1.1\r\nHost: front\r\n\r\n", []int{400}, nil},
	{"absolute form with https", "GET https://front/a HTTP/1.1\r\nHost: front\r\n\r\n", []int{200, 200}, []string{seenA, seenEnd}},
	{"absolute form with a user", "GET http://me@front/a HTTP/1.1\r\nHost: front\r\n\r\n", []int{200, 200}, []string{seenA, seenEnd}},
	{"two slashes", "GET //other/a HTTP/1.1\r\nHost: front\r\n\r\n", []int{200, 200}, []string{"GET | //other/a | front | ", seenEnd}},
	{"no slash", "GET a HTTP/1.1\r\nHost: front\r\n\r\n", []int{405}, nil},
	{"dots", "GET /a/../b/./c HTTP/1.1\r\nHost: front\r\n\r\n", []int{200, 200}, []string{"GET | /a/../b/./c | front | ", seenEnd}},
	{"escaped dots and slashes", "GET /a/%2e%2e%2fb%5c..%00 HTTP/1.1\r\nHost: front\r\n\r\n", []int{400}, nil},
	{"escaped line ends", "GET /a%0d%0aX:%20y HTTP/1.1\r\nHost: front\r\n\r\n", []int{200, 200}, []string{"GET | /a%0d%0aX:%20y | front | ", seenEnd}},
	{"a bad escape", "GET /a%zz HTTP/1.1\r\nHost: front\r\n\r\n", []int{200, 200}, []string{"GET | /a%zz | front | ", seenEnd}},
	{"a fragment", "GET /a#b HTTP/1.1\r\nHost: front\r\n\r\n", []int{200, 200}, []string{"GET | /a#b | front | ", seenEnd}},
	{"a space in the target", "GET /a b HTTP/1.1\r\nHost: front\r\n\r\n", []int{400}, nil},
	{"two spaces before the target", "GET  /a HTTP/1.1\r\nHost: front\r\n\r\n", []int{400}, nil},
	{"a tab for a space", "GET\t/a\tHTTP/1.1\r\nHost: front\r\n\r\n", []int{400}, nil},
	{"a space before the method", " GET /a HTTP/1.1\r\nHost: front\r\n\r\n", []int{400}, nil},
	{"the asterisk", "OPTIONS * HTTP/1.1\r\nHost: front\r\n\r\n", []int{200, 200}, []string{"OPTIONS | * | front | ", seenEnd}},
	{"the asterisk of a GET", "GET * HTTP/1.1\r\nHost: front\r\n\r\n", []int{405}, nil},
	{"CONNECT", "CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n", []int{501, 200}, []string{seenEnd}},
	{"a method that is none", "G(T /a HTTP/1.1\r\nHost: front\r\n\r\n", []int{400}, nil},
	{"a method in small letters", "get /a HTTP/1.1\r\nHost: front\r\n\r\n", []int{200, 200}, []string{"get | /a | front | ", seenEnd}},
	{"no version", "GET /a\r\n\r\n", []int{400}, nil},
	{"HTTP/1.2", "GET /a HTTP/1.2\r\nHost: front\r\n\r\n", []int{505}, nil},
	{"HTTP/3.0", "GET /a HTTP/3.0\r\nHost: front\r\n\r\n", []int{505}, nil},
	{"HTTP/2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", nil, nil},
	{"h2c", getA + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n", []int{200, 200}, []string{seenA, seenEnd}},
	{"a WebSocket with a body", getA + "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 38\r\n\r\n" + smuggled, []int{200, 200}, []string{"GET | /a | front | " + smuggled, seenEnd}},
	{"a WebSocket that the app refuses", getA + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", []int{200, 200}, []string{seenA, seenEnd}},
	{"Expect", postA + "Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc", []int{200, 200}, []string{"POST | /a | front | abc", seenEnd}},
	{"Expect something else", postA + "Content-Length: 3\r\nExpect: smuggling\r\n\r\nabc", []int{200, 200}, []string{"POST | /a | front | abc", seenEnd}},
	{"Connection names Host and CL", postA + "Connection: Host, Content-Length\r\nContent-Length: 3\r\n\r\nabc", []int{200, 200}, []string{"POST | /a | front | abc", seenEnd}},
	{"lines before the request", "\r\n\r\nGET /a HTTP/1.1\r\nHost: front\r\n\r\n", []int{200, 200}, []string{seenA, seenEnd}},
}

// What the app sees is what the front has understood, or nothing.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	for _, server := range witnesses {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			w := startWitness(t, OutOfProcess, server, nil)
			w.seen()
			for _, c := range rawCases {
				w.smuggle(c, server, func(conn io.Writer, text []byte) { _, _ = conn.Write(text) })
				if server == "servers" { // once more, with no two bytes together
					w.smuggle(c, server, func(conn io.Writer, text []byte) {
						for i := range text {
							_, _ = conn.Write(text[i : i+1]) // the front may have closed
						}
					})
				}
			}
			t.Logf("count: %d raw requests for %s", len(rawCases), server)
		})
	}
}

// smuggle sends a case and looks at what the app has seen. Servers that are not gorun's refuse more.
func (w *world) smuggle(c rawCase, server string, write func(conn io.Writer, text []byte)) {
	w.t.Helper()
	statuses := w.raw(c.sent+end, write)
	seen, want := lines(w.seen()), c.seen
	if server == "servers" {
		if !slices.Equal(statuses, c.statuses) || !slices.Equal(seen, want) {
			w.t.Errorf("%s: answers %v and seen %q, want %v and %q", c.name, statuses, seen, c.statuses, want)
		}
		return
	}
	if len(statuses) != len(c.statuses) || !isPartOf(seen, want) {
		w.t.Errorf("%s: answers %v and seen %q, want at most %v and %q", c.name, statuses, seen, c.statuses, want)
	}
}

// isPartOf reports whether all that was seen is among what may be, in that order. Python's server takes // for /.
func isPartOf(seen, want []string) bool {
	for _, line := range want {
		if len(seen) > 0 && (seen[0] == line || seen[0] == strings.Replace(line, "//", "/", 1)) {
			seen = seen[1:]
		}
	}
	return len(seen) == 0
}

// raw sends text on a connection of its own and gives the status of each final answer.
func (w *world) raw(text string, write func(conn io.Writer, text []byte)) (statuses []int) {
	w.t.Helper()
	conn := w.dial()
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	write(conn, []byte(text))
	method, _, _ := strings.Cut(text, " ")
	for reader := bufio.NewReader(conn); ; {
		resp, err := http.ReadResponse(reader, &http.Request{Method: method})
		if err != nil {
			return statuses
		}
		if resp.StatusCode == http.StatusContinue {
			continue
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		statuses, method = append(statuses, resp.StatusCode), http.MethodGet
	}
}
