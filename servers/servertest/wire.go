package servertest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

// wire is a connection on which a case writes its bytes itself.
type wire struct {
	net.Conn
	env *env
	in  *bufio.Reader
}

// dial opens a connection to the first address, without TLS.
func (s *site) dial() *wire {
	s.Helper()
	c, err := s.connect(s.url())
	if err != nil {
		s.Fatal(err)
	}
	return s.wire(c)
}

// wire takes a connection for the rest of the case.
func (s *site) wire(c net.Conn) *wire {
	c.SetDeadline(time.Now().Add(limit))
	s.Cleanup(func() { c.Close() })
	return &wire{c, s.env, bufio.NewReader(c)}
}

func (s *site) connect(address string) (net.Conn, error) {
	e, err := endpoint.Parse(address)
	if err != nil {
		return nil, err
	}
	if e.Unix != "" {
		return new(net.Dialer).DialContext(s.ctx, "unix", e.Unix)
	}
	return new(net.Dialer).DialContext(s.ctx, "tcp", host(s.env, address))
}

// send writes text. Who sends what is refused may find the connection closed before it has all been sent.
func (w *wire) send(format string, args ...any) {
	w.env.Helper()
	if _, err := fmt.Fprintf(w, format, args...); err != nil && !isReset(err) {
		w.env.Fatalf("cannot send: %v", err)
	}
}

// answer reads one response to a request with that method.
func (w *wire) answer(method string) answer {
	w.env.Helper()
	resp, err := http.ReadResponse(w.in, &http.Request{Method: method})
	if err != nil {
		w.env.Fatalf("no answer: %v", err)
	}
	a := read(resp)
	if a.cut != nil {
		w.env.Fatalf("status %d and then %v", a.StatusCode, a.cut)
	}
	return a
}

// ask sends a request and reads its answer.
func (w *wire) ask(request string) answer {
	w.env.Helper()
	w.send("%s", request)
	method, _, _ := strings.Cut(strings.TrimLeft(request, "\r\n"), " ")
	return w.answer(method)
}

// line reads one line, without its end.
func (w *wire) line() string {
	w.env.Helper()
	line, err := w.in.ReadString('\n')
	if err != nil {
		w.env.Fatalf("no whole line: %q, %v", line, err)
	}
	return strings.TrimRight(line, "\r\n")
}

// head reads the lines until the empty one.
func (w *wire) head() (lines []string) {
	w.env.Helper()
	for {
		line := w.line()
		if line == "" {
			return lines
		}
		lines = append(lines, line)
	}
}

// rest reads until the server closes.
func (w *wire) rest() string {
	w.env.Helper()
	text, err := io.ReadAll(w.in)
	if err != nil && !isReset(err) {
		w.env.Errorf("the connection is not closed: %v", err)
	}
	return string(text)
}

// closed wants the server to close, and not a byte before.
func (w *wire) closed() {
	w.env.Helper()
	if text := w.rest(); text != "" {
		w.env.Errorf("got %.200q before the connection was closed", text)
	}
}

// closeWrite sends the end of the stream and goes on reading.
func (w *wire) closeWrite() {
	w.env.Helper()
	if err := w.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		w.env.Fatal(err)
	}
}

// isReset knows a connection that the other end has closed with data unread. Windows has numbers of its own for it.
func isReset(err error) bool {
	const wsaConnAborted, wsaConnReset = syscall.Errno(10053), syscall.Errno(10054)
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, wsaConnAborted) || errors.Is(err, wsaConnReset)
}
