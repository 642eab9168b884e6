package exchange

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// A handler asks its http.ResponseWriter what more it can do, and must get the answer that it would get without the
// tap: a type for each set of http.Flusher, http.Hijacker, io.ReaderFrom and http.Pusher, by their first letters. Each adds one
// method to a smaller set. All of them are one pointer wide: making one allocates nothing.
type (
	bare struct{ *tap }
	f    struct{ bare }
	h    struct{ bare }
	fh   struct{ f }
	r    struct{ bare }
	fr   struct{ f }
	hr   struct{ h }
	fhr  struct{ fh }
	p    struct{ bare }
	fp   struct{ f }
	hp   struct{ h }
	fhp  struct{ fh }
	rp   struct{ r }
	frp  struct{ fr }
	hrp  struct{ hr }
	fhrp struct{ fhr }
)

func (w f) Flush()            { w.flush() }
func (w f) FlushError() error { return w.flush() } // http.ResponseController prefers it

func (w h) Hijack() (net.Conn, *bufio.ReadWriter, error)  { return w.hijack() }
func (w fh) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.hijack() }

func (w r) ReadFrom(src io.Reader) (int64, error)   { return w.readFrom(src) }
func (w fr) ReadFrom(src io.Reader) (int64, error)  { return w.readFrom(src) }
func (w hr) ReadFrom(src io.Reader) (int64, error)  { return w.readFrom(src) }
func (w fhr) ReadFrom(src io.Reader) (int64, error) { return w.readFrom(src) }

func (w p) Push(target string, o *http.PushOptions) error    { return w.push(target, o) }
func (w fp) Push(target string, o *http.PushOptions) error   { return w.push(target, o) }
func (w hp) Push(target string, o *http.PushOptions) error   { return w.push(target, o) }
func (w fhp) Push(target string, o *http.PushOptions) error  { return w.push(target, o) }
func (w rp) Push(target string, o *http.PushOptions) error   { return w.push(target, o) }
func (w frp) Push(target string, o *http.PushOptions) error  { return w.push(target, o) }
func (w hrp) Push(target string, o *http.PushOptions) error  { return w.push(target, o) }
func (w fhrp) Push(target string, o *http.PushOptions) error { return w.push(target, o) }

// shape gives the tap with the optional interfaces of what is under it.
func (t *tap) shape() http.ResponseWriter {
	b := bare{t}
	switch t.abilities() {
	case canFlush:
		return f{b}
	case canHijack:
		return h{b}
	case canFlush | canHijack:
		return fh{f{b}}
	case canReadFrom:
		return r{b}
	case canFlush | canReadFrom:
		return fr{f{b}}
	case canHijack | canReadFrom:
		return hr{h{b}}
	case canFlush | canHijack | canReadFrom: // HTTP/1.1
		return fhr{fh{f{b}}}
	case canPush:
		return p{b}
	case canFlush | canPush: // HTTP/2
		return fp{f{b}}
	case canHijack | canPush:
		return hp{h{b}}
	case canFlush | canHijack | canPush:
		return fhp{fh{f{b}}}
	case canReadFrom | canPush:
		return rp{r{b}}
	case canFlush | canReadFrom | canPush:
		return frp{fr{f{b}}}
	case canHijack | canReadFrom | canPush:
		return hrp{hr{h{b}}}
	case canFlush | canHijack | canReadFrom | canPush:
		return fhrp{fhr{fh{f{b}}}}
	}
	return b
}

const (
	canFlush = 1 << iota
	canHijack
	canReadFrom
	canPush
)

func (t *tap) abilities() int {
	can := 0
	if _, ok := t.w.(http.Flusher); ok {
		can |= canFlush
	}
	if _, ok := t.w.(http.Hijacker); ok {
		can |= canHijack
	}
	if _, ok := t.w.(io.ReaderFrom); ok {
		can |= canReadFrom
	}
	if _, ok := t.w.(http.Pusher); ok {
		can |= canPush
	}
	return can
}
