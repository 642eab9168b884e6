//go:build linux || darwin

package httpsys_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorun-dev/gorun/servers/httpsys"
	"github.com/gorun-dev/gorun/servers/httpsys/broker"
	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// TestRowsUsers has what is said once for a user (reference: servers.md, 4.3), and what users of HTTP.sys ask about (7.3).
func TestRowsUsers(t *testing.T) {
	rows{
		"H4.3-urlacl, H7.3-1, H7.3-3": reservations,
		"H4.3-sslcert":                bindings,
		"H7.3-4":                      fullQueue,
		"H7.3-9":                      smallWrites,
	}.run(t)
}

// withStore gives a broker that has settings.
func withStore(t *testing.T) (folder string, store *broker.Store) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	store, err := broker.OpenStore(broker.StoreOptions{File: filepath.Join(t.TempDir(), "httpsys.json"), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	folder = brokerFolder(t)
	ctx, stop := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() {
		options := broker.Options{Folder: folder, Persistent: true, Log: log, Store: store}
		done <- broker.Run(ctx, options, func() { close(ready) })
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	wait(t, "the broker", ready)
	return folder, store
}

// reservations: who may not register a prefix is told whose it is, and the command that takes that away. Unlike HTTP.sys a prefix
// that nobody has reserved needs no reservation: that one is not what another one says to the letter keeps nobody from it.
func reservations(t *testing.T) {
	folder, store := withStore(t)
	first := serve(t, folder, &httpsys.Server{})
	reserve := func(path string, uid int) string {
		t.Helper()
		acl, err := store.AddURLACL(broker.URLACL{URL: first.url(path), User: fmt.Sprint(uid)})
		if err != nil {
			t.Fatal(err)
		}
		return acl.URL
	}
	at := func(url string) *httpsys.Server {
		return &httpsys.Server{Options: httpsys.Options{UrlPrefixes: []string{url}}}
	}
	other := os.Getuid() + 1
	theirs := reserve("/theirs", other) // the slash at the end is added
	reserve("/theirs/mine/", os.Getuid())
	for _, path := range []string{"/theirs/", "/Theirs/sub/"} {
		err := refused(t, folder, at(first.url(path)))
		e, ok := errors.AsType[*httpsys.RegistrationError](err)
		if !ok || !errors.Is(err, httpsys.ErrReserved) || e.Hint() != "gorun httpsys delete urlacl url="+theirs {
			t.Errorf("%s: got %v", path, err)
		}
		for _, part := range []string{first.url(path), theirs, fmt.Sprint("reserved for the user ", other)} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q is not in %v", path, part, err)
			}
		}
	}
	serve(t, folder, at(first.url("/theirs/mine/x/")))
	serve(t, folder, at("http://localhost"+first.port()+"/theirs/"))
	if err := store.DeleteURLACL(theirs); err != nil {
		t.Fatal(err)
	}
	serve(t, folder, at(theirs))
}

// bindings: an app says https and no more; the certificate is that of the name or the address.
func bindings(t *testing.T) {
	folder, store := withStore(t)
	own := &tls.Config{Certificates: []tls.Certificate{issue(t, "own")}}
	first := serve(t, folder, &httpsys.Server{Listens: []httpsys.Listen{{URL: "https://first.localhost:0", TLS: own}}})
	for _, c := range []broker.SSLCert{{HostnamePort: "named.localhost" + first.port()}, {IPPort: "127.0.0.2" + first.port()}} {
		c.Cert = filepath.Join(t.TempDir(), "both.pem")
		if err := os.WriteFile(c.Cert, pemOf(t, issue(t, c.Name()[:12])), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := store.AddSSLCert(c); err != nil {
			t.Fatal(err)
		}
	}
	serve(t, folder, &httpsys.Server{Options: httpsys.Options{UrlPrefixes: []string{"https://named.localhost" + first.port()}}})
	for name, want := range map[string]string{"named.localhost": "hostnameport", "first.localhost": "own"} {
		c, state := secure(t, "127.0.0.1"+first.port(), &tls.Config{ServerName: name})
		if got := state.PeerCertificates[0].Subject.CommonName; got != want {
			t.Errorf("%s: got the certificate of %s, want %s", name, got, want)
		}
		wantAnswer(t, name, c.exchange(get(name, "/")), 200, "Hello World")
	}
}

func pemOf(t *testing.T, c tls.Certificate) []byte {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})
	return append(chain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
}

// fullQueue: the app has no log of such a 503, but gorun httpsys show tells which app takes nothing, and how many were refused.
func fullQueue(t *testing.T) {
	s := &served{folder: startBroker(t)}
	s.addresses = stuck(t, s.folder, wire.Open{Queue: "q", Mode: wire.Create, Limit: 1, Verbosity: wire.Full})
	for range 200 {
		io.WriteString(dial(t, s.at()), get("localhost", "/"))
		if s.state(t).Refused.Queue > 0 {
			break
		}
	}
	got := dial(t, s.at()).exchange(get("localhost", "/"))
	if got.status != 503 || !strings.Contains(got.body, "queue is full") || !got.close {
		t.Errorf("got %d %q", got.status, got.body)
	}
	q := s.queue(t, "q")
	if len(q.Workers) != 1 || q.Workers[0].Program != "stuck" || q.Workers[0].Waiting == 0 || q.Waiting != q.Workers[0].Waiting+1 {
		t.Errorf("got %+v", q)
	}
}

// stuck is an app that takes no connection. It gives its prefixes.
func stuck(t *testing.T, folder string, open wire.Open) []string {
	t.Helper()
	c, err := wire.Dial(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	var added wire.Added
	for i, m := range []struct {
		kind    wire.Kind
		message any
		answer  any
	}{
		{wire.KindHello, wire.Hello{Protocol: wire.Version, Program: "stuck", Role: wire.Worker}, nil},
		{wire.KindOpen, open, nil},
		{wire.KindAdd, wire.Add{Prefixes: []string{"http://127.0.0.1:0/"}}, &added},
	} {
		f, err := wire.Message(m.kind, uint32(i+1), m.message)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Send(f); err != nil {
			t.Fatal(err)
		}
		for f.Kind != wire.KindReply && f.Kind != wire.KindWelcome { // a table may come first
			if f, err = c.Receive(); err != nil {
				t.Fatal(err)
			}
		}
		if f.Kind == wire.KindReply {
			if err := f.Reply(m.answer); err != nil {
				t.Fatal(err)
			}
		}
	}
	return added.Prefixes
}

// smallWrites are put together: the client gets them at once.
func smallWrites(t *testing.T) {
	s := serve(t, "", &httpsys.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 500 {
			io.WriteString(w, "x")
		}
	})})
	got := dial(t, s.at()).exchange(get("localhost", "/"))
	wantAnswer(t, "500 writes", got, 200, strings.Repeat("x", 500))
	if got.header.Get("Content-Length") != "500" {
		t.Errorf("it came in parts: %v", got.header)
	}
}
