package serve

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

// DefaultHandshakeTimeout is Kestrel's (reference: servers.md, 3.1).
const DefaultHandshakeTimeout = 10 * time.Second

// prepare has middleware and TLS done with, and finds out which protocol the connection speaks.
func (k *core) prepare(raw net.Conn, b Binding, m *measure) {
	c, err := k.ready(raw, b, m)
	if err != nil {
		k.log.Debug("connection refused", slog.Any("error", err), slog.String("remote", raw.RemoteAddr().String()))
		raw.Close() // the one below TLS: closing that would wait for a client that may be gone
		k.open.Add(-1)
		m.closed(err)
		return
	}
	if k.speaksHTTP2(c, b) {
		m.speaks("2")
		k.server.HTTP2(c, b)
		k.open.Add(-1)
		m.closed(nil)
		return
	}
	k.enqueue(c, b, m)
}

// ready gives the connection on which HTTP is spoken.
func (k *core) ready(raw net.Conn, b Binding, m *measure) (c net.Conn, err error) {
	defer func() {
		if e := recover(); e != nil { // of the program's: middleware, or what its tls.Config calls
			k.panicked(raw.RemoteAddr().String(), e)
			err = errPanicked
		}
	}()
	timeout := k.server.HandshakeTimeout
	if timeout <= 0 {
		timeout = DefaultHandshakeTimeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if !k.watchOver(raw) {
		return nil, errDismissed
	}
	defer k.leaveAlone(raw)
	// A client that does not come to an end is cut off, whatever it is that waits for it.
	defer context.AfterFunc(ctx, func() { raw.SetDeadline(past) })()
	if c, err = k.middleware(raw); err != nil {
		return nil, err
	}
	if b.TLS != nil {
		t := tls.Server(c, b.TLS)
		ended := m.handshake()
		err := t.HandshakeContext(ctx)
		ended(t.ConnectionState().Version, err)
		if err != nil {
			return nil, err
		}
		return t, k.agreed(t, b)
	}
	if k.priorKnowledge(b) {
		return k.preface(c)
	}
	return c, nil
}

var errPanicked = errors.New("panic before the first request")

// agreed refuses a client that does not speak what is served: one without ALPN speaks HTTP/1.1.
func (k *core) agreed(t *tls.Conn, b Binding) error {
	if !b.Protocols.Has(endpoint.HTTP1) && t.ConnectionState().NegotiatedProtocol != "h2" {
		return errors.New("the client does not offer HTTP/2, which alone is served")
	}
	return nil
}

func (k *core) middleware(accepted net.Conn) (net.Conn, error) {
	c := accepted
	for _, f := range k.server.Middleware {
		next, err := f(c)
		if err == nil && next == nil {
			err = errors.New("middleware gave no connection")
		}
		if err != nil {
			return nil, err
		}
		c = next
	}
	itself, _ := unreplayed(accepted)
	if d, ok := itself.(*Described); ok && c != accepted {
		return d.as(c), nil
	}
	return c, nil
}

// watchOver has the connection closed when the server stops. It reports false when that has begun.
func (k *core) watchOver(raw net.Conn) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopping.Load() {
		return false
	}
	k.shaking[raw] = struct{}{}
	return true
}

func (k *core) leaveAlone(raw net.Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.shaking, raw)
}

// priorKnowledge reports whether clients speak HTTP/2 without TLS.
func (k *core) priorKnowledge(b Binding) bool {
	return k.server.HTTP2 != nil && b.TLS == nil && b.Protocols == endpoint.HTTP2
}

func (k *core) speaksHTTP2(c net.Conn, b Binding) bool {
	if t, ok := c.(*tls.Conn); ok {
		return k.server.HTTP2 != nil && t.ConnectionState().NegotiatedProtocol == "h2"
	}
	return k.priorKnowledge(b)
}

// http2Preface is what a client that speaks HTTP/2 sends first (RFC 9113, 3.4).
const http2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// preface reads the beginning of a connection without TLS. A client that speaks HTTP/1.x is told what it got wrong.
func (k *core) preface(c net.Conn) (net.Conn, error) {
	first := make([]byte, 0, 512)
	for {
		n, err := c.Read(first[len(first):cap(first)])
		first = first[:len(first)+n]
		known := min(len(first), len(http2Preface))
		switch line, _, whole := bytes.Cut(first, []byte("\n")); {
		case known == len(http2Preface) && string(first[:known]) == http2Preface:
			return &replayed{Conn: c, first: first}, nil
		case string(first[:known]) == http2Preface[:known]:
		case whole && bytes.Contains(line, []byte(" HTTP/1.")):
			k.tellNotHTTP2(c)
			return nil, errNotHTTP2
		case whole || len(first) == cap(first) || !isToken[first[0]]:
			return nil, errNotHTTP2
		}
		if err != nil {
			return nil, err
		}
	}
}

// tellNotHTTP2 answers, and lets the client read the answer before the connection is closed: what it has sent behind would
// make the system destroy it.
func (k *core) tellNotHTTP2(c net.Conn) {
	c.Write(faultNotHTTP2.answer(k.server.ServerHeader))
	closeWrite(c)
	c.SetReadDeadline(time.Now().Add(time.Second))
	io.Copy(io.Discard, onlyReader{c})
}

var errNotHTTP2 = errors.New("not HTTP/2, which alone is served")
