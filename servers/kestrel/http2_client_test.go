package kestrel

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	h2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

// listen has s serve b on a port of its own, whose address it gives.
func listen(t testing.TB, s *Server, b Binding) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l, b) }()
	t.Cleanup(func() {
		s.Close()
		<-served
	})
	return l.Addr().String()
}

// cleartext is HTTP/2 by prior knowledge.
func cleartext() Binding { return Binding{Protocols: endpoint.HTTP2} }

// secured is HTTP/2 over TLS, with the certificate of httptest.
func secured() Binding {
	example := httptest.NewTLSServer(nil)
	example.Close()
	return Binding{Protocols: endpoint.HTTP2, TLS: &tls.Config{
		Certificates: example.TLS.Certificates, NextProtos: endpoint.HTTP2.ALPN(), MinVersion: tls.VersionTLS12,
	}}
}

// browser is a client that speaks HTTP/2 alone, and does not look at certificates.
func browser(t testing.TB) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{
		Protocols: protocols, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableCompression: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: limit}
}

// wire is a client that sends frame by frame, with less manners than a browser.
type wire struct {
	testing.TB
	net.Conn
	*h2.Framer
	block bytes.Buffer
	hpack *hpack.Encoder
}

// dialWire connects without TLS, and has exchanged settings when it returns.
func dialWire(t testing.TB, addr string, settings ...h2.Setting) *wire {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return newWire(t, conn, settings...)
}

// dialWireTLS does so with TLS.
func dialWireTLS(t testing.TB, addr string) *wire {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: endpoint.HTTP2.ALPN()})
	if err != nil {
		t.Fatal(err)
	}
	return newWire(t, conn)
}

func newWire(t testing.TB, conn net.Conn, settings ...h2.Setting) *wire {
	t.Helper()
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(limit))
	c := &wire{TB: t, Conn: conn, Framer: h2.NewFramer(conn, conn)}
	c.hpack = hpack.NewEncoder(&c.block)
	c.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	io.WriteString(conn, h2.ClientPreface)
	c.WriteSettings(settings...)
	c.until("settings", func(f h2.Frame) bool {
		s, ok := f.(*h2.SettingsFrame)
		return ok && s.IsAck()
	})
	return c
}

// ask sends a request; fields are names and values, and come after those that every request has.
func (c *wire) ask(stream uint32, method string, ends bool, fields ...string) error {
	return c.WriteHeaders(h2.HeadersFrameParam{
		StreamID: stream, EndHeaders: true, EndStream: ends,
		BlockFragment: c.fields(append([]string{":method", method, ":scheme", "http", ":authority", "h", ":path", "/"}, fields...)...),
	})
}

func (c *wire) fields(fields ...string) []byte {
	c.block.Reset()
	for i := 0; i < len(fields); i += 2 {
		c.hpack.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return c.block.Bytes()
}

// until reads frames to the one that is wanted, and answers settings meanwhile.
func (c *wire) until(what string, wanted func(h2.Frame) bool) h2.Frame {
	c.Helper()
	for {
		f, err := c.ReadFrame()
		if err != nil {
			c.Fatalf("waiting for %s: %v", what, err)
		}
		if s, ok := f.(*h2.SettingsFrame); ok && !s.IsAck() {
			c.WriteSettingsAck()
		}
		if wanted(f) {
			return f
		}
	}
}

// status reads the head of the response of a stream.
func (c *wire) status(stream uint32) string {
	c.Helper()
	return c.until("a response", func(f h2.Frame) bool {
		_, ok := f.(*h2.MetaHeadersFrame)
		return ok && f.Header().StreamID == stream
	}).(*h2.MetaHeadersFrame).PseudoValue("status")
}

// reset waits for RST_STREAM.
func (c *wire) reset(stream uint32) h2.ErrCode {
	c.Helper()
	return c.until("a reset", func(f h2.Frame) bool {
		_, ok := f.(*h2.RSTStreamFrame)
		return ok && f.Header().StreamID == stream
	}).(*h2.RSTStreamFrame).ErrCode
}

// gone waits for the end of the connection, and gives the code of the last GOAWAY.
func (c *wire) gone() (code h2.ErrCode, told bool) {
	c.Helper()
	for {
		f, err := c.ReadFrame()
		if e, ok := err.(net.Error); ok && e.Timeout() {
			c.Fatalf("the connection is still open: %v", err)
		}
		if err != nil {
			return code, told
		}
		if g, ok := f.(*h2.GoAwayFrame); ok {
			code, told = g.ErrCode, true
		}
	}
}
