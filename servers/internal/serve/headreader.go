package serve

import "net/http"

// HeadReader reads heads as a Server does, for somebody who only wants to know whose request it is. It reads one head after the
// other, each as far as its bytes have come, and allocates nothing for a good one after the first. It is made by NewHeadReader
// and used by one goroutine at a time.
type HeadReader struct {
	limits Limits
	head   head
}

// NewHeadReader makes one with the limits of a Server; zero fields are Kestrel's defaults.
func NewHeadReader(l Limits) *HeadReader {
	r := &HeadReader{limits: l.Effective()}
	r.head.reset()
	return r
}

// Head is what is known of a request's head. What it points to is part of the bytes that were read, or belongs to the reader
// until its next Read.
type Head struct {
	Method []byte
	Host   []byte // of the target where that has one, else of the Host field, as it is written; empty: none
	Path   []byte // what a handler has as URL.Path, still escaped: no dot segments, no query; "/" for OPTIONS * and CONNECT
	End    int    // how long the head is, with empty lines before it; 0: more bytes are needed, and nothing else is known
}

// Begun reports whether b has the beginning of a head, and not only of empty lines.
func Begun(b []byte) bool {
	b = trimNewlines(b)
	return len(b) > 0 && string(b) != "\r"
}

// Read reads b, which begins where the head does, or with empty lines before it. Where a head has come in parts b has the
// earlier ones too; they are not looked at again. first says that b is the beginning of its connection. The refusal is nil
// for a head that a Server with these limits takes. After a whole head and a refusal the next Read is for another head.
func (r *HeadReader) Read(b []byte, first bool) (Head, *Refusal) {
	trimmed := trimNewlines(b)
	end, f := r.head.parse(trimmed, &r.limits, first)
	switch {
	case f != nil:
		r.Reset()
		return Head{}, &Refusal{f}
	case end == 0:
		return Head{}, nil
	}
	h := Head{Method: r.head.method.of(trimmed), End: len(b) - len(trimmed) + end}
	h.Host, h.Path = r.head.where(trimmed[:end])
	r.Reset()
	return h, nil
}

// Reset forgets a head of which a part was read.
func (r *HeadReader) Reset() { r.head.reset() }

// Refusal is why a head is refused.
type Refusal struct{ fault *fault }

var (
	// HeadTimeout refuses a head that takes too long.
	HeadTimeout = &Refusal{faultHeadTimeout}
	// HeadCut refuses a head behind which the client has ended the stream.
	HeadCut = &Refusal{bad("the connection ended inside a head")}
)

// Status is the status of the answer.
func (r *Refusal) Status() int {
	if r.fault.goaway {
		return http.StatusHTTPVersionNotSupported
	}
	return r.fault.status
}

// Reason says what is wrong with the head, for logs.
func (r *Refusal) Reason() string { return r.fault.reason }

// Answer gives what a Server sends, before it closes the connection. server is the Server field; empty: none.
func (r *Refusal) Answer(server string) []byte { return r.fault.answer(server) }
