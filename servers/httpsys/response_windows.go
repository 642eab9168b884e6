//go:build amd64 || arm64

package httpsys

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/gorun-dev/gorun/servers/httpsys/httpapi"
)

// bufferSize is how much of a response waits for more, in bytes. A response that fits is sent in one call, with its length.
const bufferSize = 4096

// response is the http.ResponseWriter of an exchange. Its methods are the handler's, one at a time; the server's own answer
// may come from a goroutine that reads the body.
type response struct {
	x       *exchange
	method  string
	minor   int  // of HTTP/1, -1 for later protocols
	closing bool // the connection is not kept

	mu       sync.Mutex
	header   http.Header // the handler's
	frozen   http.Header // what the handler had when it wrote the status
	status   int         // 0 until then
	length   int64       // as the handler says; -1 when it does not
	written  int64       // of the body, by the handler
	buffer   []byte
	sent     bool  // the head is on its way
	complete bool  // all is, or the server has answered by itself
	ended    bool  // the handler has returned
	chunked  bool  // the body is framed here
	err      error // of an earlier call: the client has gone
}

// Errors of handlers that write too much, as net/http has them, and too late.
var (
	errRefused = fmt.Errorf("request refused: %w", net.ErrClosed)
	errEnded   = fmt.Errorf("the response is complete: %w", net.ErrClosed)
)

func (w *response) begin(x *exchange, native *httpapi.Request) {
	w.x, w.header, w.length = x, http.Header{}, -1
	w.method = native.Method()
	major, minor := native.HTTP()
	w.minor = minor
	if major != 1 {
		w.minor = -1
	}
	if x.request != nil && major == 1 {
		w.closing = x.request.Close || minor == 0 && !hasToken(x.request.Header, "Connection", "keep-alive")
	}
}

// Header gives the fields of the response. After WriteHeader only trailers are taken from them.
func (w *response) Header() http.Header { return w.header }

// HasStarted reports whether the handler has begun to answer, or the server in its place.
func (w *response) HasStarted() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status != 0 || w.complete
}

// WriteHeader sets the status. Informational responses are not sent: the API has none.
func (w *response) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", status)) // as net/http does
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writeHeader(status)
}

func (w *response) writeHeader(status int) {
	if w.status != 0 || status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	w.status, w.frozen = status, w.header.Clone()
	if w.frozen == nil {
		w.frozen = http.Header{}
	}
	if text := w.frozen.Get("Content-Length"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			w.x.host.log.Warn("a response has a Content-Length that is none", slog.String("value", text))
			w.frozen.Del("Content-Length")
		} else {
			w.length = n
		}
	}
}

// Write sends some of the body, or keeps it until more has come. Its errors are net/http's, and what the system says when the
// client has gone.
func (w *response) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writeHeader(http.StatusOK)
	switch {
	case w.err != nil:
		return 0, w.err
	case !bodyAllowed(w.status):
		return 0, http.ErrBodyNotAllowed
	case w.length >= 0 && w.written+int64(len(p)) > w.length:
		return 0, http.ErrContentLength
	}
	w.written += int64(len(p))
	if w.frozen.Get("Content-Type") == "" && !w.sent && len(p) > 0 && w.written == int64(len(p)) {
		w.sniff(p)
	}
	if w.method == http.MethodHead {
		return len(p), nil
	}
	if len(w.buffer)+len(p) <= bufferSize {
		w.buffer = append(w.buffer, p...)
		return len(p), nil
	}
	if err := w.send(w.buffer, p, false); err != nil {
		return 0, err
	}
	w.buffer = w.buffer[:0]
	return len(p), nil
}

// WriteString is Write.
func (w *response) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// sniff sets Content-Type from the first bytes, as net/http does. A handler that has set it to nothing wants none.
func (w *response) sniff(p []byte) {
	if _, wanted := w.frozen["Content-Type"]; !wanted && w.frozen.Get("Content-Encoding") == "" && !hasToken(w.frozen, "Transfer-Encoding", "chunked") {
		w.frozen.Set("Content-Type", http.DetectContentType(p))
	}
}

// Flush sends what was written.
func (w *response) Flush() { w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *response) FlushError() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writeHeader(http.StatusOK)
	if w.err != nil || w.sent && len(w.buffer) == 0 {
		return w.err
	}
	err := w.send(w.buffer, nil, false)
	w.buffer = w.buffer[:0]
	return err
}

// EnableFullDuplex is for http.ResponseController: the body can be read while the response is written, always.
func (w *response) EnableFullDuplex() error { return nil }

// finish sends what is left when the handler has returned.
func (w *response) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.complete || w.err != nil {
		return
	}
	w.writeHeader(http.StatusOK)
	w.ended = true
	if w.hasBody() && w.length >= 0 && w.written < w.length {
		w.x.host.log.Warn("a handler has written less than its Content-Length", slog.Int64("length", w.length), slog.Int64("written", w.written))
		w.complete = true
		w.x.abort()
		return
	}
	w.send(w.buffer, nil, true)
}

// refuse has the server answer, if nothing was sent, and reports whether it has.
func (w *response) refuse() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sent || w.complete {
		if w.err == nil {
			w.err = errRefused
		}
		return false
	}
	w.status = int(w.x.refusal.Load())
	w.frozen = http.Header{"Content-Length": {"0"}, "Connection": {"close"}}
	w.length, w.buffer = 0, nil
	w.send(nil, nil, true)
	w.err = errRefused
	return true
}

// hasBody reports whether the body goes to the client.
func (w *response) hasBody() bool { return w.method != http.MethodHead && bodyAllowed(w.status) }

func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// canTrail reports whether trailers would reach the client.
func (w *response) canTrail() bool {
	if w.minor < 0 {
		return w.x.host.trailers
	}
	return w.minor >= 1
}

// trailer gives the fields that follow the body: those that the field Trailer has announced, and those with
// http.TrailerPrefix.
func (w *response) trailer() http.Header {
	trailer := http.Header{}
	for _, line := range w.frozen["Trailer"] {
		for name := range strings.SplitSeq(line, ",") {
			name = http.CanonicalHeaderKey(strings.TrimSpace(name))
			if values := w.header[name]; len(values) > 0 && !notInTrailer[name] {
				trailer[name] = values
			}
		}
	}
	for name, values := range w.header {
		if name, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			trailer[http.CanonicalHeaderKey(name)] = values
		}
	}
	return trailer
}

// notInTrailer are fields that frame a message (RFC 9110, 6.5.1).
var notInTrailer = map[string]bool{"Transfer-Encoding": true, "Content-Length": true, "Trailer": true}

// fail remembers that the client has gone.
func (w *response) fail(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		err = &SystemError{Call: "HttpSendHttpResponse", Err: err}
	}
	if !isGone(err) {
		w.x.host.log.Warn("a response cannot be sent", slog.Any("error", err))
	}
	w.err = err
	w.x.cancel(err)
	return err
}
