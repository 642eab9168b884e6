package servertest

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gorun-dev/gorun/servers/endpoint"
)

// limit is for what takes milliseconds on a machine that does nothing else.
const limit = 30 * time.Second

// protocol is what the client of a case speaks.
type protocol string

const (
	http1 protocol = "h1"  // without TLS
	http2 protocol = "h2"  // with TLS
	h2c   protocol = "h2c" // HTTP/2 without TLS, with prior knowledge
	http3 protocol = "h3"  // on an endpoint that speaks the others, too
)

func (p protocol) hasTLS() bool { return p == http2 || p == http3 }

func (p protocol) url() string {
	if p.hasTLS() {
		return "https://127.0.0.1:0"
	}
	return "http://127.0.0.1:0"
}

// served is what the server speaks, 0 for its default.
func (p protocol) served() endpoint.Protocols {
	switch p {
	case h2c:
		return endpoint.HTTP2
	case http3:
		return endpoint.HTTP1AndHTTP2AndHTTP3
	}
	return 0
}

// env is what a case has to work with. Its context ends with the case's time.
type env struct {
	*testing.T
	*suite
	protocol protocol
	ctx      context.Context
	log      *buffer // the server's
}

func (s *suite) env(t *testing.T) *env {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*limit)
	e := &env{T: t, suite: s, ctx: ctx, log: &buffer{}}
	t.Cleanup(func() {
		cancel()
		if t.Failed() {
			t.Logf("the server's log:\n%s", e.log)
		}
	})
	return e
}

// serve starts the server with h, in the way of the case's protocol, which edits may change. It is stopped, gracefully and
// without an error, when the case ends.
func (e *env) serve(h http.HandlerFunc, edits ...func(*Config)) *site {
	e.Helper()
	s, err := e.start(h, edits...)
	if err != nil {
		e.Fatalf("the server does not start: %v", err)
	}
	return s
}

func (e *env) start(h http.HandlerFunc, edits ...func(*Config)) (*site, error) {
	c := Config{
		Handler: h, URLs: []string{e.protocol.url()}, Protocols: e.protocol.served(), TLS: e.certificate.server(), ShutdownTimeout: limit,
		Context: context.WithoutCancel(e.ctx), Log: slog.New(slog.NewTextHandler(e.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, edit := range edits {
		edit(&c)
	}
	running, err := e.target.Start(c)
	if err != nil {
		return nil, err
	}
	s := &site{env: e, running: running}
	e.Cleanup(s.end)
	s.client = s.newClient()
	return s, nil
}

// receive waits for a value, or for a channel to be closed.
func receive[T any](e *env, c <-chan T, what string) T {
	e.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(limit):
		e.Fatalf("waited in vain: %s", what)
		panic("not reached")
	}
}

// await is receive for a handler, which cannot end the test: it also gives up when the client has.
func await[T any](e *env, r *http.Request, c <-chan T) (v T) {
	select {
	case v = <-c:
	case <-r.Context().Done():
	case <-e.ctx.Done():
	}
	return v
}

// buffer is a log that is written by several goroutines.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
