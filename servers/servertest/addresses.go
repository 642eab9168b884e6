package servertest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/gorun-dev/gorun/servers"
	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/feature"
)

// addressCases are about where a server listens (reference: servers.md, 3.5).
func addressCases() group {
	hello := func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }
	on := func(urls ...string) func(*Config) { return func(c *Config) { c.URLs = urls } }
	return group{
		"ipv4": func(e *env) { e.serve(hello, on("http://127.0.0.1:0")).get("/").want(e, 200, "hello") },
		"ipv6": func(e *env) {
			needIPv6(e)
			e.serve(hello, on("http://[::1]:0")).get("/").want(e, 200, "hello")
		},
		"every-interface": func(e *env) {
			s := e.serve(hello, on("http://*:0"))
			w := s.wire(mustDial(e, "tcp4", "127.0.0.1:"+port(e, s.url())))
			w.ask("GET / HTTP/1.1\r\nHost: any.example\r\n\r\n").want(e, 200, "hello")
		},
		"localhost": func(e *env) { // is both loopback addresses, on one port
			s := e.serve(hello, on("http://localhost:0"))
			addrs := []string{"127.0.0.1"}
			if hasIPv6() {
				addrs = append(addrs, "::1")
			}
			for _, addr := range addrs {
				w := s.wire(mustDial(e, "tcp", net.JoinHostPort(addr, port(e, s.url()))))
				w.ask("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").want(e, 200, "hello")
			}
		},
		"unix": func(e *env) {
			path := unixPath(e)
			s := e.serve(hello, on(unixURL(path)))
			w := s.wire(mustDial(e, "unix", path))
			w.ask("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").want(e, 200, "hello")
			w.ask("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").want(e, 200, "hello")
			if err := s.stop(); err != nil {
				e.Errorf("the server ended with %v", err)
			}
			if _, err := os.Lstat(path); !os.IsNotExist(err) {
				e.Errorf("the socket is left behind: %v", err)
			}
		},
		"unix-left-behind": func(e *env) { // the file of a process that was killed is replaced
			path := unixPath(e)
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
			if err != nil {
				e.Fatal(err)
			}
			l.SetUnlinkOnClose(false)
			l.Close()
			e.serve(hello, on(unixURL(path))).dial().ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").want(e, 200, "hello")
		},
		"unix-feature": func(e *env) {
			path := unixPath(e)
			s := e.serve(telling(func(_ *http.Request, c feature.Connection) string { return fmt.Sprint(c.Local, " ", c.ID != "") }),
				on(unixURL(path)))
			s.dial().ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").want(e, 200, path+" true")
		},
		"path-refused": func(e *env) { // Kestrel has no path base in an address
			_, err := e.start(hello, on("http://127.0.0.1:0/base"))
			if _, ok := errors.AsType[*servers.AddressError](err); !ok {
				e.Errorf("got %v, want an AddressError", err)
			}
		},
		"several": func(e *env) {
			s := e.serve(hello, on("http://127.0.0.1:0", "https://127.0.0.1:0", unixURL(unixPath(e))))
			if len(s.running.URLs) != 3 {
				e.Fatalf("it listens on %v", s.running.URLs)
			}
			s.get("/").want(e, 200, "hello")
			req := s.request(http.MethodGet, "/", nil)
			req.URL.Scheme, req.URL.Host = "https", host(e, s.running.URLs[1])
			s.do(req).want(e, 200, "hello")
			c, err := s.connect(s.running.URLs[2])
			if err != nil {
				e.Fatal(err)
			}
			s.wire(c).ask("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").want(e, 200, "hello")
		},
		"several-told": func(e *env) {
			s := e.serve(telling(func(_ *http.Request, f feature.Server) string { return strings.Join(f.Addresses, " ") }),
				on("http://127.0.0.1:0", "https://127.0.0.1:0", unixURL(unixPath(e))))
			s.get("/").want(e, 200, strings.Join(s.running.URLs, " "))
		},
		"in-use": func(e *env) { // whose error says which address; the others are closed again
			taken, free := mustListen(e), mustListen(e)
			free.Close()
			other := "http://" + free.Addr().String()
			s, err := e.start(hello, on(other, "http://"+taken.Addr().String()))
			if err == nil {
				e.Fatalf("it listens on %v", s.running.URLs)
			}
			if address, ok := errors.AsType[*servers.AddressError](err); !ok || address.URL != "http://"+taken.Addr().String() {
				e.Errorf("got %v, want an AddressError for %v", err, taken.Addr())
			}
			if c, err := net.Dial("tcp", free.Addr().String()); err == nil {
				c.Close()
				e.Error("the other address is still open")
			}
		},
		"all-problems-at-once": func(e *env) {
			first, second := mustListen(e), mustListen(e)
			_, err := e.start(hello, on("http://"+first.Addr().String(), "http://"+second.Addr().String()))
			if err == nil || !strings.Contains(err.Error(), first.Addr().String()) || !strings.Contains(err.Error(), second.Addr().String()) {
				e.Errorf("got %v, want both addresses", err)
			}
		},
	}
}

// unixPath gives a name that fits into a socket's address, which a test's own folder may not.
func unixPath(e *env) string {
	e.Helper()
	dir, err := os.MkdirTemp("", "st")
	if err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.ToSlash(filepath.Join(dir, "s"))
}

func unixURL(path string) string {
	return endpoint.Endpoint{Scheme: "http", Unix: path}.String()
}

func mustListen(e *env) net.Listener {
	e.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() { l.Close() })
	return l
}

func mustDial(e *env, network, addr string) net.Conn {
	e.Helper()
	c, err := new(net.Dialer).DialContext(e.ctx, network, addr)
	if err != nil {
		e.Fatal(err)
	}
	return c
}

func port(e *env, address string) string {
	e.Helper()
	_, port, err := net.SplitHostPort(host(e, address))
	if err != nil {
		e.Fatal(err)
	}
	return port
}

func hasIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// needIPv6 skips a case on a machine that cannot run it, which under CI is a failure.
func needIPv6(e *env) {
	e.Helper()
	switch {
	case hasIPv6():
	case os.Getenv("GORUN_CI") == "1":
		e.Fatal("this machine has no IPv6 loopback address")
	default:
		e.Skip("this machine has no IPv6 loopback address: enable it, as by sysctl net.ipv6.conf.lo.disable_ipv6=0")
	}
}
