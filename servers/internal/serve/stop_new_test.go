package serve

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// A client that has connected just before the server stops, and whose request is on its way, gets its answer.
func TestShutdownWaitsForNewConnections(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan struct{}, 1)
	s := &Server{
		firstWait: time.Minute,
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "answered") }),
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			accepted <- struct{}{}
			return ctx
		},
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l, Binding{}) }()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	<-accepted
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(t.Context()) }()
	<-served // it accepts no more
	if _, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	client.SetReadDeadline(time.Now().Add(30 * time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(client), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	body, err := io.ReadAll(resp.Body)
	if string(body) != "answered" || !resp.Close {
		t.Errorf("got %q, %v, closing: %v", body, err, resp.Close)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
