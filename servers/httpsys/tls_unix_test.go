//go:build unix

package httpsys

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/endpoint"
	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
	"github.com/gorun-dev/gorun/servers/internal/wire"
	"github.com/gorun-dev/gorun/servers/kestrel"
)

// certificate makes one for a name, with its PEM.
func certificate(t *testing.T, name string) (tls.Certificate, []byte, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	secret := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	pair, err := tls.X509KeyPair(chain, secret)
	if err != nil {
		t.Fatal(err)
	}
	return pair, chain, secret
}

// secured gives an app with https on the port of a connection, and that connection.
func secured(t *testing.T, h http.HandlerFunc, others ...string) (*worker, net.Conn, *net.TCPConn) {
	t.Helper()
	b := newFake(t)
	client, server := tcpPair(t)
	pair, _, _ := certificate(t, "own")
	b.run(&Server{Handler: h, Listens: []Listen{{
		URL: fmt.Sprintf("https://*:%d", portOf(client)), TLS: &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}},
	}}})
	w := <-b.workers
	w.table(own(client, 1, []string{"https://*:5077/"}, others...))
	return w, client, server.(*net.TCPConn)
}

func handshake(t *testing.T, c net.Conn, name string, protocols ...string) *tls.Conn {
	t.Helper()
	secure := tls.Client(c, &tls.Config{ServerName: name, InsecureSkipVerify: true, NextProtos: protocols})
	if err := secure.Handshake(); err != nil {
		t.Fatal(err)
	}
	return secure
}

func TestEncrypted(t *testing.T) {
	t.Parallel()
	w, client, server := secured(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.TLS.ServerName, " ", r.Proto) })
	w.hand(server, wire.Handover{Encrypted: true})
	secure := handshake(t, client, "a.test")
	if got := secure.ConnectionState().PeerCertificates[0].Subject.CommonName; got != "own" {
		t.Errorf("got the certificate of %q", got)
	}
	if status, body := ask(t, secure, bufio.NewReader(secure), "/", "a.test"); status != 200 || body != "a.test HTTP/1.1" {
		t.Errorf("got %d %q", status, body)
	}
}

// TestEncryptedHTTP2: once another app has a part of the host, the connection ends after the next answer, so that the client comes
// again, to the broker. A request of the other app gets 421.
func TestEncryptedHTTP2(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]int{"/": http.StatusOK, "/other/": http.StatusMisdirectedRequest} {
		w, client, server := secured(t, echo, "https://*:5077/other/")
		w.hand(server, wire.Handover{Encrypted: true})
		secure := handshake(t, client, "a.test", "h2")
		conns := make(chan net.Conn, 1)
		conns <- secure
		transport := &http.Transport{ForceAttemptHTTP2: true, DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
			select {
			case c := <-conns:
				return c, nil
			default:
				return nil, errAgain
			}
		}}
		t.Cleanup(transport.CloseIdleConnections)
		site := &http.Client{Transport: transport}
		resp, err := site.Get("https://a.test" + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want || resp.ProtoMajor != 2 {
			t.Errorf("%s: got %s %d, want %d", path, resp.Proto, resp.StatusCode, want)
		}
		if _, err := site.Get("https://a.test/"); !errors.Is(err, errAgain) {
			t.Errorf("the connection goes on after %s: %v", path, err)
		}
	}
}

var errAgain = errors.New("the client comes again")

// TestEncryptedForeign: over TLS a request of another app is relayed once, and its connection ends.
func TestEncryptedForeign(t *testing.T) {
	t.Parallel()
	w, client, server := secured(t, echo, "https://*:5077/other/")
	w.hand(server, wire.Handover{Encrypted: true})
	secure := handshake(t, client, "a.test")
	r := bufio.NewReader(secure)
	if status, body := ask(t, secure, r, "/x", "a.test"); status != 200 || body != "GET |/x" {
		t.Errorf("got %d %q", status, body)
	}
	io.WriteString(secure, "GET /other/x?y HTTP/1.1\r\nHost: a.test\r\nX-A: b\r\n\r\n")
	f := w.expect(wire.KindBack)
	back, err := wire.ParseHandback(f.Payload)
	if err != nil || back.Meta == nil || back.Meta.TLS == nil || len(back.Read) > 0 {
		t.Fatalf("got %+v (%v)", back, err)
	}
	if m := back.Meta; m.Remote != client.LocalAddr().String() || m.Local != client.RemoteAddr().String() || m.TLS.ServerName != "a.test" || m.Hops != 1 {
		t.Errorf("it is described as %+v", m)
	}
	other, err := wire.NetConn(f.FD)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	relayed, err := http.ReadRequest(bufio.NewReader(other))
	if err != nil || relayed.RequestURI != "/other/x?y" || relayed.Host != "a.test" || relayed.Header.Get("X-A") != "b" || len(relayed.Header) != 1 {
		t.Fatalf("got %+v (%v)", relayed, err)
	}
	io.WriteString(other, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother")
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(resp.Body); string(body) != "other" || !resp.Close {
		t.Errorf("got %q, the connection closes: %v", body, resp.Close)
	}
	if _, err := r.ReadByte(); err != io.EOF {
		t.Errorf("the connection goes on: %v", err)
	}
}

// TestDescribed: a connection that stands for a client's has requests that look like the client's own.
func TestDescribed(t *testing.T) {
	t.Parallel()
	b := newFake(t)
	b.run(&Server{Listens: []Listen{{URL: "https://*:443/base"}}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.RemoteAddr, " ", r.TLS.ServerName, " ", pathBase(r), " ", r.URL.Path)
	})})
	w := <-b.workers
	w.table(wire.Table{Version: 1, Entries: []wire.Entry{{Prefix: "https://*:443/base/", Mine: true}, {Prefix: "https://*:443/"}}})
	ours, theirs, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	server, err := wire.NetConn(theirs)
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	meta := &wire.Meta{Remote: "192.0.2.1:999", Local: "192.0.2.2:443", TLS: &wire.TLSState{Version: tls.VersionTLS13, ServerName: "a.test"}}
	w.hand(server.(*net.UnixConn), wire.Handover{Meta: meta})
	r := bufio.NewReader(ours)
	if status, body := ask(t, ours, r, "/base/x", "a.test"); status != 200 || body != "192.0.2.1:999 a.test /base /x" {
		t.Errorf("got %d %q", status, body)
	}
	io.WriteString(ours, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	back, err := wire.ParseHandback(w.expect(wire.KindBack).Payload)
	if err != nil || back.Meta == nil || back.Meta.Remote != meta.Remote || back.Meta.TLS.ServerName != "a.test" || len(back.Read) == 0 {
		t.Errorf("got %+v (%v)", back, err)
	}
}

// address is a connection of which only that is known.
type address struct {
	net.Conn
	at netip.AddrPort
}

func (a address) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(a.at) }

// TestChooseCertificate: what is bound to the very address wins, then the name, then any address, then the registration.
func TestChooseCertificate(t *testing.T) {
	t.Parallel()
	var all []wire.Certificate
	for _, c := range []wire.Certificate{
		{Addr: "0.0.0.0:443"}, {Host: "a.test:443"}, {Addr: "10.0.0.1:443"}, {Host: "b.test:444"}, {Addr: "[::]:445"},
	} {
		_, c.Chain, c.Key = certificate(t, c.Host+c.Addr)
		all = append(all, c)
	}
	all = append(all, wire.Certificate{Host: "broken:443"})
	var list []registration
	for _, url := range []string{"https://*:446", "https://+:447/x", "https://a.test:447", "https://*:447", "http://*:448"} {
		prefix, err := prefixOf(url)
		if err != nil {
			t.Fatal(err)
		}
		pair, _, _ := certificate(t, url)
		list = append(list, registration{Listen{URL: url, TLS: &tls.Config{Certificates: []tls.Certificate{pair}}}, prefix})
	}
	choices := newChoices(list, all, slog.New(slog.DiscardHandler))
	for _, c := range []struct{ name, at, want string }{
		{"a.test", "10.0.0.1:443", "10.0.0.1:443"},
		{"A.Test.", "10.0.0.2:443", "a.test:443"},
		{"c.test", "10.0.0.2:443", "0.0.0.0:443"},
		{"", "[::1]:443", "0.0.0.0:443"},
		{"b.test", "10.0.0.1:444", "b.test:444"},
		{"c.test", "10.0.0.1:444", ""},
		{"c.test", "10.0.0.1:445", "[::]:445"},
		{"c.test", "10.0.0.1:446", "https://*:446"},
		{"a.test", "10.0.0.1:447", "https://+:447/x"},
		{"a.test", "10.0.0.1:448", ""},
	} {
		config, err := choices.choose(&tls.ClientHelloInfo{ServerName: c.name, Conn: address{at: netip.MustParseAddrPort(c.at)}})
		got := ""
		if err == nil {
			got = config.Certificates[0].Leaf.Subject.CommonName
		}
		if got != c.want {
			t.Errorf("%q at %s: got %q (%v), want %q", c.name, c.at, got, err, c.want)
		}
	}
	if got := choices.binding().Protocols; got != endpoint.HTTP1AndHTTP2 {
		t.Errorf("got %v", got)
	}
}

// TestConfigForClient: a registration may decide by the name that a client asks for, and a binding keeps the rest of what it says.
func TestConfigForClient(t *testing.T) {
	t.Parallel()
	own, _, _ := certificate(t, "own")
	bound, chain, key := certificate(t, "bound")
	inner := &tls.Config{Certificates: []tls.Certificate{own}, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS13}
	prefix := urlprefix.Prefix{Scheme: "https", Host: "*", Port: 443, Path: "/"}
	list := []registration{{Listen{TLS: &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if hello.ServerName == "refused" {
			return nil, io.ErrUnexpectedEOF
		}
		return inner, nil
	}}}, prefix}}
	hello := func(name string) *tls.ClientHelloInfo {
		c, _ := net.Pipe()
		at := net.TCPAddrFromAddrPort(netip.MustParseAddrPort("10.0.0.1:443"))
		return &tls.ClientHelloInfo{ServerName: name, Conn: &kestrel.Described{Conn: c, Local: at}}
	}
	plain := newChoices(list, nil, slog.New(slog.DiscardHandler))
	if got, err := plain.choose(hello("a")); got != inner || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := plain.choose(hello("refused")); err != io.ErrUnexpectedEOF {
		t.Errorf("got %v", err)
	}
	with := newChoices(list, []wire.Certificate{{Addr: "0.0.0.0:443", Chain: chain, Key: key}}, slog.New(slog.DiscardHandler))
	got, err := with.choose(hello("a"))
	if err != nil || !slices.Equal(got.Certificates[0].Certificate[0], bound.Certificate[0]) || got.MinVersion != tls.VersionTLS13 || len(got.NextProtos) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestDelegateTooLateHTTP2 is TestDelegateTooLate for the other writer of responses.
func TestDelegateTooLateHTTP2(t *testing.T) {
	t.Parallel()
	w, client, server := secured(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, Delegate(w, r, DelegationRule{QueueName: "other"}))
	})
	w.hand(server, wire.Handover{Encrypted: true})
	secure := handshake(t, client, "a.test", "h2")
	transport := &http.Transport{ForceAttemptHTTP2: true, DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
		return secure, nil
	}}
	t.Cleanup(transport.CloseIdleConnections)
	resp, err := (&http.Client{Transport: transport}).Get("https://a.test/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if want := `the request cannot be delegated to the queue "other": the response has begun`; resp.ProtoMajor != 2 || string(body) != want {
		t.Errorf("got %s %q, %v", resp.Proto, body, err)
	}
}
