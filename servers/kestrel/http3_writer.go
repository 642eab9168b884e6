package kestrel

import (
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorun-dev/gorun/servers/limits"
)

// http3Writer is the http.ResponseWriter of a request, with http.Flusher, io.StringWriter and what http.ResponseController
// looks for. Between the handler and quic-go it keeps the least speed, lets the server answer in the handler's place, and
// has the header as net/http does: what is changed after WriteHeader does not count, and what HTTP/3 forbids is not sent.
type http3Writer struct {
	q      *http3Request
	inner  http3Inner
	header http.Header // the handler's; quic-go's is filled when the answer begins
	rate   limits.DataRate
	until  int64        // when the client must have taken all that was written, on the socket's clock
	by     atomic.Int64 // the same while a write waits, else 0
	status int
	sent   int64

	mu    sync.Mutex // guards state, and quic-go's header while the state is unanswered
	state http3State
}

// http3Inner is what quic-go's http.ResponseWriter is.
type http3Inner interface {
	http.ResponseWriter
	FlushError() error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// http3State is what has become of the answer.
type http3State byte

const (
	http3Unanswered http3State = iota
	http3Answering             // the handler's answer is on its way
	http3Refused               // the server has answered
	http3Cut                   // the answer has begun, and the rest is not sent
)

func (a *http3Writer) begin(q *http3Request, w http.ResponseWriter) {
	a.q, a.inner, a.header = q, w.(http3Inner), http.Header{}
	a.rate = q.conn.socket.limits.MinResponseDataRate
	if server := q.conn.socket.server; server != nil {
		a.header["Server"] = server
	}
}

func (a *http3Writer) Header() http.Header { return a.header }

// WriteHeader begins the answer, or sends an interim one (1xx). 101 does not exist in HTTP/3 (RFC 9114, 4.5).
func (a *http3Writer) WriteHeader(status int) {
	switch {
	case status == http.StatusSwitchingProtocols:
	case status >= 100 && status < 200:
		a.interim(status, a.header)
	default:
		a.start(status)
	}
}

func (a *http3Writer) interim(status int, header http.Header) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state != http3Unanswered {
		return
	}
	copyHTTP3Header(a.inner.Header(), header)
	a.inner.WriteHeader(status)
	clear(a.inner.Header())
}

// sayContinue sends 100 Continue to a client that waits for it.
func (a *http3Writer) sayContinue() {
	if strings.EqualFold(a.q.request.Header.Get("Expect"), "100-continue") {
		a.interim(http.StatusContinue, nil)
	}
}

// start begins the handler's answer, once. It reports whether the handler may write.
func (a *http3Writer) start(status int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state == http3Unanswered {
		a.state, a.status = http3Answering, status
		copyHTTP3Header(a.inner.Header(), a.header)
		a.inner.WriteHeader(status)
	}
	return a.state == http3Answering
}

func (a *http3Writer) isRefused() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state >= http3Refused
}

func (a *http3Writer) Write(p []byte) (int, error) {
	if !a.start(http.StatusOK) {
		return 0, errHTTP3Refused
	}
	if a.sent == 0 {
		a.sniff(p)
	}
	a.watch(int64(len(p)))
	n, err := a.inner.Write(p)
	a.by.Store(0)
	a.sent += int64(n)
	return n, err
}

func (a *http3Writer) WriteString(s string) (int, error) { return a.Write([]byte(s)) }

var _ io.StringWriter = (*http3Writer)(nil)

// sniff does what net/http does, also after WriteHeader, where quic-go does not.
func (a *http3Writer) sniff(p []byte) {
	h := a.inner.Header()
	if _, ok := h["Content-Type"]; !ok && h.Get("Content-Encoding") == "" && len(p) > 0 && hasHTTP3Body(a.status) {
		h.Set("Content-Type", http.DetectContentType(p))
	}
}

func hasHTTP3Body(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

func (a *http3Writer) Flush() { a.FlushError() }

// FlushError sends what there is. An answer that has not begun begins with 200.
func (a *http3Writer) FlushError() error {
	if !a.start(http.StatusOK) {
		return errHTTP3Refused
	}
	return a.flush()
}

func (a *http3Writer) flush() error {
	a.watch(0)
	defer a.by.Store(0)
	return a.inner.FlushError()
}

// watch begins the time that n bytes may take: the grace period, or longer for many bytes. As in HTTP/1.x a client that took
// earlier bytes slowly has no less time for these, and one that was fast no more than is due.
func (a *http3Writer) watch(n int64) {
	if a.rate.BytesPerSecond <= 0 {
		return
	}
	now, allowance := a.q.conn.socket.now(), int64(a.rate.Allowance(n))
	a.until = max(now+max(int64(a.rate.GracePeriod), allowance), a.until+allowance)
	a.by.Store(a.until)
}

// SetReadDeadline and SetWriteDeadline are http.ResponseController's. A request that has been cut off stays so.
func (a *http3Writer) SetReadDeadline(t time.Time) error {
	a.q.mu.Lock()
	defer a.q.mu.Unlock()
	if a.q.overdue {
		return nil
	}
	return a.inner.SetReadDeadline(t)
}

func (a *http3Writer) SetWriteDeadline(t time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state == http3Cut {
		return nil
	}
	return a.inner.SetWriteDeadline(t)
}

// EnableFullDuplex has nothing to do: the two directions of a stream do not wait for each other.
func (a *http3Writer) EnableFullDuplex() error { return nil }

// refuse answers with a status and nothing else, or cuts the handler's answer off.
func (a *http3Writer) refuse(status int) {
	a.mu.Lock()
	unanswered := a.state == http3Unanswered
	if unanswered {
		a.state, a.status = http3Refused, status
	}
	a.mu.Unlock()
	if !unanswered {
		a.cutOff()
		return
	}
	h := a.inner.Header()
	if server := a.q.conn.socket.server; server != nil {
		h["Server"] = server
	}
	h.Set("Content-Length", "0")
	a.inner.WriteHeader(status)
	a.flush()
}

// cutOff makes a write that waits return, and those after it fail. The stream is reset when the handler returns.
func (a *http3Writer) cutOff() {
	a.mu.Lock()
	if a.state != http3Refused {
		a.state = http3Cut
	}
	a.mu.Unlock()
	a.inner.SetWriteDeadline(http3Past)
	a.q.cancel(errHTTP3Refused)
}

// end sends what is left when the handler has returned. It reports false when the answer is not whole.
func (a *http3Writer) end() bool {
	if a.start(http.StatusOK) {
		a.trail()
		h := a.inner.Header()
		if h["Content-Length"] == nil && hasHTTP3Body(a.status) && (a.sent > 0 || a.q.request.Method != http.MethodHead) {
			h.Set("Content-Length", strconv.FormatInt(a.sent, 10)) // counts if the header is still here
		}
		a.flush()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state == http3Cut {
		return false
	}
	a.inner.SetWriteDeadline(http3Deadline(a.rate, 0)) // for the trailers, which quic-go writes
	return true
}

// trail hands over what the handler has set since the answer began: announced trailers and those with http.TrailerPrefix.
func (a *http3Writer) trail() {
	h := a.inner.Header()
	for name, values := range a.header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			h[name] = values
		}
	}
	for _, list := range h["Trailer"] {
		for name := range strings.SplitSeq(list, ",") {
			name = http.CanonicalHeaderKey(strings.TrimSpace(name))
			if values, ok := a.header[name]; ok {
				h[name] = values
			}
		}
	}
}

// copyHTTP3Header leaves out what must not be in a response of HTTP/3 (RFC 9114, 4.2), as net/http does in HTTP/2: a client
// would refuse all of it.
func copyHTTP3Header(to, from http.Header) {
	maps.Copy(to, from)
	for _, name := range [...]string{"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade"} {
		delete(to, name)
	}
	for name, values := range to {
		if !isHTTP3Field(name, values) {
			delete(to, name)
		}
	}
}

// isHTTP3Field reports whether a field can be sent. What a handler has copied from elsewhere must not end the line.
func isHTTP3Field(name string, values []string) bool {
	if strings.ContainsFunc(strings.TrimPrefix(name, http.TrailerPrefix), func(c rune) bool { return c <= ' ' || c >= 0x7f || c == ':' }) || name == "" {
		return false
	}
	for _, value := range values {
		if strings.ContainsAny(value, "\r\n\x00") {
			return false
		}
	}
	return true
}
