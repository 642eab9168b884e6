//go:build amd64 || arm64

package httpsys

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/feature"
)

// These tests speak with HTTP.sys itself, or with Wine's. There is one server after the other: where one ends, Wine's closes the sockets of
// all. Bodies are below 8 KB, above which Wine's loses some.

// childPrefix is the environment variable that makes the test binary a server for this prefix.
const childPrefix = "GORUN_TEST_HTTPSYS_PREFIX"

func TestMain(m *testing.M) {
	if prefix := os.Getenv(childPrefix); prefix != "" {
		os.Exit(child(prefix))
	}
	os.Exit(m.Run())
}

// child serves its prefix until its standard input ends.
func child(prefix string) int {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	s := &Server{Options: Options{UrlPrefixes: []string{prefix}}, Handler: http.HandlerFunc(echo), ShutdownTimeout: time.Second}
	if err := s.Serve(ctx, func(addresses []string) { fmt.Println(addresses[0]) }); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// echo tells what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	base, _ := feature.Get[feature.PathBase](r.Context())
	w.Header().Set("X-Pid", fmt.Sprint(os.Getpid()))
	w.Header().Set("X-Got", r.Header.Get("X-Unknown"))
	fmt.Fprintf(w, "%s %s base=%q path=%q host=%s length=%d body=%s", r.Method, r.Proto, base.Path, r.URL.Path, r.Host, r.ContentLength, body)
}

// serving is a server that runs.
type serving struct {
	url  string // of the first prefix, without a slash at its end
	stop func() error
}

// start runs s on a port of its own unless it has prefixes.
func start(t *testing.T, s *Server) serving {
	t.Helper()
	if s.Options.UrlPrefixes == nil {
		s.Options.UrlPrefixes = []string{"http://localhost:0/"}
	}
	s.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	ctx, cancel := context.WithCancel(t.Context())
	listening := make(chan string, 1)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, func(addresses []string) { listening <- addresses[0] }) }()
	stop := func() error {
		cancel()
		err := <-ended
		ended <- err
		return err
	}
	t.Cleanup(func() { stop() })
	select {
	case url := <-listening:
		return serving{strings.TrimSuffix(url, "/"), stop}
	case err := <-ended:
		ended <- err
		t.Fatal(err)
	}
	panic("unreachable")
}

func get(t *testing.T, url string) *http.Response {
	t.Helper()
	return do(t, http.MethodGet, url, nil, nil)
}

// do makes a request and reads the answer, whose Body can then be read again.
func do(t *testing.T, method, url string, header http.Header, body io.Reader) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s %s: %v after %d bytes", method, url, err, len(b))
	}
	response.Body = io.NopCloser(bytes.NewReader(b))
	return response
}

func text(t *testing.T, response *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
