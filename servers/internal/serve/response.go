package serve

import (
	"bufio"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// response is the http.ResponseWriter of a request, with all that net/http's own can do: Flusher, Hijacker, io.ReaderFrom,
// io.StringWriter, CloseNotifier, and what http.ResponseController asks for. Small bodies wait for the handler's end, so
// that their length can be told.
type response struct {
	x       *exchange
	request *http.Request
	header  http.Header
	over    atomic.Bool // the handler has returned

	status   int // 0: not said yet
	isHead   bool
	declared int64 // Content-Length as the handler has it, -1: none
	written  int64
	body     *bufio.Writer // nil until something is written
	said     said
	sent     bool // the head has been completed
	chunks   bool
	closes   bool     // the connection ends with it
	trailers []string // keys that were announced
	err      error    // why nothing more can be written
	hijacks  bool
}

// said is what the handler's header says about the framing of the response; the rest of it is written as it is.
type said struct {
	length      bool
	contentType bool
	encoding    bool
	connection  bool
	close       bool // Connection: close, and nothing else
	closes      bool // close is among its words
	date        bool
	server      bool
	altSvc      bool
}

func (w *response) begin(x *exchange, h *head) {
	w.x = x
	w.declared = -1
	w.isHead = h.isHead
	w.closes = h.last()
}

func (w *response) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header)
	}
	return w.header
}

// HasStarted reports whether the handler has begun to answer, maybe with a connection that it has taken over. It is for who would have
// somebody else answer.
func (w *response) HasStarted() bool { return w.status != 0 || w.hijacks }

func (w *response) log(format string, args ...any) {
	w.x.conn.core.log.Error(fmt.Sprintf(format, args...), slog.String("remote", w.x.conn.remote))
}

// WriteHeader begins the head of the response: the fields are as they are now.
func (w *response) WriteHeader(status int) {
	switch {
	case w.hijacks:
		w.log("http: response.WriteHeader on hijacked connection from %s", caller())
		return
	case w.status != 0:
		w.log("http: superfluous response.WriteHeader call from %s", caller())
		return
	case status < 100 || status > 999:
		panic("invalid WriteHeader code " + strconv.Itoa(status))
	case status < 200 && status != http.StatusSwitchingProtocols:
		w.interim(status)
		return
	}
	w.status = status
	if w.x.body != nil {
		w.x.body.continues.Store(false)
	}
	w.writeFields()
}

// caller tells which function outside this package and net/http has called it, for the log.
func caller() string {
	pcs := make([]uintptr, 16)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		frame, more := frames.Next()
		ours := strings.HasPrefix(frame.Function, "github.com/gorun-dev/gorun/servers/internal/serve.") || strings.HasPrefix(frame.Function, "net/http.")
		if !ours || !more {
			return fmt.Sprintf("%s (%s:%d)", frame.Function, path.Base(frame.File), frame.Line)
		}
	}
}

// interim sends a response such as 103 Early Hints; the final one is still to come.
func (w *response) interim(status int) {
	if w.x.minor == 0 {
		return // HTTP/1.0 has none (RFC 9110, 15.2)
	}
	if w.x.body != nil && status == http.StatusContinue {
		w.x.body.continues.Store(false)
	}
	b := appendStatus(nil, w.x.minor, status)
	for _, f := range sorted(w.header) {
		if !isFraming(f.key) {
			b = appendField(b, f.key, f.values)
		}
	}
	w.x.conn.interim(append(b, "\r\n"...))
}

// bodyAllowed reports whether a response with this status has a body (RFC 9110, 6.4.1).
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

func (w *response) Write(p []byte) (int, error) { return w.write(len(p), p, "") }

func (w *response) WriteString(s string) (int, error) { return w.write(len(s), nil, s) }

func (w *response) write(length int, p []byte, s string) (n int, err error) {
	if w.hijacks {
		if length > 0 {
			w.log("http: response.Write on hijacked connection from %s", caller())
		}
		return 0, http.ErrHijacked
	}
	if w.over.Load() {
		return 0, overError(length)
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case length == 0:
		return 0, nil
	case !bodyAllowed(w.status):
		return 0, http.ErrBodyNotAllowed
	}
	w.written += int64(length)
	if w.declared >= 0 && w.written > w.declared {
		return 0, http.ErrContentLength
	}
	if w.body == nil {
		w.body = bodyBuffers.Get().(*bufio.Writer)
		w.body.Reset(bodyWriter{w})
	}
	if p != nil {
		n, err = w.body.Write(p)
	} else {
		n, err = w.body.WriteString(s)
	}
	if err == nil && w.x.conn.core.writesThrough {
		err = w.flush()
	}
	return n, err
}

// overError is for what is written after the handler has returned: the response has been sent, with a length.
func overError(length int) error {
	if length == 0 {
		return nil
	}
	return http.ErrContentLength
}

// bodyBuffer is how much of a body may wait for the handler's end.
const bodyBuffer = 2048

var bodyBuffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, bodyBuffer) }}

// bodyWriter is what comes out of the buffer.
type bodyWriter struct{ w *response }

func (b bodyWriter) Write(p []byte) (int, error) {
	w := b.w
	if !w.sent {
		w.complete(p, w.over.Load())
	}
	if w.isHead {
		return len(p), nil
	}
	if w.err = w.emit(p); w.err != nil {
		return 0, w.err
	}
	return len(p), nil
}

// emit writes a part of the body behind what is in out.
func (w *response) emit(p []byte) error {
	c := w.x.conn
	if w.chunks {
		c.out = append(strconv.AppendInt(c.out, int64(len(p)), 16), "\r\n"...)
	}
	if len(c.out)+len(p)+len("\r\n") <= cap(c.out) {
		c.out = append(c.out, p...)
	} else {
		err := c.sendBoth(c.out, p)
		c.out = c.out[:0]
		if err != nil {
			return err
		}
	}
	if w.chunks {
		c.out = append(c.out, "\r\n"...)
	}
	return nil
}

// flush sends what is in out.
func (c *conn) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	err := c.send(c.out)
	c.out = c.out[:0]
	return err
}

func (w *response) Flush() { w.FlushError() }

// FlushError sends all that was written so far.
func (w *response) FlushError() error {
	if w.hijacks {
		return http.ErrHijacked
	}
	if w.over.Load() {
		return http.ErrContentLength
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.flush()
}

func (w *response) flush() error {
	if w.body != nil {
		if err := w.body.Flush(); err != nil {
			return err
		}
	}
	if !w.sent {
		w.complete(nil, w.over.Load())
	}
	if w.err == nil {
		w.err = w.x.conn.flush()
	}
	return w.err
}

// finish ends the response, and reads what is left of the request's body. It reports whether the connection can go on.
func (w *response) finish() (again bool) {
	c := w.x.conn
	w.over.Store(true)
	if w.hijacks {
		return false
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	err := w.flushBody()
	if w.chunks && err == nil {
		c.out = append(c.out, "0\r\n"...)
		c.out = w.appendTrailers(c.out)
		c.out = append(c.out, "\r\n"...)
	}
	if err == nil {
		err = c.flush()
	}
	c.dropOut()
	c.stopWatching()
	if w.request.MultipartForm != nil {
		w.request.MultipartForm.RemoveAll()
	}
	w.endBody()
	w.endDeadlines()
	if err != nil || w.closes || w.isShort() || w.status == http.StatusSwitchingProtocols {
		return false // after 101 nothing that comes is a request
	}
	if w.x.body != nil && w.x.body.drain() != nil {
		return false
	}
	c.endRequest()
	return true
}

func (w *response) flushBody() error {
	if w.body == nil {
		if !w.sent {
			w.complete(nil, true)
		}
		return w.err
	}
	err := w.body.Flush()
	if !w.sent {
		w.complete(nil, true)
	}
	w.body.Reset(nil)
	bodyBuffers.Put(w.body)
	w.body = nil
	return err
}

// endBody makes further reads of the body fail.
func (w *response) endBody() {
	if w.x.body != nil {
		w.x.body.Close()
	}
}

// isShort reports whether the handler has written less than it has announced: the client waits for more in vain.
func (w *response) isShort() bool {
	return w.declared >= 0 && !w.isHead && bodyAllowed(w.status) && w.declared != w.written
}
