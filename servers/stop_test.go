package servers

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// slow is a handler that says when it has begun and waits to be let go.
func slow() (h http.Handler, begun chan context.Context, release chan struct{}) {
	begun, release = make(chan context.Context, 1), make(chan struct{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun <- r.Context()
		select {
		case <-release:
		case <-r.Context().Done():
		}
		fmt.Fprint(w, "late")
	}), begun, release
}

func TestGracefulStop(t *testing.T) {
	t.Parallel()
	h, begun, release := slow()
	r := start(t, h, nil, WithURLs("http://127.0.0.1:0"))
	url := r.url(t)
	answer := make(chan string, 1)
	go func() {
		body, err := get(url)
		answer <- fmt.Sprint(body, err)
	}()
	ctx := <-begun
	idle, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")) // a connection opened ahead of need
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	r.stop()
	deadline := time.Now().Add(limit)
	for { // no new connection
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			break
		}
		conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("it still accepts")
		}
		runtime.Gosched()
	}
	if ctx.Err() != nil {
		t.Error("the running request was cancelled")
	}
	select {
	case err := <-r.done:
		t.Fatalf("it did not wait for the request: %v", err)
	default:
	}
	close(release)
	if got := <-answer; got != "late<nil>" {
		t.Errorf("the running request got %q", got)
	}
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
}

// TestUnusedConnection has a connection without a request not hold up the end for the five seconds of net/http.
func TestUnusedConnection(t *testing.T) {
	t.Parallel()
	r := start(t, hello, nil, WithURLs("http://127.0.0.1:0"))
	url := r.url(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	wantHello(t, url) // which comes after it, so it was accepted
	begin := time.Now()
	r.stop()
	if err := r.wait(t); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("the end took %v", took)
	}
}

func TestCutOff(t *testing.T) {
	t.Parallel()
	h, begun, _ := slow()
	r := start(t, h, nil, WithURLs("http://127.0.0.1:0"), WithShutdownTimeout(20*time.Millisecond))
	url := r.url(t)
	go get(url)
	ctx := <-begun
	r.stop()
	err := r.wait(t)
	if err == nil || err.Error() != "requests were still running after 20ms and were cut off" {
		t.Errorf("got %v", err)
	}
	select {
	case <-ctx.Done():
	case <-time.After(limit):
		t.Error("the handler does not see it")
	}
}
