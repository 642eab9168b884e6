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
	hasTLS := func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.TLS != nil) }
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
	only12 := func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }
	only13 := func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }
	http11 := func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }
	const get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
	speaks := func(edit func(*tls.Config), version uint16, protocol string) func(*env) {
		return func(e *env) {
			s := e.serve(hasTLS, https)
			c := shake(s, edit)
			s.wire(c).ask(get).want(e, 200, "true")
			want(e, "version", tls.VersionName(c.ConnectionState().Version), tls.VersionName(version))
			want(e, "protocol", c.ConnectionState().NegotiatedProtocol, protocol)
		}
	}
	told := func(edit func(*tls.Config), want string) func(*env) { // to the handler
		return func(e *env) {
			s := e.serve(state, https)
			s.wire(shake(s, edit)).ask(get).want(e, 200, want)
		}
	}
	by12 := func(e *env, h http.HandlerFunc) answer { // and HTTP/2
		e.protocol = http2
		s := e.serve(h)
		s.client.Transport.(*http.Transport).TLSClientConfig.MaxVersion = tls.VersionTLS12
		return s.get("/")
	}
	return group{
		"1.2":             speaks(only12, tls.VersionTLS12, ""),
		"1.3":             speaks(only13, tls.VersionTLS13, ""),
		"alpn-http1":      speaks(http11, tls.VersionTLS13, "http/1.1"),
		"told-1.2":        told(only12, `HTTP/1.1 TLS 1.2 ""`),
		"told-1.3":        told(only13, `HTTP/1.1 TLS 1.3 ""`),
		"told-alpn-http1": told(http11, `HTTP/1.1 TLS 1.3 "http/1.1"`),
		"1.2-h2": func(e *env) {
			a := by12(e, hasTLS)
			a.want(e, 200, "true")
			want(e, "protocol", a.Proto, "HTTP/2.0")
			want(e, "version", tls.VersionName(a.TLS.Version), "TLS 1.2")
		},
		"told-1.2-h2": func(e *env) { by12(e, state).want(e, 200, `HTTP/2.0 TLS 1.2 "h2"`) },
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
			s := e.serve(hasTLS, https)
			s.dial().send("\x16\x03\x01\xff\xffgarbage\r\n\r\n")
			s.wire(shake(s, func(*tls.Config) {})).ask(get).want(e, 200, "true")
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
			s := e.serve(hasTLS, https)
			w := s.wire(shake(s, func(*tls.Config) {}))
			w.ask("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").want(e, 200, "true")
			w.closed()
		},
	}
}
