package servertest

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"

	"github.com/gorun-dev/gorun/servers/feature"
)

// tlsCases are about https with either protocol. The client is the one of HTTP/1.1 unless it says otherwise.
func tlsCases() group {
	https := func(c *Config) { c.URLs = []string{"https://127.0.0.1:0"} }
	state := func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil {
			io.WriteString(w, "no TLS")
			return
		}
		fmt.Fprintf(w, "%s %s %q", r.Proto, tls.VersionName(r.TLS.Version), r.TLS.NegotiatedProtocol)
	}
	shake := func(s *site, edit func(*tls.Config)) *tls.Conn {
		s.Helper()
		config := s.certificate.client()
		edit(config)
		d := tls.Dialer{Config: config}
		c, err := d.DialContext(s.ctx, "tcp", host(s.env, s.url()))
		if err != nil {
			s.Fatal(err)
		}
		return c.(*tls.Conn)
	}
	ask := func(edit func(*tls.Config), want string) func(*env) {
		return func(e *env) {
			s := e.serve(state, https)
			s.wire(shake(s, edit)).ask("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").want(e, 200, want)
		}
	}
	return group{
		"1.2": ask(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, `HTTP/1.1 TLS 1.2 ""`),
		"1.3": ask(func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }, `HTTP/1.1 TLS 1.3 ""`),
		"1.2-h2": func(e *env) {
			e.protocol = http2
			s := e.serve(state)
			s.client.Transport.(*http.Transport).TLSClientConfig.MaxVersion = tls.VersionTLS12
			s.get("/").want(e, 200, `HTTP/2.0 TLS 1.2 "h2"`)
		},
		"alpn-http1": ask(func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }, `HTTP/1.1 TLS 1.3 "http/1.1"`),
		"alpn-h2-first": func(e *env) {
			s := e.serve(state, https)
			c := shake(s, func(c *tls.Config) { c.NextProtos = []string{"http/1.1", "h2"} })
			defer c.Close()
			want(e, "protocol", c.ConnectionState().NegotiatedProtocol, "h2")
		},
		"too-old": func(e *env) {
			s := e.serve(state, https)
			config := s.certificate.client()
			config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
			if c, err := (&tls.Dialer{Config: config}).DialContext(e.ctx, "tcp", host(e, s.url())); err == nil {
				c.Close()
				e.Error("a connection by TLS 1.1 is served")
			}
		},
		"garbage": func(e *env) { // no handshake, no answer, and the server goes on
			s := e.serve(state, https)
			s.dial().send("\x16\x03\x01\xff\xffgarbage\r\n\r\n")
			s.wire(shake(s, func(*tls.Config) {})).ask("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").want(e, 200, `HTTP/1.1 TLS 1.3 ""`)
		},
		"client-certificate": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				if f, ok := feature.TLSOf(r); ok && f.ClientCertificate() != nil {
					io.WriteString(w, f.ClientCertificate().Subject.CommonName)
				}
			}, https, func(c *Config) {
				c.TLS.ClientAuth, c.TLS.ClientCAs = tls.RequireAndVerifyClientCert, e.certificate.roots
			})
			c := shake(s, func(c *tls.Config) { c.Certificates = []tls.Certificate{e.certificate.pair} })
			s.wire(c).ask("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").want(e, 200, "servertest")
		},
		"client-certificate-missing": func(e *env) {
			s := e.serve(state, https, func(c *Config) { c.TLS.ClientAuth = tls.RequireAnyClientCert })
			c := shake(s, func(*tls.Config) {})
			defer c.Close()
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
			if n, err := c.Read(make([]byte, 100)); err == nil { // in TLS 1.3 the client learns of it here
				e.Errorf("got %d bytes", n)
			}
		},
		"end-of-stream": func(e *env) { // Connection: close ends with close_notify, so nobody can have cut it off
			s := e.serve(state, https)
			w := s.wire(shake(s, func(*tls.Config) {}))
			w.ask("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").want(e, 200, `HTTP/1.1 TLS 1.3 ""`)
			w.closed()
		},
	}
}
