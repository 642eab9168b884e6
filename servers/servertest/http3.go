package servertest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"sync"

	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/feature"
)

// http3Cases are what HTTP/3 has alone: how clients find it, and what a request knows of its connection (reference: servers.md,
// 3.7). The client is quic-go's.
func http3Cases() group {
	hello := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }
	return group{
		"alt-svc/http1": func(e *env) { followAltSvc(e, http1) },
		"alt-svc/http2": func(e *env) { followAltSvc(e, http2) },
		"needs-tls": func(e *env) { // an address that would have to do without is refused
			s, err := e.start(hello, func(c *Config) { c.URLs = []string{"http://127.0.0.1:0"} })
			if err == nil {
				e.Fatalf("it listens on %v", s.running.URLs)
			}
			if _, ok := errors.AsType[*servers.AddressError](err); !ok {
				e.Errorf("got %v, want an AddressError", err)
			}
		},
		"alt-svc/not-unless-asked-for": func(e *env) {
			s := e.serve(hello, func(c *Config) { c.Protocols = endpoint.HTTP1AndHTTP2 })
			a := s.askBy(http2)
			a.wantBy(e, "HTTP/2.0", "hello")
			want(e, "Alt-Svc", a.Header.Get("Alt-Svc"), "")
			ctx, cancel := context.WithTimeout(e.ctx, soon)
			defer cancel()
			if a := s.asksByHTTP3(ctx, s.url()); a.cut == nil {
				e.Errorf("by HTTP/3: got %d %q", a.StatusCode, a.body)
			}
		},
		"alone": func(e *env) { // an endpoint without the others opens no TCP port
			s := e.serve(hello, func(c *Config) { c.Protocols = endpoint.HTTP3 })
			s.get("/").wantBy(e, "HTTP/3.0", "hello")
			if c, err := s.connect(s.url()); err == nil {
				c.Close()
				e.Error("it listens on TCP, too")
			}
		},
		"beside-the-others": func(e *env) { // on one port
			s := e.serve(hello)
			for p, want := range map[protocol]string{http1: "HTTP/1.1", http2: "HTTP/2.0"} {
				s.askBy(p).wantBy(e, want, "hello")
			}
			s.get("/").wantBy(e, "HTTP/3.0", "hello")
		},
		"localhost": func(e *env) { // is both loopback addresses, for UDP, too
			s := e.serve(hello, func(c *Config) { c.URLs = []string{"https://localhost:0"} })
			a := s.asksByHTTP3(e.ctx, "https://127.0.0.1:"+port(e, s.url()))
			a.wantBy(e, "HTTP/3.0", "hello")
		},
		"tls/version": func(e *env) {
			s := e.serve(telling(func(r *http.Request, f feature.TLS) string {
				return fmt.Sprint(tls.VersionName(f.State.Version), " ", f.State.NegotiatedProtocol, " ", r.TLS.NegotiatedProtocol)
			}))
			s.get("/").want(e, 200, "TLS 1.3 h3 h3")
		},
		"tls/client-certificate": func(e *env) {
			s := e.serve(telling(func(_ *http.Request, f feature.TLS) string { return f.ClientCertificate().Subject.CommonName }),
				func(c *Config) {
					c.TLS.ClientAuth, c.TLS.ClientCAs = tls.RequireAndVerifyClientCert, e.certificate.roots
				})
			show := func(c *tls.Config) { c.Certificates = []tls.Certificate{e.certificate.pair} }
			s.asksByHTTP3(e.ctx, s.url(), show).want(e, 200, "servertest")
			if a := s.asksByHTTP3(e.ctx, s.url()); a.cut == nil {
				e.Errorf("without a certificate: got %d %q", a.StatusCode, a.body)
			}
		},
		"tls/other-protocol": func(e *env) { // the name of another protocol is no way in, nor is none
			s := e.serve(hello)
			for _, names := range [][]string{{"h2", "http/1.1"}, nil} {
				config := e.certificate.client()
				config.NextProtos = names
				if c, err := newQUICDialer(e).dial(e.ctx, host(e, s.url()), config, nil); err == nil {
					c.CloseWithError(0, "")
					e.Errorf("%v: a connection is served", names)
				}
			}
			s.get("/").wantBy(e, "HTTP/3.0", "hello")
		},
		"streams/over-the-limit": func(e *env) { // 100 at once: further requests of the client wait
			var mu sync.Mutex
			running, most := 0, 0
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				running++
				most = max(most, running)
				mu.Unlock()
				io.WriteString(w, "done")
				http.NewResponseController(w).Flush()
				mu.Lock()
				running--
				mu.Unlock()
			})
			var clients sync.WaitGroup
			for range 300 {
				clients.Go(func() {
					if a := s.try(s.request(http.MethodGet, "/", nil)); a.body != "done" {
						e.Errorf("got %q, %v", a.body, a.cut)
					}
				})
			}
			clients.Wait()
			mu.Lock() // handlers may still be about to return
			defer mu.Unlock()
			if most > 100 {
				e.Errorf("%d requests at once on one connection, want 100 at most", most)
			}
		},
		"garbage": func(e *env) { // that is no packet of QUIC is no reason to stop
			s := e.serve(hello)
			c := mustDial(e, "udp4", host(e, s.url()))
			defer c.Close()
			for _, text := range []string{"\x00", "garbage\r\n\r\n", "\xc0\x00\x00\x00\x01" + string(make([]byte, 1300)), string(make([]byte, 1472))} {
				io.WriteString(c, text)
			}
			s.get("/").wantBy(e, "HTTP/3.0", "hello")
		},
	}
}

// askBy sends a request to the first address by a protocol that the case's client does not speak.
func (s *site) askBy(p protocol) answer {
	s.Helper()
	a := try(s.clientBy(s.tcpTransport(p)), s.request(http.MethodGet, "/", nil))
	if a.cut != nil {
		s.Fatalf("by %s: %v", p, a.cut)
	}
	return a
}

// wantBy compares an answer that came with 200 by a version of HTTP.
func (a answer) wantBy(e *env, proto, body string) {
	e.Helper()
	a.want(e, 200, body)
	want(e, "protocol", a.Proto, proto)
}

var altSvc = regexp.MustCompile(`^h3=":([0-9]+)"(; ma=[0-9]+)?$`)

// followAltSvc has a client that comes by TCP told of HTTP/3, and find it there (RFC 7838, 3).
func followAltSvc(e *env, p protocol) {
	s := e.serve(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	a := s.askBy(p)
	a.wantBy(e, map[protocol]string{http1: "HTTP/1.1", http2: "HTTP/2.0"}[p], "hello")
	found := altSvc.FindStringSubmatch(a.Header.Get("Alt-Svc"))
	if found == nil {
		e.Fatalf("Alt-Svc is %q", a.Header.Get("Alt-Svc"))
	}
	s.asksByHTTP3(e.ctx, "https://"+net.JoinHostPort("127.0.0.1", found[1])).wantBy(e, "HTTP/3.0", "hello")
}
