package serve

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/feature"
)

func describe(c net.Conn) *Described {
	return &Described{
		Conn:   c,
		Remote: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 1234},
		Local:  &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443},
		TLS: &tls.ConnectionState{
			Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: "h", PeerCertificates: []*x509.Certificate{{Raw: []byte("raw")}},
		},
	}
}

func TestDescribed(t *testing.T) {
	t.Parallel()
	s, backs := toOthers(&Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _ := r.Context().Value(feature.Key[feature.Connection]{}).(feature.Connection)
		state, _ := r.Context().Value(feature.Key[feature.TLS]{}).(feature.TLS)
		fmt.Fprint(w, r.RemoteAddr, " ", r.Context().Value(http.LocalAddrContextKey), " ", conn.Remote, " ", conn.Local, " ",
			r.TLS.ServerName, " ", string(r.TLS.PeerCertificates[0].Raw), " ", state.State.ServerName)
	})})
	defer s.Close()
	c, far := pair(t)
	d := describe(far)
	if err := s.ServeConnAfter(d, []byte(get("/")), Binding{}); err != nil {
		t.Fatal(err)
	}
	const want = "192.0.2.7:1234 192.0.2.1:443 192.0.2.7:1234 192.0.2.1:443 h raw h"
	if got := c.want(http.StatusOK); got != want {
		t.Errorf("the handler sees %q, want %q", got, want)
	}
	c.send(get("/"))
	if got := c.want(http.StatusOK); got != want {
		t.Errorf("later it sees %q, want %q", got, want)
	}
	c.send(forOther)
	if back := <-backs; back.Conn != net.Conn(d) || back.unread != forOther {
		t.Errorf("handed back is %T with %q", back.Conn, back.unread)
	}
}

func TestDescribedWithoutTLSAndAddresses(t *testing.T) {
	t.Parallel()
	s := handle(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr, r.TLS == nil) })
	defer s.Close()
	c, far := pair(t)
	d := &Described{Conn: far}
	if err := s.ServeConn(d, Binding{}); err != nil {
		t.Fatal(err)
	}
	c.send(get("/"))
	if got, want := c.want(http.StatusOK), far.RemoteAddr().String()+"true"; got != want || d.LocalAddr() != far.LocalAddr() || d.NetConn() != far {
		t.Errorf("got %q, want %q; local address %v", got, want, d.LocalAddr())
	}
}

// What a described connection is above, it is read as a socket.
func TestDescribedIsReadLazily(t *testing.T) {
	t.Parallel()
	k := newCore(&Server{Elsewhere: func(net.Conn, []byte, []byte) bool { return false }})
	defer k.work.Wait()
	defer k.stop()
	_, far := pair(t)
	plain, described := newConn(far, k, Binding{}), newConn(describe(far), k, Binding{})
	if (plain.lazy == nil) != (described.lazy == nil) || !plain.asks || !described.asks {
		t.Errorf("lazy: %v, described: %v; asks: %v, %v", plain.lazy != nil, described.lazy != nil, plain.asks, described.asks)
	}
	over := newConn(&Described{Conn: hidden{far}}, k, Binding{})
	if over.lazy != nil || over.asks {
		t.Error("what is no socket is read as one")
	}
}

func TestDescribedIsHijackedAndHalfClosed(t *testing.T) {
	t.Parallel()
	s := handle(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		early, _ := rw.Peek(rw.Reader.Buffered())
		conn.Write(bytes.ToUpper(early))
		if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Error(err)
		}
		io.Copy(io.Discard, conn)
	})
	defer s.Close()
	c, far := pair(t)
	if err := s.ServeConnAfter(describe(far), []byte(get("/")+"early"), Binding{}); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c.r); string(got) != "EARLY" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if err := (&Described{Conn: hidden{far}}).CloseWrite(); err == nil {
		t.Error("what cannot be closed in one direction says that it was")
	}
}

// The bytes read by somebody else may be more than a buffer, and of what is spoken below HTTP.
func TestServeConnAfter(t *testing.T) {
	t.Parallel()
	s := handle(readAll)
	defer s.Close()
	c, far := pair(t)
	body := strings.Repeat("a", 3*watched)
	if err := s.ServeConnAfter(far, []byte(get("/")+post(fmt.Sprintf("Content-Length: %d\r\n", len(body)+1), body)), Binding{}); err != nil {
		t.Fatal(err)
	}
	c.send("b")
	c.want(http.StatusOK)
	if got := c.want(http.StatusOK); got != strings.ToUpper(body)+"B" {
		t.Errorf("got %d bytes", len(got))
	}
	s.Close()
	if err := s.ServeConnAfter(far, []byte("x"), Binding{}); err != http.ErrServerClosed {
		t.Errorf("a server that has closed returns %v", err)
	}
}

func TestServeConnAfterWithTLS(t *testing.T) {
	t.Parallel()
	s := handle(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.TLS.ServerName) })
	b := Binding{TLS: &tls.Config{Certificates: []tls.Certificate{certificate(t)}}}
	for _, n := range []int{1, 5, 100} {
		near, far := pair(t)
		go func() {
			first := make([]byte, n)
			io.ReadFull(far, first)
			if err := s.ServeConnAfter(far, first, b); err != nil {
				t.Error(err)
			}
		}()
		secure := tls.Client(near.conn, &tls.Config{InsecureSkipVerify: true, ServerName: "h"})
		c := &client{t, secure, bufio.NewReader(secure)}
		c.send(get("/"))
		if got := c.want(http.StatusOK); got != "h" {
			t.Errorf("got %q", got)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// A middleware may look at a connection whose beginning was read before, and gets it from its beginning.
func TestServeConnAfterWithMiddleware(t *testing.T) {
	t.Parallel()
	s := handle(ok)
	defer s.Close()
	s.Middleware = []func(net.Conn) (net.Conn, error){func(c net.Conn) (net.Conn, error) {
		line := make([]byte, len("PROXY\r\n"))
		_, err := io.ReadFull(c, line)
		if string(line) != "PROXY\r\n" {
			t.Errorf("the connection begins with %q", line)
		}
		return c, err
	}}
	c, far := pair(t)
	if err := s.ServeConnAfter(far, []byte("PROXY\r\nGET / HT"), Binding{}); err != nil {
		t.Fatal(err)
	}
	c.send("TP/1.1\r\nHost: h\r\n\r\n")
	c.want(http.StatusOK)
}

// A response that does not fit into a buffer goes to the socket below in one piece, whatever kind of socket that is.
func TestLargeResponseOfDescribed(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("0123456789", 10_000)
	s := handle(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
	defer s.Close()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ServeConn(describe(far), Binding{}); err != nil {
		t.Fatal(err)
	}
	near.SetDeadline(time.Now().Add(patience))
	c := &client{t, near, bufio.NewReader(near)}
	for range 2 {
		c.send(get("/"))
		if got := c.want(http.StatusOK); got != body {
			t.Errorf("got %d bytes, want %d", len(got), len(body))
		}
	}
}
