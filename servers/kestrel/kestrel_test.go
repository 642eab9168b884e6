package kestrel

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

const limit = 30 * time.Second // for what takes milliseconds on a machine that has nothing else to do

// running is a server on a plain and on a TLS listener, with a client for both.
type running struct {
	*Server
	plain, secure string
	client        *http.Client
	ended         chan error // what both calls of Serve return
}

func start(t *testing.T, s *Server) *running {
	t.Helper()
	// httptest has a certificate for tests, and a client that trusts it.
	example := httptest.NewTLSServer(nil)
	example.Close()
	certificate := &tls.Config{Certificates: example.TLS.Certificates, NextProtos: endpoint.HTTP1AndHTTP2.ALPN()}
	transport := example.Client().Transport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = true
	t.Cleanup(transport.CloseIdleConnections)
	r := &running{Server: s, client: &http.Client{Transport: transport, Timeout: limit}, ended: make(chan error, 2)}
	for _, url := range []*string{&r.plain, &r.secure} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		*url = "http://" + l.Addr().String()
		if url == &r.secure {
			*url = "https://" + l.Addr().String()
		}
		b := Binding{}
		if url == &r.secure {
			b.TLS = certificate
		}
		go func() { r.ended <- s.Serve(l, b) }()
	}
	t.Cleanup(func() { s.Close() })
	return r
}

func (r *running) get(t *testing.T, url string) string {
	t.Helper()
	resp, err := r.client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return string(body)
}

func TestProtocols(t *testing.T) {
	t.Parallel()
	r := start(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Proto, " ", r.TLS != nil)
	})})
	for url, want := range map[string]string{r.plain: "HTTP/1.1 false", r.secure: "HTTP/2.0 true"} {
		if got := r.get(t, url); got != want {
			t.Errorf("%s: got %q, want %q", url, got, want)
		}
	}
	r.client.Transport.(*http.Transport).ForceAttemptHTTP2 = false
	r.client.Transport.(*http.Transport).TLSClientConfig.NextProtos = []string{"http/1.1"}
	r.client.CloseIdleConnections()
	if got := r.get(t, r.secure); got != "HTTP/1.1 true" {
		t.Errorf("without HTTP/2: got %q", got)
	}
}

// The limit of bodies holds in every protocol.
func TestBodyLimit(t *testing.T) {
	t.Parallel()
	r := start(t, &Server{Limits: Limits{MaxRequestBodySize: 10}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok && tooLong.Limit == 10 {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
		w.Write(body)
	})})
	for _, url := range []string{r.plain, r.secure} {
		for body, want := range map[string]int{"0123456789": 200, "0123456789a": 413} {
			resp, err := r.client.Post(url, "text/plain", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s with %d bytes: status %d, want %d", url, len(body), resp.StatusCode, want)
			}
		}
	}
}

// A line that is too long has its own answer, which net/http does not give.
func TestBadInput(t *testing.T) {
	t.Parallel()
	r := start(t, &Server{})
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.plain, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", strings.Repeat("a", 9000))
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 414 ") {
		t.Errorf("got %q, %v", line, err)
	}
}

// Requests that run are finished in both protocols, and then nothing is open any more.
func TestShutdown(t *testing.T) {
	t.Parallel()
	entered, finish := make(chan struct{}, 2), make(chan struct{})
	r := start(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-finish
		io.WriteString(w, "finished")
	})})
	answers := make(chan string, 2)
	for _, url := range []string{r.plain, r.secure} {
		go func() { answers <- r.get(t, url) }()
	}
	<-entered
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- r.Shutdown(t.Context()) }()
	for range 2 {
		if err := <-r.ended; err != http.ErrServerClosed {
			t.Errorf("Serve returned %v", err)
		}
	}
	select {
	case err := <-stopped:
		t.Fatalf("it did not wait for the requests: %v", err)
	default:
	}
	close(finish)
	for range 2 {
		if answer := <-answers; answer != "finished" {
			t.Errorf("got %q", answer)
		}
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if _, err := net.DialTimeout("tcp", strings.TrimPrefix(r.plain, "http://"), time.Second); err == nil {
		t.Error("it still listens")
	}
}

// Requests that do not end are cut off by Close.
func TestClose(t *testing.T) {
	t.Parallel()
	entered, cut := make(chan struct{}, 2), make(chan struct{}, 2)
	r := start(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-r.Context().Done()
		cut <- struct{}{}
	})})
	for _, url := range []string{r.plain, r.secure} {
		go func() {
			if resp, err := r.client.Get(url); err == nil {
				resp.Body.Close()
				t.Errorf("%s answered with %s", url, resp.Status)
			}
		}()
	}
	<-entered
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := r.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown returned %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	<-cut
	<-cut
}
