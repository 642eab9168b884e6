//go:build linux || darwin

package broker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gorun-dev/gorun/servers/httpsys/urlprefix"
	"github.com/gorun-dev/gorun/servers/internal/serve"
	"github.com/gorun-dev/gorun/servers/kestrel"
)

// testApp is a worker: what the broker gives it, it serves.
type testApp struct {
	server    kestrel.Server
	described atomic.Int32  // how many it was given
	closed    chan struct{} // gets one for each described connection at its end
	dead      atomic.Bool   // it closes what it is given
}

// closing tells of its end.
type closing struct {
	net.Conn
	once sync.Once
	tell chan struct{}
}

func (c *closing) Close() error {
	defer c.once.Do(func() { c.tell <- struct{}{} })
	return c.Conn.Close()
}

// testBroker stands for the core: prefixes, and a listener.
type testBroker struct {
	t          testing.TB
	store      *testStore
	terminator *terminator
	address    string
	port       string

	mu     sync.Mutex
	table  *urlprefix.Table[*queue]
	apps   map[*queue]*testApp
	dialed []net.Conn // of clients
}

func (b *testBroker) match(scheme string, host, path []byte, local netip.AddrPort) (*queue, urlprefix.Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q, _, result := b.table.Match(scheme, host, local, path)
	return q, result
}

func (b *testBroker) give(q *queue, v *visit) {
	b.mu.Lock()
	app := b.apps[q]
	b.mu.Unlock()
	meta := v.meta
	c, err := v.conn()
	if err != nil {
		b.t.Error(err)
		return
	}
	if app.dead.Load() {
		c.Close()
		return
	}
	app.described.Add(1)
	state := &tls.ConnectionState{
		Version: meta.TLS.Version, CipherSuite: meta.TLS.CipherSuite, ServerName: meta.TLS.ServerName, NegotiatedProtocol: meta.TLS.Protocol,
	}
	for _, der := range meta.TLS.Peers {
		peer, err := x509.ParseCertificate(der)
		if err != nil {
			b.t.Error(err)
		}
		state.PeerCertificates = append(state.PeerCertificates, peer)
	}
	_ = app.server.ServeConn(&serve.Described{
		Conn:   &closing{Conn: c, tell: app.closed},
		Remote: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(meta.Remote)), Local: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(meta.Local)), TLS: state,
	}, kestrel.Binding{})
}

// newTestBroker listens on 127.0.0.1. In prefixes PORT is the port.
func newTestBroker(t testing.TB, change func(*StoreOptions), apps map[string]http.HandlerFunc) *testBroker {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	b := &testBroker{t: t, store: newTestStore(t, change), address: l.Addr().String(), apps: map[*queue]*testApp{}}
	_, b.port, _ = net.SplitHostPort(b.address)
	b.terminator = newTerminator(b, b.store.Store, slog.New(slog.NewTextHandler(io.Discard, nil)))
	var entries []urlprefix.Entry[*queue]
	for prefix, handler := range apps {
		q := &queue{}
		prefix := mustPrefix(t, strings.ReplaceAll(prefix, "PORT", b.port))
		entries = append(entries, urlprefix.Entry[*queue]{Prefix: prefix, Value: q})
		app := &testApp{closed: make(chan struct{}, 100)}
		app.server.Handler = handler
		b.apps[q] = app
	}
	b.table = urlprefix.New(entries)
	var accepting sync.WaitGroup
	accepting.Go(func() { b.accept(l) })
	t.Cleanup(func() {
		l.Close()
		accepting.Wait()
		b.terminator.close()
		for _, app := range b.apps {
			app.server.Close()
		}
	})
	return b
}

// app gives the one whose prefix has this path.
func (b *testBroker) app(path string) *testApp {
	q, result := b.match("https", []byte("127.0.0.1"), []byte(path), netip.MustParseAddrPort(b.address))
	if result != urlprefix.Found {
		b.t.Fatalf("nobody has %s", path)
	}
	return b.apps[q]
}

func (b *testBroker) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		b.look(c.(*net.TCPConn))
	}
}

// look gives the socket to the terminator.
func (b *testBroker) look(c *net.TCPConn) {
	defer c.Close() // visit has a copy
	raw, err := c.SyscallConn()
	must(b.t, err)
	v := &visit{encrypted: true}
	if err := errors.Join(raw.Control(func(fd uintptr) { v.fd, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 3) }), err); err != nil {
		b.t.Error(err)
		return
	}
	b.terminator.terminate(v)
}

// client trusts these certificates. HTTP/2 unless protocols says otherwise.
func (b *testBroker) client(trusts []*issued, change func(*tls.Config)) *http.Client {
	config := &tls.Config{RootCAs: x509.NewCertPool(), NextProtos: []string{"h2", "http/1.1"}}
	for _, i := range trusts {
		config.RootCAs.AddCert(i.cert)
	}
	if change != nil {
		change(config)
	}
	transport := &http.Transport{
		TLSClientConfig: config, ForceAttemptHTTP2: slices.Contains(config.NextProtos, "h2"),
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, b.address)
			b.mu.Lock()
			defer b.mu.Unlock()
			b.dialed = append(b.dialed, c)
			return c, err
		},
	}
	b.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func only11(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }

// fetch gives status and body.
func fetch(t testing.TB, c *http.Client, url string) (int, string) {
	t.Helper()
	r, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	must(t, err)
	return r.StatusCode, string(body)
}

// tells answers with what the app sees of the client.
func tells(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sni, client := "no TLS", ""
		if r.TLS != nil {
			sni = r.TLS.ServerName
			if len(r.TLS.PeerCertificates) > 0 {
				client = " of " + r.TLS.PeerCertificates[0].Subject.CommonName
			}
		}
		fmt.Fprintf(w, "%s %s %s at %s%s, %d fields", name, r.Host, r.RequestURI, sni, client, len(r.Header))
	}
}
