package servertest

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers"
)

// TestReloadByHTTP3 has a server show a renewed certificate to new connections of HTTP/3, and keep those that it has.
func TestReloadByHTTP3(t *testing.T) {
	t.Parallel()
	file, keyFile := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	old := newCertificate(t)
	writePair(t, old, file, keyFile)
	target := Target{Name: "kestrel", Start: func(c Config) (*Running, error) {
		c.TLS = nil
		return For("kestrel", nil, servers.WithCertificate(file, keyFile)).Start(c)
	}}
	e := (&suite{target, old}).env(t)
	e.protocol = http3
	s := e.serve(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RemoteAddr) })
	connection := s.get("/").body
	renewed := newCertificate(t)
	writePair(t, renewed, file, keyFile)
	e.suite.certificate = renewed                   // what new clients trust
	looks := time.NewTicker(100 * time.Millisecond) // files are looked at once a second
	defer looks.Stop()
	for a := (answer{cut: io.EOF}); a.cut != nil; a = s.asksByHTTP3(e.ctx, s.url()) {
		select {
		case <-looks.C:
		case <-e.ctx.Done():
			t.Fatalf("the old certificate is still shown: %v", a.cut)
		}
	}
	s.get("/").want(e, 200, connection)
}

// writePair replaces both files, one after the other, as who renews a certificate does.
func writePair(t *testing.T, c certificate, file, keyFile string) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		file: {Type: "CERTIFICATE", Bytes: c.pair.Certificate[0]}, keyFile: {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
