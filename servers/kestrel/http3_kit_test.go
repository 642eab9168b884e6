package kestrel

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/quic-go/quic-go"
	h3 "github.com/quic-go/quic-go/http3"
)

// http3Running is a server on UDP alone, and what its clients need.
type http3Running struct {
	*Server
	addr  *net.UDPAddr
	url   string
	tls   *tls.Config // for clients
	ended chan error  // what ServePackets returns
}

func startHTTP3(t testing.TB, s *Server, change ...func(*tls.Config)) *http3Running {
	t.Helper()
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	config, client := http3Certificate()
	for _, f := range change {
		f(config)
	}
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	r := &http3Running{Server: s, addr: c.LocalAddr().(*net.UDPAddr), tls: client, ended: make(chan error, 1)}
	r.url = "https://" + r.addr.String()
	go func() { r.ended <- s.ServePackets(c, Binding{TLS: config}) }()
	t.Cleanup(func() {
		s.Close()
		<-r.ended
	})
	return r
}

// http3Certificate gives the certificate of package httptest, and who trusts it.
func http3Certificate() (server, client *tls.Config) {
	example := httptest.NewTLSServer(nil)
	example.Close()
	transport := example.Client().Transport.(*http.Transport)
	return &tls.Config{Certificates: example.TLS.Certificates}, &tls.Config{RootCAs: transport.TLSClientConfig.RootCAs}
}

// client is one connection, which a test closes by closing its transport.
func (r *http3Running) client(t testing.TB) *http.Client {
	t.Helper()
	transport := &h3.Transport{TLSClientConfig: r.tls.Clone()}
	t.Cleanup(func() { transport.Close() })
	return &http.Client{Transport: transport, Timeout: limit}
}

// dial is a bare QUIC connection.
func (r *http3Running) dial(t testing.TB) (*quic.Transport, *quic.Conn) {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	transport := &quic.Transport{Conn: newQUICSocket(c)}
	config := r.tls.Clone()
	config.NextProtos = []string{"h3"}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	conn, err := transport.Dial(ctx, r.addr, config, &quic.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.CloseWithError(0x100, "")
		transport.Close()
		c.Close()
	})
	return transport, conn
}

// fetch makes a request and reads the answer.
func fetch(t testing.TB, c *http.Client, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("after %s and %d bytes: %v", resp.Status, len(body), err)
	}
	return resp, string(body)
}

func request(t testing.TB, method, url string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// isReset reports whether a client got a stream or a connection cut off.
func isReset(err error) bool {
	_, byStream := errors.AsType[*h3.Error](err)
	_, byConn := errors.AsType[*quic.ApplicationError](err)
	return byStream || byConn
}
