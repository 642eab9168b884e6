//go:build linux || darwin

package httpsys_test

import (
	"bufio"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/httpsys"
	"github.com/gorun-dev/gorun/servers/httpsys/broker"
	"github.com/gorun-dev/gorun/servers/internal/wire"
)

// rows are tests by the ids of the rows that they show, as rows_count_test.go has them.
type rows map[string]func(*testing.T)

func (all rows) run(t *testing.T) {
	t.Parallel()
	for ids, test := range all {
		t.Run(ids, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// served is a Server at work.
type served struct {
	folder    string
	addresses []string
	stop      context.CancelFunc // asks it to end
	end       func() error       // asks it to end, and gives what Serve has returned
}

// server fills in what a test does not say: a quiet log, any port, requests that may end.
func server(t *testing.T, folder string, s *httpsys.Server) *httpsys.Server {
	if s.Listens == nil && s.Options.UrlPrefixes == nil && s.Options.RequestQueueMode != httpsys.Attach {
		s.Listens = []httpsys.Listen{{URL: "http://127.0.0.1:0"}}
	}
	if s.Handler == nil {
		s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "Hello World") })
	}
	s.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	s.ShutdownTimeout = cmp.Or(s.ShutdownTimeout, limit)
	s.Getenv = func(name string) string { return map[string]string{wire.Variable: folder}[name] }
	return s
}

// serve runs a Server until the test ends; "" is a broker of its own.
func serve(t *testing.T, folder string, s *httpsys.Server) *served {
	t.Helper()
	if folder == "" {
		folder = startBroker(t)
	}
	return serveAs(t, folder, server(t, folder, s))
}

// serveAs is serve for a Server that says all.
func serveAs(t *testing.T, folder string, s *httpsys.Server) *served {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	all, ended := make(chan []string, 1), make(chan error, 1)
	go func() { ended <- s.Serve(ctx, func(addresses []string) { all <- addresses }) }()
	end := sync.OnceValue(func() error { stop(); return <-ended })
	t.Cleanup(func() { end() })
	select {
	case addresses := <-all:
		return &served{folder, addresses, stop, end}
	case err := <-ended:
		ended <- err
		t.Fatalf("it does not start: %v", err)
	}
	return nil
}

// refused gives why a Server cannot serve; one that can ends the test.
func refused(t *testing.T, folder string, s *httpsys.Server) error {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	err := server(t, folder, s).Serve(ctx, func([]string) {
		t.Error("it serves")
		stop()
	})
	if err == nil {
		t.FailNow()
	}
	return err
}

// at gives host:port of its first address.
func (s *served) at() string {
	host, _, _ := strings.Cut(strings.SplitN(s.addresses[0], "://", 2)[1], "/")
	return host
}

// url gives an address on the port of its first one.
func (s *served) url(path string) string { return "http://" + s.at() + path }

// port is that of its first address, with the colon.
func (s *served) port() string { return s.at()[strings.LastIndexByte(s.at(), ':'):] }

// state is what gorun httpsys show has.
func (s *served) state(t *testing.T) *wire.State {
	t.Helper()
	c, err := broker.Connect(t.Context(), s.folder, wire.Hello{Role: wire.Watcher})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	state, err := c.Watch(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// queue gives the queue with that name, which must be there.
func (s *served) queue(t *testing.T, name string) wire.Queue {
	t.Helper()
	state := s.state(t)
	for _, q := range state.Queues {
		if q.Name == name {
			return q
		}
	}
	t.Fatalf("there is no queue %q: %+v", name, state)
	return wire.Queue{}
}

// answer is what a client got. Status 0 is none.
type answer struct {
	status int
	body   string
	header http.Header
	close  bool // the connection ends with it
	err    error
}

// exchange sends a request as it is written and gives the answer. Of 101 the body is not read.
func (c *client) exchange(request string) answer {
	c.t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		return answer{err: err}
	}
	return c.answer(request[:strings.IndexByte(request, ' ')])
}

func (c *client) answer(method string) answer {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		return answer{err: err}
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return answer{status: resp.StatusCode, header: resp.Header}
	}
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, string(body), resp.Header, resp.Close, err}
}

// isClosed reports whether nothing more comes.
func (c *client) isClosed() bool {
	_, err := c.r.ReadByte()
	return err != nil && !strings.Contains(err.Error(), "timeout")
}

func get(host, path string) string {
	return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host)
}

func post(path, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

// wantAnswer compares status and body.
func wantAnswer(t *testing.T, what string, got answer, status int, body string) {
	t.Helper()
	if got.status != status || got.body != body {
		t.Errorf("%s: got %d %q (%v), want %d %q", what, got.status, got.body, got.err, status, body)
	}
}

// wait fails the test when c is not closed in time.
func wait(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(limit):
		t.Fatalf("%s does not happen", what)
	}
}

// issue makes a certificate for a name, which is its own issuer.
func issue(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// secure speaks TLS on a new connection.
func secure(t *testing.T, address string, config *tls.Config) (*client, tls.ConnectionState) {
	t.Helper()
	plain := dial(t, address)
	config.InsecureSkipVerify = true
	c := tls.Client(plain.Conn, config)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return &client{t, c, bufio.NewReader(c)}, c.ConnectionState()
}

// reachable gives an address of this machine, and whether it has it.
func reachable(ip string, port uint16) (string, bool) {
	at := net.JoinHostPort(ip, strconv.Itoa(int(port)))
	c, err := net.Dial("tcp", at)
	if err != nil {
		return at, false
	}
	c.Close()
	return at, true
}
