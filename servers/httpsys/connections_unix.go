//go:build unix

package httpsys

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/wire"
	"github.com/gorun-dev/gorun/servers/kestrel"
)

// admit serves a connection that the broker has handed over.
func (c *client) admit(f wire.Frame) {
	if f.Lost {
		c.log.Warn("a connection is lost: this process has too many open files")
		return
	}
	h, err := wire.ParseHandover(f.Payload)
	if err != nil {
		f.Close()
		c.log.Error("the broker has sent a connection that cannot be read", slog.Any("error", err))
		return
	}
	conn, err := wire.NetConn(f.FD)
	if err != nil {
		c.log.Warn("a connection that was handed over cannot be used", slog.Any("error", err))
		return
	}
	var b kestrel.Binding
	if h.Encrypted {
		b = c.tls.Load().binding()
	} else {
		b.Protocols = http1
	}
	if h.Meta != nil {
		conn = describe(conn, h.Meta)
	}
	_ = c.kestrel.ServeConnAfter(conn, h.Read, b) // a server that stops closes it
}

// isElsewhere reports whether the request with this head is another server's, or nobody's. It is called for each request.
func (c *client) isElsewhere(conn net.Conn, host, path []byte) bool {
	scheme := "http"
	if d, ok := conn.(*kestrel.Described); ok && d.TLS != nil {
		scheme = "https"
	}
	return c.routes.Load().of(scheme, host, conn.LocalAddr(), path) == nil
}

// handBack gives a connection to the broker, which knows whose its next request is. Without a broker the request is answered
// that nobody is there.
func (c *client) handBack(conn net.Conn, unread []byte) {
	defer conn.Close()
	s := c.session.Load()
	if (s == nil || s.giveBack(conn, unread) != nil) && len(unread) > 0 {
		unavailable(conn)
	}
}

// giveBack sends the descriptor of conn, which stays open here.
func (s *session) giveBack(conn net.Conn, unread []byte) error {
	back := wire.Handback{Read: unread}
	if d, ok := conn.(*kestrel.Described); ok {
		back.Meta = metaOf(d.Remote, d.Local, d.TLS)
		conn = d.Conn
	}
	payload, err := back.Append(nil)
	if err != nil {
		return err
	}
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	err = raw.Control(func(fd uintptr) {
		sent = s.conn.Send(wire.Frame{Kind: wire.KindBack, Payload: payload, FD: int(fd)})
	})
	if err != nil {
		return err
	}
	return sent
}

// unavailable answers a request of which nothing was answered, and ends the stream. What the client still sends is read for a
// while: closing before would have the system destroy the answer.
func unavailable(conn net.Conn) {
	conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := io.WriteString(conn, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"); err != nil {
		return
	}
	if w, ok := conn.(interface{ CloseWrite() error }); ok && w.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, onlyReader{conn})
	}
}

// onlyReader keeps io.Copy from splicing.
type onlyReader struct{ io.Reader }

// describe has requests on conn see the client that it stands for.
func describe(conn net.Conn, m *wire.Meta) *kestrel.Described {
	return &kestrel.Described{Conn: conn, Remote: tcpAddr(m.Remote), Local: tcpAddr(m.Local), TLS: stateOf(m.TLS)}
}

// tcpAddr gives nil for what is no address.
func tcpAddr(text string) net.Addr {
	at, err := netip.ParseAddrPort(text)
	if err != nil {
		return nil
	}
	return net.TCPAddrFromAddrPort(at)
}

func stateOf(t *wire.TLSState) *tls.ConnectionState {
	if t == nil {
		return nil
	}
	state := &tls.ConnectionState{
		HandshakeComplete: true, Version: t.Version, CipherSuite: t.CipherSuite, ServerName: t.ServerName,
		NegotiatedProtocol: t.Protocol, DidResume: t.Resumed,
	}
	for _, der := range t.Peers {
		if certificate, err := x509.ParseCertificate(der); err == nil { // the broker has read them before
			state.PeerCertificates = append(state.PeerCertificates, certificate)
		}
	}
	return state
}

// metaOf describes a client. Hops says that it has gone through this process.
func metaOf(remote, local net.Addr, t *tls.ConnectionState) *wire.Meta {
	m := &wire.Meta{Hops: 1}
	if remote != nil {
		m.Remote = remote.String()
	}
	if local != nil {
		m.Local = local.String()
	}
	if t == nil {
		return m
	}
	m.TLS = &wire.TLSState{
		Version: t.Version, CipherSuite: t.CipherSuite, ServerName: t.ServerName, Protocol: t.NegotiatedProtocol, Resumed: t.DidResume,
	}
	for _, certificate := range t.PeerCertificates {
		m.TLS.Peers = append(m.TLS.Peers, certificate.Raw)
	}
	return m
}
