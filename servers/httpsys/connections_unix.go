//go:build unix

package httpsys

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/wire"
	"github.com/gorun-dev/gorun/servers/kestrel"
)

// arrival is a connection that the broker has sent.
type arrival struct {
	wire.Handover
	conn net.Conn // nil: it cannot be used here
}

// open makes a connection of what has come. That may fail for want of descriptors, and is to be known before it is taken.
func (c *client) open(f wire.Frame) arrival {
	h, err := wire.ParseHandover(f.Payload)
	if err != nil {
		f.Close()
		c.log.Error("the broker has sent a connection that cannot be read", slog.Any("error", err))
		return arrival{}
	}
	if f.FD == 0 { // Lost
		c.unusable(errDescriptors)
		return arrival{}
	}
	conn, err := wire.NetConn(f.FD)
	if err != nil {
		c.unusable(err)
		return arrival{}
	}
	return arrival{h, conn}
}

var errDescriptors = errors.New("this process has too many open files")

// unusable is for a connection that goes back as it came. Many may, so the log has one a minute.
func (c *client) unusable(err error) {
	now := time.Now()
	c.mu.Lock()
	tell := now.Sub(c.toldUnusable) >= time.Minute
	if tell {
		c.toldUnusable = now
	}
	c.mu.Unlock()
	if tell {
		c.log.Warn("a connection that was handed over cannot be used, and goes back to the broker", slog.Any("error", err))
	}
}

// admit serves a connection that was taken.
func (c *client) admit(a arrival) {
	var b kestrel.Binding
	if a.Encrypted {
		b = c.tls.Load().binding()
	} else {
		b.Protocols = http1
	}
	conn := a.conn
	if a.Meta != nil {
		conn = describe(conn, a.Meta)
	}
	_ = c.kestrel.ServeConnAfter(conn, a.Read, b) // a server that stops closes it
}

// isElsewhere reports whether the request with this head is another server's, or nobody's. It is called for each request.
func (c *client) isElsewhere(conn net.Conn, host, path []byte) bool {
	scheme := "http"
	if d, ok := conn.(*kestrel.Described); ok {
		if metaOf(d).Delegated {
			return false
		}
		if d.TLS != nil {
			scheme = "https"
		}
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
		conn, back.Meta = d.Conn, metaOf(d)
		if back.Meta.Delegated {
			back.Queue = s.client.server.Options.RequestQueueName
		}
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

// overflow answers a connection more than may be open, as Http503Verbosity says (reference: servers.md, 4.1). Its first head is
// there: what is read of it is no reason for the system to destroy the answer.
func (c *client) overflow(conn net.Conn) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(overflowWait))
	first := make([]byte, 32<<10)
	n, _ := conn.Read(first)
	const handshake = 22 // of TLS, before which there is nothing to say
	if c.server.Options.Http503Verbosity == Basic || n == 0 || first[0] == handshake {
		if t, ok := conn.(interface{ SetLinger(int) error }); ok {
			_ = t.SetLinger(0)
		}
		return
	}
	text := ""
	if c.server.Options.Http503Verbosity == Full {
		text = "The program has as many connections as it allows.\n"
	}
	fmt.Fprintf(conn, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(text), text)
}

// overflowWait is how long a connection may keep others waiting that is over the limit.
const overflowWait = 10 * time.Millisecond

// onlyReader keeps io.Copy from splicing.
type onlyReader struct{ io.Reader }

// describe has requests on conn see the client that it stands for.
func describe(conn net.Conn, m *wire.Meta) *kestrel.Described {
	return &kestrel.Described{Conn: conn, Remote: tcpAddr(m.Remote), Local: tcpAddr(m.Local), TLS: stateOf(m.TLS), Tag: m}
}

// metaOf gives what describe was given.
func metaOf(d *kestrel.Described) *wire.Meta { return d.Tag.(*wire.Meta) }

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

// metaOfClient describes a client.
func metaOfClient(remote string, local net.Addr, t *tls.ConnectionState) *wire.Meta {
	m := &wire.Meta{Remote: remote}
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
