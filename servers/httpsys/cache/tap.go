package cache

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"time"
)

// tap is between a handler and the server: it copies a response that may be kept. It is one request's.
type tap struct {
	w     http.ResponseWriter
	cache *Cache
	url   url
	ctx   context.Context // of the request
	copy  *entry          // nil: the response is not to be kept, or has not begun
	room  int             // for its body, as release gives back
	begun bool
}

func (t *tap) Header() http.Header         { return t.w.Header() }
func (t *tap) Unwrap() http.ResponseWriter { return t.w }

// buffered is how long a body may be of which nobody has said how long it is: net/http measures it then. A longer one is sent in
// chunks.
const buffered = 2 << 10

// begin decides, by the fields as they are sent.
func (t *tap) begin(status int) {
	if t.begun || status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	t.begun = true
	header := t.w.Header()
	if _, has := header[cacheControl]; !has {
		return
	}
	now := t.cache.now()
	life := lifetime(status, header, now)
	if life <= 0 || len(header["Trailer"]) > 0 || len(header["Transfer-Encoding"]) > 0 || !t.reserve(header) {
		return
	}
	t.copy = &entry{key: t.url.at(t.ctx), status: status, header: header.Clone(), made: now.Add(-ageOf(header)), until: now.Add(life)}
}

// reserve makes sure that all responses that are copied at once need no more than the cache itself may.
func (t *tap) reserve(h http.Header) bool {
	t.room = buffered
	if said, has := h["Content-Length"]; has && len(said) > 0 {
		n, err := strconv.ParseUint(said[0], 10, 31)
		if err != nil {
			n = math.MaxInt32
		}
		t.room = int(n)
	}
	if t.room > orDefault(t.cache.BodySize, DefaultBodySize) {
		t.room = 0
		return false
	}
	if t.cache.copying.Add(int64(t.room)) > int64(orDefault(t.cache.Size, DefaultSize)) {
		t.release()
		return false
	}
	return true
}

// release gives back what was reserved, if anything is left of it.
func (t *tap) release() {
	if t.room > 0 {
		t.cache.copying.Add(-int64(t.room))
		t.room = 0
	}
}

// add copies what was sent of the body. One that is too long, or was not sent, is not kept.
func (t *tap) add(p []byte, sent int, err error) {
	switch {
	case t.copy == nil:
	case err != nil || sent != len(p) || len(t.copy.body)+len(p) > t.room:
		t.copy = nil
	default:
		t.copy.body = append(t.copy.body, p...)
	}
}

// keep is called when the handler has returned. A response without a length that is longer than the server's buffer was sent
// in chunks; so is one that was flushed: neither is kept.
func (t *tap) keep() {
	if !t.begun {
		t.begin(http.StatusOK)
	}
	if t.copy == nil {
		return
	}
	n := strconv.Itoa(len(t.copy.body))
	if said := t.copy.header.Get("Content-Length"); said != "" && said != n {
		return
	}
	t.copy.body = bytes.Clone(t.copy.body) // without what is over behind it
	t.copy.header.Set("Content-Length", n)
	t.copy.header.Del("Connection")
	t.cache.put(t.copy)
}

func (t *tap) WriteHeader(status int) {
	t.begin(status)
	t.w.WriteHeader(status)
}

func (t *tap) Write(p []byte) (int, error) {
	t.begin(http.StatusOK)
	n, err := t.w.Write(p)
	t.add(p, n, err)
	return n, err
}

// WriteString is there always: without it io.WriteString does the same as this does when the server has none.
func (t *tap) WriteString(s string) (int, error) {
	t.begin(http.StatusOK)
	n, err := io.WriteString(t.w, s)
	if t.copy != nil {
		t.add([]byte(s), n, err)
	}
	return n, err
}

func (t *tap) FlushError() error {
	t.begin(http.StatusOK)
	t.copy = nil
	return http.NewResponseController(t.w).Flush()
}

func (t *tap) Flush() { _ = t.FlushError() }

func (t *tap) SetReadDeadline(d time.Time) error {
	return http.NewResponseController(t.w).SetReadDeadline(d)
}

func (t *tap) SetWriteDeadline(d time.Time) error {
	return http.NewResponseController(t.w).SetWriteDeadline(d)
}

func (t *tap) EnableFullDuplex() error { return http.NewResponseController(t.w).EnableFullDuplex() }

// shape gives the tap with the optional interfaces of what is under it. Of HTTP/1.1 there are all, of HTTP/2 and HTTP/3 none
// but http.Flusher, which every server has, and perhaps http.Pusher.
func (t *tap) shape() http.ResponseWriter {
	if _, ok := t.w.(http.Hijacker); ok {
		return http1{t}
	}
	if _, ok := t.w.(http.Pusher); ok {
		return http2{t}
	}
	return t
}

type http1 struct{ *tap }

// Hijack gives the connection to the handler, and nothing is kept.
func (w http1) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := w.w.(http.Hijacker).Hijack()
	if err == nil {
		w.begun, w.copy = true, nil
	}
	return c, rw, err
}

// ReadFrom hands src on as it is, because the server looks whether it is a file, unless the response is to be kept.
func (w http1) ReadFrom(src io.Reader) (int64, error) {
	w.begin(http.StatusOK)
	if w.copy != nil && w.copy.header.Get("Content-Length") == "" {
		w.copy = nil // its length is not known: it may be a large file
	}
	if from, ok := w.w.(io.ReaderFrom); ok && w.copy == nil {
		return from.ReadFrom(src)
	}
	return io.Copy(writer{w.tap}, src)
}

// CloseNotify is there for handlers that still use it.
func (w http1) CloseNotify() <-chan bool {
	if n, ok := w.w.(interface{ CloseNotify() <-chan bool }); ok {
		return n.CloseNotify()
	}
	return make(chan bool)
}

type http2 struct{ *tap }

func (w http2) Push(target string, o *http.PushOptions) error {
	return w.w.(http.Pusher).Push(target, o)
}

// writer has nothing but Write.
type writer struct{ t *tap }

func (w writer) Write(p []byte) (int, error) { return w.t.Write(p) }
