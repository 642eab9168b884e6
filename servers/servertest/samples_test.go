package servertest_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
)

const limit = 30 * time.Second // for what takes milliseconds

// sample is a program of testdata/apps that runs.
type sample struct {
	data string   // its GORUN_DATA
	urls []string // where it listens
}

// start builds and runs a sample at addresses, and waits until it listens on all. It is killed when the test ends.
func start(t *testing.T, name string, addresses []string, env ...string) sample {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "sample.exe")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../testdata/apps/"+name).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	s := sample{data: t.TempDir()}
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = append(environ(), "ASPNETCORE_URLS="+strings.Join(addresses, ";"), "GORUN_DATA="+s.data, "CAROOT="+s.data)
	cmd.Env = append(cmd.Env, env...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Wait() }) // after the test's context, which kills it
	timer := time.AfterFunc(limit, func() { cmd.Process.Kill() })
	defer timer.Stop()
	said := bufio.NewScanner(stderr)
	var all bytes.Buffer
	for len(s.urls) < len(addresses) && said.Scan() {
		all.WriteString(said.Text() + "\n")
		if url, found := strings.CutPrefix(said.Text(), "Now listening on: "); found {
			s.urls = append(s.urls, url)
		}
	}
	if len(s.urls) < len(addresses) {
		t.Fatalf("it listens on %v and says:\n%s", s.urls, &all)
	}
	go io.Copy(io.Discard, stderr)
	return s
}

// environ is this environment without what servers.Run reads.
func environ() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return name == "PORT" || strings.HasPrefix(name, "GORUN_S") || strings.HasSuffix(name, "_URLS") || strings.HasSuffix(name, "_PORTS")
	})
}

// get fetches the page at url by HTTP/1.1 or, with h2, HTTP/2; unix is the path of the socket to use, if any.
func (s sample) get(t *testing.T, url string, h2 bool, unix string) string {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots()}, Protocols: new(http.Protocols)}
	defer transport.CloseIdleConnections()
	transport.Protocols.SetHTTP1(!h2)
	transport.Protocols.SetHTTP2(h2)
	if unix != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", unix)
		}
	}
	return read(t, &http.Client{Transport: transport, Timeout: limit}, url)
}

func read(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return string(body)
}

// altSvc reports whether an answer by HTTP/1.1 says that there is HTTP/3.
func (s sample) altSvc(t *testing.T, url string) bool {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots()}}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport, Timeout: limit}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return strings.HasPrefix(resp.Header.Get("Alt-Svc"), "h3=")
}

// get3 fetches the page at url by HTTP/3.
func (s sample) get3(t *testing.T, url string) string {
	t.Helper()
	transport := &http3.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots()}}
	defer transport.Close()
	return read(t, &http.Client{Transport: transport, Timeout: limit}, url)
}

// roots has the certificate authority that the sample has made, and no other.
func (s sample) roots() *x509.CertPool {
	roots := x509.NewCertPool()
	if pem, err := os.ReadFile(filepath.Join(s.data, "dev-certs", "ca.pem")); err == nil {
		roots.AppendCertsFromPEM(pem)
	}
	return roots
}

// TestThreeLines has an app with three lines serve http, https, HTTP/2, HTTP/3 and a unix socket, all at once.
func TestThreeLines(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a path on Windows needs another URL: the cases of package servertest have it")
	}
	dir, err := os.MkdirTemp("", "st") // short enough for a socket's address
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "three.sock")
	s := start(t, "three", []string{"http://127.0.0.1:0", "https://localhost:0", "http://unix:" + socket},
		"Kestrel__EndpointDefaults__Protocols=Http1AndHttp2AndHttp3")
	if got := s.get3(t, s.urls[1]); got != "hello by HTTP/3.0\n" {
		t.Errorf("by HTTP/3: got %q", got)
	}
	for url, want := range map[string]bool{s.urls[0]: false, s.urls[1]: true} {
		if got := s.altSvc(t, url); got != want {
			t.Errorf("%s says that there is HTTP/3: %t, want %t", url, got, want)
		}
	}
	for _, c := range []struct {
		url  string
		h2   bool
		unix string
		want string
	}{
		{s.urls[0], false, "", "hello by HTTP/1.1\n"},
		{s.urls[1], false, "", "hello by HTTP/1.1\n"},
		{s.urls[1], true, "", "hello by HTTP/2.0\n"},
		{"http://localhost/", false, socket, "hello by HTTP/1.1\n"},
	} {
		if got := s.get(t, c.url, c.h2, c.unix); got != c.want {
			t.Errorf("%s %s: got %q, want %q", c.url, c.unix, got, c.want)
		}
	}
}

// TestCustomSample has the server of its own serve the sample, over http and https, in one sequence of numbers.
func TestCustomSample(t *testing.T) {
	t.Parallel()
	s := start(t, "custom", []string{"http://127.0.0.1:0", "https://127.0.0.1:0"})
	for i, url := range s.urls {
		want := []string{"request 1 by audited at HTTP/1.1\n", "request 2 by audited at HTTP/1.1\n"}[i]
		if got := s.get(t, url, false, ""); got != want {
			t.Errorf("%s: got %q, want %q", url, got, want)
		}
	}
	if got := s.get(t, s.urls[1], true, ""); got != "request 3 by audited at HTTP/2.0\n" {
		t.Errorf("by HTTP/2: got %q", got)
	}
}
