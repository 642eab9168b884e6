package serve

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"
)

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"h"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// startTLS serves TLS on loopback, with h2 and http/1.1 by ALPN.
func startTLS(t *testing.T, s *Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, s, l, Binding{TLS: &tls.Config{Certificates: []tls.Certificate{certificate(t)}, NextProtos: []string{"h2", "http/1.1"}}})
	return l.Addr().String()
}

func dialTLS(t *testing.T, addr, proto string) *client {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{proto}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return &client{t, conn, bufio.NewReader(conn)}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || r.TLS.Version != tls.VersionTLS13 || r.TLS.NegotiatedProtocol != "http/1.1" {
			t.Errorf("r.TLS is %+v", r.TLS)
		}
		readAll(w, r)
	})
	s.Limits.MaxRequestBodySize = 10
	c := dialTLS(t, startTLS(t, s), "http/1.1")
	c.send(post("Content-Length: 5\r\n", "hello") + get("/"))
	if body := c.want(http.StatusOK); body != "HELLO" {
		t.Errorf("body %q", body)
	}
	c.want(http.StatusOK)
	c.send(post("Content-Length: 11\r\n", ""))
	c.refused(http.StatusRequestEntityTooLarge)
}

func TestAnotherProtocolOverTLS(t *testing.T) {
	t.Parallel()
	s := handle(ok)
	s.HTTP2 = func(c net.Conn, _ Binding) {
		io.WriteString(c, "other")
		c.Close()
	}
	c := dialTLS(t, startTLS(t, s), "h2")
	if got, err := io.ReadAll(c.r); string(got) != "other" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	eventually(t, "it counts no more", func() bool { return s.begin().open.Load() == 0 })
}

func TestHandshakeTimeout(t *testing.T) {
	t.Parallel()
	s := handle(ok)
	s.HandshakeTimeout = 20 * time.Millisecond
	c := dial(t, startTLS(t, s))
	c.closed()
	eventually(t, "it counts no more", func() bool { return s.begin().open.Load() == 0 })
}

func TestPlainRequestToTLS(t *testing.T) {
	t.Parallel()
	c := dial(t, startTLS(t, handle(ok)))
	c.send(get("/"))
	rest, _ := io.ReadAll(c.r)
	if len(rest) > 0 && rest[0] != 21 { // a TLS alert, at most
		t.Errorf("got %q", rest)
	}
}

func TestTLSToPlainIs400AtOnce(t *testing.T) {
	t.Parallel()
	c := dial(t, startServer(t, handle(ok)))
	c.send("\x16\x03\x01\x02\x00\x01")
	c.refused(http.StatusBadRequest)
}
