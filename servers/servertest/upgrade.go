package servertest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gorun-dev/gorun/servers/feature"
)

// webSocket asks for an upgrade, with the key of RFC 6455, 1.3.
const webSocket = "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// upgradeCases are about connections that handlers take over.
func upgradeCases() group {
	return group{
		"websocket": func(e *env) {
			w := e.serve(echoFrames(e)).dial()
			w.talk(10)
			writeFrame(w, opClose, nil, true)
			w.closed()
		},
		"websocket-after-a-request": func(e *env) {
			h := echoFrames(e)
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/chat" {
					h(w, r)
					return
				}
				whoAsks(w, r)
			})
			w := s.dial()
			w.ask(ask("/1")).want(e, 200, "/1")
			w.talk(2)
		},
		"frame-with-the-request": func(e *env) { // what came with the head is in the reader that Hijack gives
			w := e.serve(echoFrames(e)).dial()
			var frame strings.Builder
			writeFrame(&frame, opText, []byte("early"), true)
			w.send("%s", webSocket+frame.String())
			w.head()
			if _, payload, err := readFrame(w.in); err != nil || string(payload) != "early" {
				e.Errorf("got %q, %v", payload, err)
			}
		},
		"no-limits-after-upgrade": func(e *env) { // it may be silent for longer than an idle connection, or a head
			h := echoFrames(e)
			s := e.serve(h, func(c *Config) {
				c.Limits.KeepAliveTimeout, c.Limits.RequestHeadersTimeout = 100*time.Millisecond, 100*time.Millisecond
			})
			w := s.dial()
			w.talk(1)
			s.dial().closed() // an idle connection has been closed meanwhile, and so has the next
			s.dial().closed()
			writeFrame(w, opText, []byte("late"), true)
			if _, payload, err := readFrame(w.in); err != nil || string(payload) != "late" {
				e.Errorf("got %q, %v", payload, err)
			}
		},
		"feature": func(e *env) {
			s := e.serve(telling(func(_ *http.Request, u feature.Upgrade) string { return fmt.Sprint(u.IsUpgradable()) }))
			w := s.dial()
			w.ask(webSocket).want(e, 200, "true")
			w.ask(ask("/")).want(e, 200, "false")
		},
		"limit": func(e *env) { // one more is refused
			h := echoFrames(e)
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/chat" {
					h(w, r)
					return
				}
				c, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				defer c.Close()
				io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			}, func(c *Config) { c.Limits.MaxConcurrentUpgradedConnections = 1 })
			s.dial().talk(1)
			want(e, "status", s.dial().ask(strings.Replace(webSocket, "/chat", "/more", 1)).StatusCode, 503)
		},
		"limit-told": func(e *env) { // Hijack fails, and the handler may say so
			h := echoFrames(e)
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Upgrade") == "websocket" {
					h(w, r)
					return
				}
				if u, ok := feature.Get[feature.Upgrade](r.Context()); !ok || u.IsUpgradable() {
					e.Errorf("the feature tells nothing of the limit: %v", ok)
				}
				if _, _, err := http.NewResponseController(w).Hijack(); err != nil {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
			}, func(c *Config) { c.Limits.MaxConcurrentUpgradedConnections = 1 })
			s.dial().talk(1)
			s.dial().ask(strings.Replace(webSocket, "websocket", "other", 1)).want(e, 503, "")
		},
		"not-counted-as-connection": func(e *env) { // an upgraded one makes room for another
			h := echoFrames(e)
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/chat" {
					h(w, r)
					return
				}
				whoAsks(w, r)
			}, func(c *Config) { c.Limits.MaxConcurrentConnections = 1 })
			s.dial().talk(1)
			s.dial().ask(ask("/1")).want(e, 200, "/1")
		},
		"outlives-the-stop": func(e *env) { // hijacked connections are their handler's
			s := e.serve(echoFrames(e))
			w := s.dial()
			w.talk(1)
			if err := s.stop(); err != nil {
				e.Errorf("the server ended with %v", err)
			}
			writeFrame(w, opText, []byte("late"), true)
			if _, payload, err := readFrame(w.in); err != nil || string(payload) != "late" {
				e.Errorf("got %q, %v", payload, err)
			}
		},
		"hijack-after-write-fails-cleanly": func(e *env) { // or gives a connection on which the handler goes on: no panic, no second head
			s := e.serve(func(w http.ResponseWriter, r *http.Request) {
				c, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					e.Errorf("Hijack: %v", err)
					return
				}
				defer c.Close()
				if _, err := io.WriteString(w, "late"); err != http.ErrHijacked {
					e.Errorf("Write after Hijack: %v", err)
				}
				io.WriteString(c, "raw")
			})
			w := s.dial()
			w.send("%s", ask("/"))
			want(e, "bytes", w.rest(), "raw")
		},
	}
}
