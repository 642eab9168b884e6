package kestrel

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/quic-go/quic-go"
	h3 "github.com/quic-go/quic-go/http3"
)

// A client that resets its requests once their handlers run gets leave from quic-go for as many again. Handlers that go on
// nevertheless keep their slots: no more than 100 run for one connection.
func TestHTTP3Slots(t *testing.T) {
	t.Parallel()
	const more = 20
	var running, most atomic.Int64
	entered, failed := make(chan struct{}, http3Streams+more), make(chan struct{}, http3Streams+more)
	finish := make(chan struct{})
	r := startHTTP3(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for n := running.Add(1); ; {
			if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		entered <- struct{}{}
		io.Copy(io.Discard, r.Body) // only when both have failed is the stream over for quic-go
		for err := error(nil); err == nil; {
			_, err = w.Write(make([]byte, 64<<10))
		}
		failed <- struct{}{}
		<-finish
		running.Add(-1)
	})})
	_, conn := r.dial(t)
	client := (&h3.Transport{}).NewClientConn(conn)
	ctx, cancel := context.WithTimeout(t.Context(), 2*limit)
	defer cancel()
	open := func() *h3.RequestStream {
		t.Helper()
		stream, err := client.OpenRequestStream(ctx)
		if err == nil {
			err = stream.SendRequestHeader(request(t, "DELETE", r.url, nil)) // of which a body may follow
		}
		if err != nil {
			t.Fatal(err)
		}
		return stream
	}
	reset := func(stream *h3.RequestStream) {
		stream.CancelWrite(quic.StreamErrorCode(h3.ErrCodeRequestCanceled))
		stream.CancelRead(quic.StreamErrorCode(h3.ErrCodeRequestCanceled))
	}
	for range http3Streams {
		stream := open()
		<-entered
		reset(stream)
		<-failed
	}
	var rest []*h3.RequestStream
	for range more {
		rest = append(rest, open())
	}
	tooLarge := request(t, "GET", r.url, nil)
	tooLarge.Header.Set("A", strings.Repeat("a", 40_000))
	if resp, err := client.RoundTrip(tooLarge); err != nil || resp.StatusCode != 431 { // answered without a handler, after the others have come
		t.Fatal(resp, err)
	}
	if most.Load() != http3Streams {
		t.Errorf("%d handlers at once, want %d", most.Load(), http3Streams)
	}
	close(finish)
	for range rest { // now they have their turn
		<-entered
	}
	for _, stream := range rest {
		reset(stream)
	}
	for range rest {
		<-failed
	}
}
