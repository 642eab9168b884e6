package reverseproxy

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

// patience is how long a test waits for what must happen.
const patience = 60 * time.Second

// each runs a test with every front that is installed.
func each(t *testing.T, test func(t *testing.T, program Program)) {
	t.Helper()
	t.Parallel()
	for _, kind := range []Kind{Nginx, Apache} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			test(t, installed(t, kind))
		})
	}
}

func installed(t *testing.T, kind Kind) Program {
	t.Helper()
	program, err := Find(t.Context(), kind, os.Getenv)
	if missing, ok := errors.AsType[*NotInstalledError](err); ok && os.Getenv("GORUN_CI") == "" {
		t.Skipf("%v; %s", err, missing.Hint())
	}
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// stage is a front with what a test needs to look at it.
type stage struct {
	*Front
	log  *buffer
	http *http.Client
	dir  string // holds the front's folder and nothing else
	cert tls.Certificate
	dead bool // it has ended by itself, and the test has seen the error
}

// buffer is what the front said.
type buffer struct {
	mu    sync.Mutex
	text  bytes.Buffer
	wrote chan struct{} // holds a value when something was written since it was last received from
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.wrote <- struct{}{}:
	default:
	}
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// await waits until the log has a text.
func (b *buffer) await(t *testing.T, text string) {
	t.Helper()
	limit := time.After(patience)
	for !strings.Contains(b.String(), text) {
		select {
		case <-b.wrote:
		case <-limit:
			t.Fatalf("the log does not say %q:\n%s", text, b)
		}
	}
}

// play starts a front for an app. change completes its configuration; nil is one http address on localhost.
func play(t *testing.T, program Program, app string, change func(*Config, *Public)) *stage {
	t.Helper()
	s := &stage{log: &buffer{wrote: make(chan struct{}, 1)}, dir: t.TempDir(), cert: newCertificate(t)}
	c := Config{Program: program, Public: []Public{{Endpoint: url(t, "http://localhost:0")}}, App: url(t, app)}
	if change != nil {
		change(&c, &Public{Certificate: &s.cert})
	}
	front, err := Start(t.Context(), c, Options{Env: os.Environ(), Dir: s.dir, Errors: s.log})
	if err != nil {
		t.Fatal(explain(err))
	}
	s.Front = front
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := front.Stop(ctx); err != nil && !s.dead {
			t.Error(explain(err))
		}
		if t.Failed() {
			t.Logf("the front's log:\n%s", s.log)
		}
	})
	roots := x509.NewCertPool()
	roots.AddCert(s.cert.Leaf)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	s.http = &http.Client{Transport: transport, Timeout: patience}
	return s
}

// explain is an error with what it shows.
func explain(err error) string {
	text := err.Error()
	if detailed, ok := err.(interface{ Details() []string }); ok {
		text += "\n" + strings.Join(detailed.Details(), "\n")
	}
	if hinted, ok := err.(interface{ Hint() string }); ok {
		text += "\nhint: " + hinted.Hint()
	}
	return text
}

// url is the address of endpoint i of the front.
func (s *stage) url(i int) string { return s.Endpoints()[i].Browse() }

// get is the body of a 200 answer.
func (s *stage) get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	response, err := s.http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s %q, %v", url, response.Status, body, err)
	}
	return response, string(body)
}

func url(t *testing.T, text string) endpoint.Endpoint {
	t.Helper()
	e, err := endpoint.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// serve runs an app and returns its address.
func serve(t *testing.T, handler http.HandlerFunc) (address string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func hello(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }

func newCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "reverseproxy"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
