package servertest

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/quic-go/quic-go"
	h3 "github.com/quic-go/quic-go/http3"
)

// quicTransport gives a client of HTTP/3 with a connection of its own, which edit may change.
func (s *site) quicTransport(edit ...func(*tls.Config)) *h3.Transport {
	s.Helper()
	config := s.certificate.client()
	for _, f := range edit {
		f(config)
	}
	dialer := newQUICDialer(s.env)
	transport := &h3.Transport{
		TLSClientConfig: config, DisableCompression: true, Dial: dialer.dial,
		QUICConfig: &quic.Config{HandshakeIdleTimeout: limit, MaxIdleTimeout: 2 * limit},
	}
	s.Cleanup(func() { transport.Close() })
	return transport
}

// asksByHTTP3 sends one request by HTTP/3 on a new connection and gives its answer.
func (s *site) asksByHTTP3(ctx context.Context, url string, edit ...func(*tls.Config)) answer {
	s.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		s.Fatal(err)
	}
	return try(s.clientBy(s.quicTransport(edit...)), req)
}

// quicDialer opens connections from one socket on the loopback.
type quicDialer struct{ transport *quic.Transport }

func newQUICDialer(e *env) quicDialer {
	e.Helper()
	conn := listenPackets(e)
	transport := &quic.Transport{Conn: plainPackets{conn}}
	e.Cleanup(func() {
		transport.Close()
		conn.Close()
	})
	return quicDialer{transport}
}

func (d quicDialer) dial(ctx context.Context, addr string, config *tls.Config, c *quic.Config) (*quic.Conn, error) {
	to, err := net.ResolveUDPAddr("udp4", addr)
	if err != nil {
		return nil, err
	}
	return d.transport.Dial(ctx, to, config, c)
}

// listenPackets opens a UDP socket for a client. The TCP port with its number is held, too: servers of other cases look for a
// number that is free for both, and the system tells them of TCP alone.
func listenPackets(e *env) net.PacketConn {
	e.Helper()
	for range 20 {
		l := mustListen(e)
		conn, err := net.ListenPacket("udp4", l.Addr().String())
		if err == nil {
			return conn
		}
	}
	e.Fatal("no port is free for both TCP and UDP")
	panic("not reached")
}

// plainPackets keeps quic-go from asking for larger buffers, and from printing that it did not get them.
type plainPackets struct{ net.PacketConn }

func (plainPackets) SetReadBuffer(int) error  { return nil }
func (plainPackets) SetWriteBuffer(int) error { return nil }

// soon is for what must not happen: long enough for it on a machine that does little else.
const soon = 300 * time.Millisecond
