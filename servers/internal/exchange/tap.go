package exchange

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync/atomic"
)

// tap is between a handler and the server: it counts what goes through. A handler may hold on to it, by mistake or, with the
// body of a request, by right: a transport goes on reading it when the handler has returned. So taps are not used again.
type tap struct {
	w        http.ResponseWriter
	asked    *http.Request // the server's
	inner    *http.Request // the handler's: the same one, or a copy
	received atomic.Int64  // the body may be read by another goroutine than the handler's
	sent     int64
	status   int
	noBody   bool // the answer has none, whatever is written
	hijacked bool
}

// newTap makes a copy of a request that has a body: net/http looks at the type of the body in its own request to know
// whether to wait for what the handler did not read.
func newTap(w http.ResponseWriter, r *http.Request) *tap {
	t := &tap{w: w, asked: r, inner: r, noBody: r.Method == http.MethodHead}
	if r.Body != nil && r.Body != http.NoBody {
		t.inner = new(http.Request)
		*t.inner = *r
		t.inner.Body = body{t, r.Body}
	}
	return t
}

// giveBack puts into the server's request what the handler has put into its own and others look for: the files of a form,
// which net/http removes, and the route.
func (t *tap) giveBack() {
	if t.inner != t.asked {
		t.asked.MultipartForm = t.inner.MultipartForm
		t.asked.Pattern = t.inner.Pattern
	}
}

// body is a request's.
type body struct {
	t *tap
	io.ReadCloser
}

func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.t.received.Add(int64(n))
	if err == io.EOF { // net/http puts trailers that were not announced into the request that it knows
		b.t.inner.Trailer = b.t.asked.Trailer
	}
	return n, err
}

func (t *tap) Header() http.Header { return t.w.Header() }

// Unwrap is for http.ResponseController.
func (t *tap) Unwrap() http.ResponseWriter { return t.w }

func (t *tap) WriteHeader(status int) {
	t.w.WriteHeader(status)
	if status >= 200 || status == http.StatusSwitchingProtocols {
		t.begun(status)
	}
}

// begun notes the status. Only the first counts.
func (t *tap) begun(status int) {
	if t.status == 0 && !t.hijacked {
		t.status = status
	}
}

func (t *tap) wrote(n int64) {
	if !t.noBody {
		t.sent += n
	}
}

func (t *tap) Write(p []byte) (int, error) {
	t.begun(http.StatusOK)
	n, err := t.w.Write(p)
	t.wrote(int64(n))
	return n, err
}

// WriteString is there always: without it io.WriteString does the same as this does when the server has none.
func (t *tap) WriteString(s string) (int, error) {
	t.begun(http.StatusOK)
	n, err := io.WriteString(t.w, s)
	t.wrote(int64(n))
	return n, err
}

func (t *tap) flush() error {
	t.begun(http.StatusOK)
	if f, ok := t.w.(interface{ FlushError() error }); ok {
		return f.FlushError()
	}
	t.w.(http.Flusher).Flush()
	return nil
}

// readFrom hands r on as it is: the server looks whether it is a file.
func (t *tap) readFrom(r io.Reader) (int64, error) {
	t.begun(http.StatusOK)
	n, err := t.w.(io.ReaderFrom).ReadFrom(r)
	t.wrote(n)
	return n, err
}

func (t *tap) hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := t.w.(http.Hijacker).Hijack()
	if err == nil {
		t.hijacked = true
	}
	return c, rw, err
}

func (t *tap) push(target string, o *http.PushOptions) error {
	return t.w.(http.Pusher).Push(target, o)
}
