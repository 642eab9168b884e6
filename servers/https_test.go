package servers

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// clientOf trusts the local CA alone.
func clientOf(t *testing.T, data string) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(data, "dev-certs", "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: limit}
}

// An https address works at the first use, at the second, and after the certificate was deleted.
func TestHTTPS(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	env := map[string]string{"GORUN_DATA": data, "CAROOT": filepath.Join(data, "none"), "ASPNETCORE_URLS": "https://localhost:0;https://api.localhost:0;http://localhost:0"}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto+" "+map[bool]string{true: "https", false: "http"}[r.TLS != nil])
	})
	for _, c := range []struct {
		name  string
		makes bool
	}{{"first", true}, {"second", false}, {"certificate deleted", false}, {"all deleted", true}} {
		switch c.name {
		case "certificate deleted":
			if err := os.Remove(filepath.Join(data, "dev-certs", "localhost.pem")); err != nil {
				t.Fatal(err)
			}
		case "all deleted":
			if err := os.RemoveAll(filepath.Join(data, "dev-certs")); err != nil {
				t.Fatal(err)
			}
		}
		r := start(t, handler, env)
		if c.makes {
			for _, want := range []string{"made a certificate for https: " + data, "hint: `gorun dev-certs https --trust`"} {
				if line := <-r.lines; !strings.HasPrefix(line, want) {
					t.Errorf("%s: got %q, want %q", c.name, line, want)
				}
			}
		}
		for _, want := range []string{"HTTP/2.0 https", "HTTP/2.0 https", "HTTP/1.1 http"} {
			url := r.url(t)
			client := clientOf(t, data)
			resp, err := client.Get(strings.Replace(url, "api.localhost", "localhost", 1))
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			client.CloseIdleConnections()
			if err != nil || string(body) != want {
				t.Errorf("%s: %s: got %q, %v, want %q", c.name, url, body, err, want)
			}
			if strings.Contains(url, "api.") && resp.TLS.PeerCertificates[0].VerifyHostname("api.localhost") != nil {
				t.Errorf("%s: the certificate is not for api.localhost", c.name)
			}
		}
		r.stop()
		if err := r.wait(t); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Where the certificate cannot be kept, nothing is served, and the sockets are free again.
func TestNoCertificate(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, nil, map[string]string{"GORUN_DATA": file, "CAROOT": file, "ASPNETCORE_URLS": "https://localhost:0"})
	if err := r.wait(t); err == nil || !strings.HasPrefix(err.Error(), "there is no certificate for https: ") {
		t.Errorf("got %v", err)
	}
}
