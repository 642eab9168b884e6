package serve_test

import (
	"bufio"
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// longest is how long anything may take that has to come; nothing in the tests takes nearly as long.
const longest = 20 * time.Second

// peer is the client of one connection. Its methods are for the test's goroutine.
type peer struct {
	t     *testing.T
	n     *notes
	conn  *net.TCPConn
	wire  bytes.Buffer // all that has come
	seen  int          // how much of it has been read by way of r
	r     *bufio.Reader
	ended bool // an answer said that the connection closes, or it has
	left  bool
}

func dialPeer(t *testing.T, addr net.Addr, n *notes) *peer {
	t.Helper()
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(longest))
	p := &peer{t: t, n: n, conn: conn.(*net.TCPConn)}
	p.r = bufio.NewReader(p)
	n.client = conn.LocalAddr().String()
	return p
}

// Read gives what has come and was not read, or waits for more.
func (p *peer) Read(b []byte) (int, error) {
	if p.seen == p.wire.Len() {
		if err := p.more(); err != nil {
			return 0, err
		}
	}
	n := copy(b, p.wire.Bytes()[p.seen:])
	p.seen += n
	return n, nil
}

func (p *peer) more() error {
	var b [32 << 10]byte
	n, err := p.conn.Read(b[:])
	p.wire.Write(b[:n])
	p.ended = p.ended || err != nil
	return err
}

// send writes s. An error is not the client's to mind: the server may have closed.
func (p *peer) send(s string) { io.WriteString(p.conn, s) }

// ask sends a request and reads its answer.
func (p *peer) ask(request string) {
	p.send(request)
	method, _, _ := strings.Cut(request, " ")
	p.answer(method)
}

// answer reads one answer to a request with this method, and what goes before it with a status of 1xx.
func (p *peer) answer(method string) {
	for {
		res, err := http.ReadResponse(p.r, &http.Request{Method: method})
		if err != nil {
			return // the connection has ended, or nobody can read this answer
		}
		if res.StatusCode < 200 && res.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		if res.StatusCode == http.StatusSwitchingProtocols {
			return
		}
		// A handler may say close in a way that the server does not take for its own.
		closes := slices.Equal(res.Header["Connection"], []string{"close"})
		io.Copy(io.Discard, res.Body)
		p.ended = p.ended || closes
		return
	}
}

// until waits until text is part of what has come. An answer can still read it.
func (p *peer) until(text string) {
	p.t.Helper()
	for !strings.Contains(p.wire.String(), text) {
		if err := p.more(); err != nil {
			p.t.Errorf("waiting for %q: %v, after %q", text, err, p.wire.String())
			return
		}
	}
}

// rest reads to the end of the connection.
func (p *peer) rest() {
	var err error
	for err == nil {
		err = p.more()
	}
	if err, ok := err.(net.Error); ok && err.Timeout() {
		p.t.Errorf("the connection is still open after %q", p.wire.String())
	}
}

// closeWrite sends the end of the stream.
func (p *peer) closeWrite() { p.conn.CloseWrite() }

// leave closes the connection.
func (p *peer) leave() {
	p.conn.Close()
	p.left = true
}

// probe finds out whether a connection takes another request. No handler of a promise sees it.
const probe = "GET /probe HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

func answerProbe(w http.ResponseWriter) { w.Header().Set("Probe", "answered") }

// finish says what has become of the connection.
func (p *peer) finish() string {
	if p.left {
		return "left"
	}
	if !p.ended {
		p.send(probe)
	}
	p.rest()
	p.conn.Close()
	if i := strings.LastIndex(p.wire.String(), "HTTP/1.1 200 OK\r\nProbe: answered\r\n"); i >= 0 {
		p.wire.Truncate(i)
		return "kept"
	}
	return "closed"
}

// request is a request for / without a body; lines are of its head, without ends.
func request(method string, lines ...string) string {
	return requestFor(method, "/", lines...)
}

func requestFor(method, target string, lines ...string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: h\r\n" + head(lines)
}

// old is the same in HTTP/1.0.
func old(method string, lines ...string) string {
	return method + " / HTTP/1.0\r\n" + head(lines)
}

func head(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(line + "\r\n")
	}
	return b.String() + "\r\n"
}

// post has a body of known length.
func post(body string, lines ...string) string {
	return request("POST", append(lines, fmt.Sprintf("Content-Length: %d", len(body)))...) + body
}

// chunked has a body in chunks, as they go over the wire.
func chunked(body string, lines ...string) string {
	return request("POST", append(lines, "Transfer-Encoding: chunked")...) + body
}

var (
	dates      = regexp.MustCompile(`Date: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT`)
	addresses  = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	boundaries = regexp.MustCompile(`[0-9a-f]{60}`)
)

// neutral replaces what differs from run to run.
func neutral(s string) string {
	s = dates.ReplaceAllLiteralString(s, "Date: <date>")
	s = addresses.ReplaceAllLiteralString(s, "<address>")
	return boundaries.ReplaceAllLiteralString(s, "<boundary>")
}

// shortened keeps a failure readable and still tells any two texts apart.
func shortened(s string) string {
	if len(s) <= 200 {
		return s
	}
	return fmt.Sprintf("%s... (%d bytes, %08x)", s[:60], len(s), crc32.ChecksumIEEE([]byte(s)))
}
