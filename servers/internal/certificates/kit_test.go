package certificates

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pair is a certificate with its key.
type pair struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

// issue makes a certificate that by signed, or that signed itself where by is nil. change may be nil.
func issue(t testing.TB, name string, key crypto.Signer, by *pair, change func(*x509.Certificate)) *pair {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	if change != nil {
		change(template)
	}
	parent := &pair{template, key}
	if by != nil {
		parent = by
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.cert, key.Public(), parent.key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return &pair{cert, key}
}

func asCA(c *x509.Certificate) {
	c.IsCA, c.KeyUsage, c.DNSNames = true, x509.KeyUsageCertSign, nil
}

func forClient(c *x509.Certificate) {
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
}

func (p *pair) certPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw})
}

func (p *pair) keyPEM(t testing.TB) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// both is a file with certificate and key.
func (p *pair) both(t testing.TB) []byte { return append(p.certPEM(), p.keyPEM(t)...) }

func (p *pair) tls() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{p.cert.Raw}, PrivateKey: p.key, Leaf: p.cert}
}

func (p *pair) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(p.cert)
	return pool
}

// folder is a folder of files, and what was logged about them.
type folder struct {
	t   testing.TB
	dir string
	log bytes.Buffer
	mu  sync.Mutex
	at  time.Time
}

func newFolder(t testing.TB) *folder { return &folder{t: t, dir: t.TempDir(), at: time.Now()} }

func (f *folder) path(name string) string { return filepath.Join(f.dir, name) }

func (f *folder) write(name string, data []byte) {
	f.t.Helper()
	must(f.t, os.WriteFile(f.path(name), data, 0o600))
}

// Write is the log's.
func (f *folder) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.Write(p)
}

func (f *folder) logged() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := f.log.String()
	f.log.Reset()
	return text
}

func (f *folder) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

// later has the clock go on.
func (f *folder) later(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = f.at.Add(d)
}

func (f *folder) options() Options {
	return Options{
		Setting: "Kestrel:Endpoints:Web", Folder: f.dir, Now: f.now, Log: slog.New(slog.NewTextHandler(f, nil)),
		Getenv: func(name string) string { return map[string]string{"HOME": f.dir}[name] },
	}
}

// config is Config for a certificate in a file.
func (f *folder) config(s Source) (*tls.Config, error) {
	return Config(Endpoint{Settings: Settings{Certificate: s}}, f.options())
}

func at(path string) Settings { return Settings{Certificate: Source{Path: path}} }

func mode(m ClientMode) *ClientMode { return &m }

// shake makes a handshake and passes one byte, so that what a server says after a handshake of TLS 1.3 is known, too. It gives what
// each side sees, and the first error.
func shake(t testing.TB, server, client *tls.Config) (atServer, atClient tls.ConnectionState, err error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		raw, err := l.Accept()
		if err != nil {
			ended <- err
			return
		}
		s := tls.Server(raw, server)
		defer s.Close()
		if err = s.HandshakeContext(ctx); err == nil {
			atServer = s.ConnectionState()
			_, err = s.Write([]byte{1})
		}
		ended <- err
	}()
	raw, err := net.Dial("tcp", l.Addr().String())
	must(t, err)
	c := tls.Client(raw, client)
	defer c.Close()
	err = c.HandshakeContext(ctx)
	if err == nil {
		atClient = c.ConnectionState()
		_, err = io.ReadFull(c, make([]byte, 1)) // which also takes in the session ticket
	}
	raw.Close()
	return atServer, atClient, errors.Join(<-ended, err)
}

// asking is a client that takes any certificate for a name.
func asking(name string) *tls.Config {
	return &tls.Config{ServerName: name, InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}}
}

// shown is the common name of the certificate that a server shows to a client.
func shown(t testing.TB, server *tls.Config, name string) string {
	t.Helper()
	_, state, err := shake(t, server, asking(name))
	if err != nil {
		return "refused"
	}
	return state.PeerCertificates[0].Subject.CommonName
}

func problem(err error) Problem {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Problem
	}
	return 0
}

// openssl runs the tool.
func openssl(t testing.TB, args ...string) {
	t.Helper()
	tool, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("GORUN_CI") != "" {
			t.Fatal(err)
		}
		t.Skip("install openssl: ", err)
	}
	if out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput(); err != nil {
		t.Fatalf("openssl %q: %v: %s", args, err, out)
	}
}
