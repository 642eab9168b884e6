package servertest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"reflect"
	"strings"

	"github.com/gorun-dev/gorun/servers/feature"
	"github.com/gorun-dev/gorun/servers/limits"
)

// telling gives a handler that writes what tell makes of the feature T, or that there is none.
func telling[T any](tell func(*http.Request, T) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f, ok := feature.Get[T](r.Context())
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, "there is no ", reflect.TypeFor[T]())
			return
		}
		io.WriteString(w, tell(r, f))
	}
}

// featureCases are about package feature (reference: servers.md, 5).
func featureCases() group {
	id := telling(func(_ *http.Request, c feature.Connection) string { return c.ID })
	return group{
		"feature/server-name": func(e *env) {
			s := e.serve(telling(func(_ *http.Request, f feature.Server) string { return f.Name }))
			s.get("/").want(e, 200, e.target.Name)
		},
		"feature/addresses": func(e *env) { // with the port that was bound
			s := e.serve(telling(func(_ *http.Request, f feature.Server) string { return strings.Join(f.Addresses, " ") }))
			s.get("/").want(e, 200, s.url())
		},
		"feature/local-and-remote": func(e *env) {
			s := e.serve(telling(func(r *http.Request, c feature.Connection) string {
				return fmt.Sprint(c.Local, " ", c.Remote.String() == r.RemoteAddr)
			}))
			s.get("/").want(e, 200, host(e, s.url())+" true")
		},
		"feature/connection-id-stays": func(e *env) {
			s := e.serve(id)
			first := s.get("/")
			if first.body == "" {
				e.Error("it is empty")
			}
			s.get("/").want(e, 200, first.body)
		},
		"feature/connection-id-differs": func(e *env) {
			s := e.serve(id)
			first := s.get("/")
			s.client = s.newClient()
			if second := s.get("/"); first.StatusCode != 200 || second.body == first.body {
				e.Errorf("two connections: %d %q and %q", first.StatusCode, first.body, second.body)
			}
		},
		"feature/tls": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				f, ok := feature.Get[feature.TLS](r.Context())
				fmt.Fprint(w, ok, " ", f.State.HandshakeComplete, " ", r.TLS != nil, " ", f.ClientCertificate() != nil)
			})
			is := e.protocol.hasTLS()
			s.get("/").want(e, 200, fmt.Sprint(is, is, is, false))
		},
		"feature/upgrade": func(e *env) { // nobody asks for it here
			s := e.serve(telling(func(_ *http.Request, u feature.Upgrade) string { return fmt.Sprint(u.IsUpgradable()) }))
			s.get("/").want(e, 200, "false")
		},
		"feature/trailers": func(e *env) {
			s := e.serve(telling(func(_ *http.Request, f feature.Trailers) string { return fmt.Sprint(f.IsSupported()) }))
			s.get("/").want(e, 200, "true")
		},
		"feature/data-rates": func(e *env) {
			s := e.serve(telling(func(r *http.Request, f feature.DataRates) string {
				f.SetMinRequestBodyDataRate(limits.DataRate{BytesPerSecond: -1})
				f.SetMinResponseDataRate(limits.DataRate{BytesPerSecond: -1})
				body, err := io.ReadAll(r.Body)
				return fmt.Sprint(string(body), " ", err)
			}))
			s.post("/", "hello").want(e, 200, "hello <nil>")
		},
		"feature/own-in-context": func(e *env) { // what the app puts into Run's context is a feature for every request
			type greeting string
			s := e.serve(telling(func(_ *http.Request, g greeting) string { return string(g) }),
				func(c *Config) { c.Context = feature.With(c.Context, greeting("hello")) })
			s.get("/").want(e, 200, "hello")
		},
		"address/remote": func(e *env) {
			local := make(chan net.Addr, 1)
			s := e.serve(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RemoteAddr) })
			req := s.request(http.MethodGet, "/", nil)
			trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { local <- info.Conn.LocalAddr() }}
			a := s.do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
			a.want(e, 200, (<-local).String())
		},
		"address/local": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, r.Context().Value(http.LocalAddrContextKey))
			})
			s.get("/").want(e, 200, host(e, s.url()))
		},
		"address/proto": func(e *env) {
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, r.Proto, " ", r.ProtoMajor, " ", r.ProtoMinor)
			})
			s.get("/").want(e, 200, map[protocol]string{http1: "HTTP/1.1 1 1", http2: "HTTP/2.0 2 0", http3: "HTTP/3.0 3 0"}[e.protocol])
		},
	}
}
