package kestrel

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	h3 "github.com/quic-go/quic-go/http3"
)

// GOAWAY, the running request ends, its client's next one is not served, the port is free and nothing is left.
func TestHTTP3Shutdown(t *testing.T) {
	t.Parallel()
	entered, finish := make(chan struct{}), make(chan struct{})
	r := startHTTP3(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-finish
		io.WriteString(w, strings.Repeat("finished", 10_000))
	})})
	_, idle := r.dial(t)
	_, conn := r.dial(t)
	client := (&h3.Transport{}).NewClientConn(conn)
	answer := make(chan string, 1)
	go func() {
		resp, err := client.RoundTrip(request(t, "GET", r.url, nil))
		if err != nil {
			t.Error(err)
			answer <- ""
			return
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
		}
		answer <- string(body)
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- r.Shutdown(t.Context()) }()
	<-idle.Context().Done() // which has nothing to wait for
	if err := context.Cause(idle.Context()); !isCode(err, h3.ErrCodeNoError) {
		t.Errorf("the idle connection was closed with %v", err)
	}
	select {
	case err := <-stopped:
		t.Fatalf("it did not wait for the request: %v", err)
	default:
	}
	// After GOAWAY the client itself refuses, without a word to the server.
	if _, err := client.RoundTrip(request(t, "GET", r.url, nil)); err == nil || isReset(err) {
		t.Errorf("a request after GOAWAY: %v", err)
	}
	close(finish)
	if got := <-answer; got != strings.Repeat("finished", 10_000) {
		t.Errorf("got %d bytes", len(got))
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if err := <-r.ended; err != http.ErrServerClosed {
		t.Errorf("ServePackets returned %v", err)
	}
	r.ended <- nil // for the end of the test
	again, err := net.ListenUDP("udp4", r.addr)
	if err != nil {
		t.Fatalf("the socket is still open: %v", err)
	}
	again.Close()
}

func isCode(err error, code h3.ErrCode) bool {
	closed, ok := errors.AsType[*quic.ApplicationError](err)
	return ok && closed.ErrorCode == http3Code(code)
}

// Requests that do not end in time are cut off by Close, which does not wait for a handler that does not care.
func TestHTTP3Close(t *testing.T) {
	t.Parallel()
	entered, cut, finish := make(chan struct{}), make(chan struct{}), make(chan struct{})
	defer close(finish)
	r := startHTTP3(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		close(cut)
		<-finish
	})})
	failed := make(chan error, 1)
	client := r.client(t)
	go func() {
		_, err := client.Do(request(t, "GET", r.url, nil))
		failed <- err
	}()
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := r.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown returned %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := <-failed; err == nil {
		t.Error("the client got an answer")
	}
	<-cut
	if err := <-r.ended; err != http.ErrServerClosed {
		t.Errorf("ServePackets returned %v", err)
	}
	r.ended <- nil
}

func TestHTTP3AfterClose(t *testing.T) {
	t.Parallel()
	certificate, _ := http3Certificate()
	s := &Server{}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ServePackets(c, Binding{TLS: certificate}); !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

// A socket that fails ends ServePackets and its connections.
func TestHTTP3SocketFails(t *testing.T) {
	t.Parallel()
	certificate, _ := http3Certificate()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{}
	ended := make(chan error, 1)
	go func() { ended <- s.ServePackets(c, Binding{TLS: certificate}) }()
	c.Close()
	select {
	case err := <-ended:
		if err == nil || errors.Is(err, http.ErrServerClosed) {
			t.Errorf("got %v", err)
		}
	case <-time.After(limit):
		t.Fatal("still serving")
	}
}

// Nothing is left of a server that has served and stopped. Not parallel: it looks at all goroutines.
func TestHTTP3LeavesNothing(t *testing.T) {
	before := http3Goroutines()
	t.Run("server", func(t *testing.T) {
		r := startHTTP3(t, &Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})})
		for range 3 {
			fetch(t, r.client(t), request(t, "GET", r.url, nil))
		}
		if err := r.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
	deadline := time.Now().Add(limit)
	for {
		now := http3Goroutines()
		if len(now) <= len(before) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines more:\n%s", len(now)-len(before), strings.Join(now, "\n\n"))
		}
		runtime.Gosched()
	}
}

// http3Goroutines gives the goroutines that are ours or quic-go's.
func http3Goroutines() []string {
	var ours []string
	stacks := make([]byte, 1<<20)
	for _, stack := range strings.Split(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		if strings.Contains(stack, "quic-go/") || strings.Contains(stack, "kestrel.(*http3") {
			ours = append(ours, stack)
		}
	}
	return ours
}
