//go:build linux || darwin

package broker

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// secured is a broker with a store.
type secured struct {
	*running
	store *testStore
	host  string // api.localhost with the port
	apps  []*app
}

// startSecured runs a broker, and connects an app for each of the paths of https://api.localhost.
func startSecured(t *testing.T, paths ...string) *secured {
	t.Helper()
	store := newTestStore(t, nil)
	s := &secured{running: start(t, Options{Store: store.Store}), store: store, host: "api.localhost:0"}
	for _, path := range paths {
		a := connect(t, s.running, &app{name: "app " + path}).open(wire.Open{})
		added := mustPrefix(t, a.add("https://" + s.host + path)[0])
		s.host = fmt.Sprintf("api.localhost:%d", added.Port)
		s.apps = append(s.apps, a)
	}
	return s
}

// bind binds a certificate to the host, and has the broker know of it.
func (s *secured) bind(t *testing.T, c SSLCert) *issued {
	t.Helper()
	c.HostnamePort = s.host
	cert := s.store.bind(c, "api.localhost")
	s.reload(t)
	return cert
}

func (s *secured) reload(t *testing.T) {
	t.Helper()
	c := watcher(t, s.running)
	defer c.Close()
	must(t, c.Reload(t.Context()))
}

// dial begins TLS with the broker, or with an app.
func (s *secured) dial(t *testing.T) (*visitor, *x509.Certificate) {
	t.Helper()
	below := dial(t, portOf(t, "https://"+s.host+"/"))
	c := tls.Client(below.Conn, &tls.Config{ServerName: "api.localhost", InsecureSkipVerify: true})
	must(t, c.Handshake())
	return &visitor{t, c, bufio.NewReader(c)}, c.ConnectionState().PeerCertificates[0]
}

// table is the newest that an app got.
func (a *app) table() (newest wire.Table) {
	select {
	case newest = <-a.tables:
	case <-time.After(patient):
		a.t.Fatal("no table came")
	}
	for {
		select {
		case newest = <-a.tables:
		default:
			return newest
		}
	}
}

// serveTLS answers on connections whose TLS the app ends itself.
func (a *app) serveTLS(c *tls.Config) {
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%s %s", a.name, r.URL.Path) })}
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Serve(tls.NewListener(&given{a}, c))
	}()
	a.t.Cleanup(func() {
		a.conn.Close()
		server.Close()
		<-served
	})
}

// Requests of one connection go to the owners of their paths; the rest is answered here.
func TestBrokerTerminates(t *testing.T) {
	t.Parallel()
	s := startSecured(t, "/a/", "/b/")
	for _, a := range s.apps {
		a.serve()
	}
	cert := s.bind(t, SSLCert{})
	v, shown := s.dial(t)
	if !shown.Equal(cert.cert) {
		t.Errorf("shown: %v", shown.Subject)
	}
	for range 2 {
		v.ask(s.host, "/a/1").want(200, "app /a/ /a/1")
		v.ask(s.host, "/b/2").want(200, "app /b/ /b/2")
		v.ask(s.host, "/c").want(404, "No program has registered for this path")
		v.ask("nobody.example", "/a/").want(400, "Invalid Hostname")
	}
	for _, a := range s.apps {
		if a.came() != 1 || a.tls != 0 {
			t.Errorf("%s got %d connections, %d encrypted", a.name, a.came(), a.tls)
		}
	}
	renewed := issue(t, nil, "api.localhost")
	bound := s.store.SSLCerts()[0]
	must(t, s.store.DeleteSSLCert(bound))
	bound.Cert, bound.Key = s.store.put("new.pem", renewed.certPEM()), s.store.put("new.key", renewed.keyPEM(t))
	if _, _, err := s.store.AddSSLCert(bound); err != nil {
		t.Fatal(err)
	}
	s.reload(t)
	next, shown := s.dial(t)
	if !shown.Equal(renewed.cert) {
		t.Error("a new connection has the old certificate")
	}
	next.ask(s.host, "/a/1").want(200, "app /a/ /a/1")
	v.ask(s.host, "/a/1").want(200, "app /a/ /a/1")
	state := show(t, s.running)
	if len(state.Certificates) != 1 || state.Certificates[0].Host != s.host || state.Certificates[0].Problem != "" {
		t.Errorf("shown: %+v", state.Certificates)
	}
}

// A worker that goes leaves its kept connection dead: the next request finds that nobody has the path, or the one who has it now.
func TestBrokerTerminatesForAnother(t *testing.T) {
	t.Parallel()
	s := startSecured(t, "/a/", "/b/")
	for _, a := range s.apps {
		a.serve()
	}
	v, _ := s.dial(t)
	v.ask(s.host, "/a/1").want(200, "app /a/ /a/1")
	s.apps[0].leave()
	eventually(t, "the app is gone", func() bool { return len(show(t, s.running).Queues) == 1 })
	v.ask(s.host, "/a/1").want(404, "")
	next := connect(t, s.running, &app{name: "next"}).open(wire.Open{}, "https://"+s.host+"/a/").serve()
	v.ask(s.host, "/a/1").want(200, "next /a/1")
	v.ask(s.host, "/b/1").want(200, "app /b/ /b/1")
	if next.came() != 1 {
		t.Errorf("%d connections", next.came())
	}
}

// The one owner of a host gets the encrypted socket, and the certificate that is bound.
func TestBrokerHandsEncrypted(t *testing.T) {
	t.Parallel()
	s := startSecured(t, "/")
	a := s.apps[0]
	cert := s.bind(t, SSLCert{})
	var table wire.Table
	for len(table.Certificates) == 0 {
		table = a.table()
	}
	pair, err := tls.X509KeyPair(table.Certificates[0].Chain, table.Certificates[0].Key)
	must(t, err)
	a.serveTLS(&tls.Config{Certificates: []tls.Certificate{pair}})
	v, shown := s.dial(t)
	v.ask(s.host, "/x").want(200, "app / /x")
	if !shown.Equal(cert.cert) || a.tls != 1 {
		t.Errorf("%v was shown, %d encrypted", shown.Subject, a.tls)
	}
}

// A host that asks for certificates is the broker's, also where it has one owner, who does not get the key.
func TestBrokerAsksClients(t *testing.T) {
	t.Parallel()
	s := startSecured(t, "/")
	a := s.apps[0].serve()
	s.bind(t, SSLCert{ClientCertNegotiation: true})
	v, _ := s.dial(t)
	v.ask(s.host, "/x").want(200, "app / /x")
	if a.tls != 0 || len(a.table().Certificates) != 0 {
		t.Error("the app ends TLS")
	}
}

// What does not begin as TLS does is told so.
func TestBrokerRefusesHello(t *testing.T) {
	t.Parallel()
	s := startSecured(t, "/a/", "/b/")
	for in, want := range map[string]string{
		"GET /a/ HTTP/1.1\r\nHost: " + s.host + "\r\n\r\n": "Client sent an HTTP request to an HTTPS server",
		"\x80\x2e\x01\x00\x02\x00\x15":                     "\x15\x03\x01\x00\x02\x02\x46",
		"\x16\x03\x01\x00\x01\x02":                         "\x15\x03\x01\x00\x02\x02\x0a",
	} {
		v := dial(t, portOf(t, "https://"+s.host+"/")).write(in)
		got := new(strings.Builder)
		if _, err := v.r.WriteTo(got); err != nil || !strings.Contains(got.String(), want) {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

// A reservation of another user's is in the way.
func TestBrokerReserved(t *testing.T) {
	t.Parallel()
	s := startSecured(t, "/")
	_, err := s.store.AddURLACL(URLACL{URL: "http://localhost:5999/theirs/", User: "1002"})
	must(t, err)
	s.reload(t)
	err = s.apps[0].ask(wire.KindAdd, wire.Add{Prefixes: []string{"http://localhost:5999/theirs/app/"}}, nil)
	e, ok := errors.AsType[*wire.Error](err)
	if !ok || e.Code != wire.CodeReserved || !strings.Contains(e.Message, "reserved for the user 1002") || e.Hint() != "gorun httpsys delete urlacl url=http://localhost:5999/theirs/" {
		t.Errorf("%+v", err)
	}
}
