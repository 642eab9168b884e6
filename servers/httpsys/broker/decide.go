//go:build linux || darwin

package broker

import (
	"syscall"

	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
	"github.com/gorun-dev/gorun/servers/internal/serve"
)

// decision is what is to be done with a connection, once enough of it is known.
type decision struct {
	what   verdict
	queue  *queue // of give
	answer answer // of refuse
	isHead bool   // the request is one that gets no body
	hello  hello  // of terminate
}

type verdict byte

const (
	wait      verdict = iota // for more bytes
	gone                     // the client is no more
	give                     // the connection to the queue
	giveTLS                  // the same, before TLS has begun
	refuse                   // with the answer
	terminate                // TLS, since its requests may belong to several
)

// The sizes of what is looked at. Heads of browsers are under 4 KiB. The largest is more than apps take unless they are told to, so
// that they answer themselves to what is too long for them, and less than what the system receives from a client while
// nobody reads.
const (
	usualPeek = 8 << 10
	maxLine   = 16 << 10
	maxFields = 40 << 10
	maxPeek   = maxLine + maxFields + 4
)

// reader looks at the first bytes of connections. It is used by one goroutine.
type reader struct {
	head   *serve.HeadReader
	buffer []byte
}

func newReader() *reader {
	limits := serve.Limits{MaxRequestLineSize: maxLine, MaxRequestHeadersTotalSize: maxFields, MaxRequestHeaderCount: 1000}
	return &reader{head: serve.NewHeadReader(limits), buffer: make([]byte, usualPeek)}
}

// decide looks at what has come and says whose it is, and notes on v what it has seen. ended says that nothing more comes.
func (b *Broker) decide(v *visit, r *reader, ended bool) decision {
	first := v.first
	if first == nil {
		var ok bool
		if first, ok = r.peek(v.fd); !ok {
			return decision{what: gone}
		}
	}
	if len(first) == 0 {
		return decision{what: wait}
	}
	v.begun = true
	if v.first == nil && !ended && !v.hasNews(first) {
		return decision{what: wait}
	}
	if v.meta == nil && v.first == nil && isTLS(first[0]) && b.routes.Load().has("https", v.address().Port()) {
		return b.decideTLS(v, first, ended)
	}
	return b.decideHead(v, r, first, ended)
}

// peek gives what is there and leaves it there; nothing: none has come so far. It is false when the client has gone.
func (r *reader) peek(fd int) (first []byte, ok bool) {
	for {
		n, e := serve.Peek(uintptr(fd), r.buffer)
		switch {
		case e == syscall.EAGAIN:
			return nil, true
		case e != 0 || n == 0:
			return nil, false
		case n < len(r.buffer) || n == maxPeek:
			return r.buffer[:n], true
		}
		r.buffer = make([]byte, maxPeek)
	}
}

// isTLS reports whether a connection that begins so is one that begins TLS, or SSL 2. No method of HTTP does. Where nobody has
// registered an https prefix it is a head like another, and a bad one.
func isTLS(first byte) bool {
	const handshake = 22
	return first == handshake || first&0x80 != 0
}

func (b *Broker) decideTLS(v *visit, first []byte, ended bool) decision {
	v.encrypted = true
	h, want, err := parseHello(first)
	switch {
	case err != nil:
		return decision{what: refuse, answer: helloRefused(err)}
	case want != 0 && ended:
		return decision{what: gone}
	case want != 0:
		return v.unfinished(first, want)
	}
	if q, ok := b.only("https", h.ServerName, v.address()); ok && !b.options.Store.asksClients(h.ServerName, v.address()) {
		return decision{what: giveTLS, queue: q}
	}
	return decision{what: terminate, hello: h}
}

func (b *Broker) decideHead(v *visit, r *reader, first []byte, ended bool) decision {
	r.head.Reset()
	head, bad := r.head.Read(first, v.first == nil)
	switch {
	case bad != nil:
		return decision{what: refuse, answer: refused(bad)}
	case head.End == 0 && (ended || v.first != nil || len(first) >= maxPeek): // so many can only be empty lines
		if !serve.Begun(first) {
			return decision{what: gone}
		}
		return decision{what: refuse, answer: refused(serve.HeadCut)}
	case head.End == 0:
		want := 2 * len(first)
		if len(first) < maxLine {
			want = min(want, maxLine) // where a first line is too long
		}
		return v.unfinished(first, want)
	}
	d := decision{what: give, isHead: string(head.Method) == "HEAD"}
	q, result := b.match(v.scheme(), head.Host, head.Path, v.address())
	switch result {
	case urlprefix.Found:
		d.queue = q
	case urlprefix.NoPath:
		d.what, d.answer = refuse, noPath
	case urlprefix.BadPath:
		d.what, d.answer = refuse, badPath
	default:
		d.what, d.answer = refuse, noHost
		if at := v.address().Port(); !b.routes.Load().has("http", at) && b.routes.Load().has("https", at) {
			d.answer = helloRefused(&helloError{}) // the words that it has for this
		}
	}
	return d
}
