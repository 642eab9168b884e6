package certificates

import (
	"crypto/tls"
	"net"
	"testing"

	"github.com/quic-go/quic-go"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

// The same configuration serves QUIC: by host name, with client certificates, and not where the host has no HTTP/3.
func TestQUIC(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.serving("a", "b")
	with, without := at("a.pem"), at("b.pem")
	with.Protocols, without.Protocols = endpoint.HTTP3, endpoint.HTTP1AndHTTP2
	ca := issue(t, "clients", newKey(t), nil, asCA)
	good := issue(t, "good", newKey(t), ca, forClient).tls()
	asks := with
	asks.Clients = mode(RequireCertificate)
	o := f.options()
	o.ClientCAs = ca.pool()
	config, err := Config(Endpoint{SNI: map[string]Settings{"a": with, "b": without, "asks": asks}}, o)
	must(t, err)
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	defer packets.Close()
	l, err := quic.Listen(packets, config, nil)
	must(t, err)
	defer l.Close()
	accepted := make(chan *quic.Conn)
	go func() {
		defer close(accepted)
		for {
			conn, err := l.Accept(t.Context()) // a handshake that is refused does not come here
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	for _, c := range []struct {
		name string
		show *tls.Certificate
		want string
	}{
		{"a", nil, "a"}, {"A", nil, "a"}, {"b", nil, "refused"}, {"elsewhere", nil, "refused"}, {"asks", &good, "a for good"}, {"asks", nil, "refused"},
	} {
		client := showing(asking(c.name), c.show, tls.VersionTLS13)
		client.NextProtos = []string{"h3"}
		if got := shownByQUIC(t, packets.LocalAddr(), client, accepted); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// shownByQUIC is the name of the server, and that of the client as the server sees it.
func shownByQUIC(t *testing.T, addr net.Addr, client *tls.Config, accepted <-chan *quic.Conn) string {
	t.Helper()
	conn, err := quic.DialAddr(t.Context(), addr.String(), client, nil)
	if err != nil {
		return "refused"
	}
	defer conn.CloseWithError(0, "")
	name := conn.ConnectionState().TLS.PeerCertificates[0].Subject.CommonName
	select {
	case there := <-accepted:
		if certs := there.ConnectionState().TLS.PeerCertificates; len(certs) > 0 {
			name += " for " + certs[0].Subject.CommonName
		}
		return name
	case <-conn.Context().Done(): // the server wanted a certificate
		return "refused"
	}
}
