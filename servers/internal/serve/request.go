package serve

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// request is what the connection knows of the request that net/http is busy with, beyond what net/http was told.
type request struct {
	last      bool // the connection ends with it
	minor     byte
	chunked   bool
	length    int64  // -1: none
	text      string // the Content-Length as it was sent
	continues bool   // waits for 100 Continue
	expects   []string
	fields    int    // field lines of the head
	clean     []byte // the target for net/http, nil when it is the client's
	target    string // the client's, when clean is not nil
	form      form
	closes    bool // the response has to say that the connection closes
	maxBody   int64
}

// begin takes over what the head says. b is the head's bytes, which are net/http's from here on.
func (r *request) begin(h *head, b []byte) *fault {
	target := h.target.of(b)
	clean, f := h.form.forGo(target)
	if f != nil {
		return f
	}
	*r = request{
		last:      h.last(),
		minor:     h.minor,
		chunked:   h.chunked,
		length:    h.length,
		continues: h.continues && h.minor == 1,
		fields:    h.fields,
		clean:     clean,
		form:      h.form,
		closes:    h.chunked && h.length >= 0 || h.close && h.keep,
		maxBody:   -1,
	}
	if clean != nil {
		r.target = string(target)
	}
	if h.length >= 0 {
		r.text = string(h.lengthAt.of(b))
	}
	for _, s := range h.expects {
		r.expects = append(r.expects, string(s.of(b)))
	}
	return nil
}

func (r *request) hasBody() bool { return r.chunked || r.length > 0 }

// rewrite gives the head as net/http is to see it.
func (r *request) rewrite(h *head, b []byte) []byte {
	if r.clean == nil && !h.spaced {
		return h.cut(b)
	}
	target := r.clean
	if target == nil {
		target = h.target.of(b)
	}
	out := make([]byte, 0, len(b)+len(target))
	out = append(append(out, h.method.of(b)...), ' ')
	out = append(append(out, target...), " HTTP/1."...)
	out = append(out, '0'+h.minor)
	end := h.target.to
	for b[end] != '\n' && b[end] != '\r' {
		end++
	}
	shift := len(out) - end
	out = append(out, b[end:]...)
	for i := range h.cuts {
		h.cuts[i].from += shift
		h.cuts[i].to += shift
	}
	return h.cut(out)
}

// restore gives the handler's request what net/http was not told.
func (c *conn) restore(w http.ResponseWriter, r *http.Request) {
	q := &c.request
	if q.clean != nil {
		q.restoreTarget(r)
	}
	for _, e := range q.expects {
		r.Header.Add("Expect", e)
	}
	if q.closes {
		w.Header().Set("Connection", "close")
	}
	switch {
	case q.chunked:
		r.ContentLength = -1
		r.TransferEncoding = []string{"chunked"}
		if q.length >= 0 {
			r.Header["X-Content-Length"] = []string{q.text} // as Kestrel does: it did not count
		}
		announceTrailers(r)
	case q.length >= 0:
		r.ContentLength = q.length
		r.Header["Content-Length"] = []string{q.text}
	}
	if c.body != nil {
		c.body.request = r
		r.Body = c.body
	}
}

func (q *request) restoreTarget(r *http.Request) {
	r.RequestURI = q.target
	if q.form != absolute {
		return
	}
	if u, err := url.Parse(q.target); err == nil {
		r.URL.Scheme, r.URL.User, r.URL.Host = u.Scheme, u.User, u.Host
	}
}

// announceTrailers does what net/http does for a chunked request.
func announceTrailers(r *http.Request) {
	names := r.Header["Trailer"]
	if names == nil {
		return
	}
	delete(r.Header, "Trailer")
	for name := range strings.SplitSeq(strings.Join(names, ","), ",") {
		if key := http.CanonicalHeaderKey(strings.TrimSpace(name)); isTrailer(key) {
			if r.Trailer == nil {
				r.Trailer = http.Header{}
			}
			r.Trailer[key] = nil
		}
	}
}

// isTrailer reports whether a field may stand after a body: not those that say where the body ends or whose it is.
func isTrailer(key string) bool {
	switch key {
	case "", "Transfer-Encoding", "Content-Length", "Trailer", "Host":
		return false
	}
	return true
}

// ErrBodyStarted is returned when a limit on the body is changed after its first read.
var ErrBodyStarted = errors.New("the body of this request is already being read")

// Request is the server's side of one request: the limits that a handler may change for it. It is good until the
// handler returns.
type Request struct{ c *conn }

// FromContext gives the Request of a context that was handed to a handler. ok is false for any other context.
func FromContext(ctx context.Context) (r Request, ok bool) {
	c := connOf(ctx)
	return Request{c}, c != nil
}

// MaxBodySize is how long the request's body may be, in bytes; negative for no limit.
func (r Request) MaxBodySize() int64 {
	if limit := r.c.maxBody(); limit < 1<<62 {
		return limit
	}
	return -1
}

// SetMaxBodySize changes it: 0 is no body at all, negative no limit. It returns ErrBodyStarted when a read has begun.
func (r Request) SetMaxBodySize(n int64) error {
	if b := r.c.body; b != nil && b.started.Load() {
		return ErrBodyStarted
	}
	if n < 0 {
		n = 1<<63 - 1
	}
	r.c.request.maxBody = n
	return nil
}

// SetMinBodyDataRate changes how fast the body must come. The rules of DataRate apply.
func (r Request) SetMinBodyDataRate(rate DataRate) {
	rate = rate.Effective(r.c.core.limits.MinRequestBodyDataRate)
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	r.c.rate = rate
}

// SetMinResponseDataRate changes how fast the client must take the response. The rules of DataRate apply. It is called
// before the first byte is written.
func (r Request) SetMinResponseDataRate(rate DataRate) {
	r.c.response.rate = rate.Effective(r.c.core.limits.MinResponseDataRate)
}

func (c *conn) maxBody() int64 {
	if c.request.maxBody >= 0 {
		return c.request.maxBody
	}
	return c.core.limits.MaxRequestBodySize
}
