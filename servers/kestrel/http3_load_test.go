package kestrel

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Many requests on many connections: no error, and neither memory nor goroutines that grow with their number. Not parallel: it
// measures the process, in which its clients live, too.
func TestHTTP3Load(t *testing.T) {
	const connections, streams = 16, 10
	span := 300 * time.Millisecond
	if os.Getenv("GORUN_CI") == "1" {
		span = 3 * time.Second
	}
	r := startHTTP3(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
	})})
	var clients []*http.Client
	for range connections {
		clients = append(clients, r.client(t))
	}
	warm := loadHTTP3(t, r, clients, streams, span/3)
	goroutines := runtime.NumGoroutine()
	var done int64
	growth := heapGrowth(func() { done = loadHTTP3(t, r, clients, streams, span) })
	more := runtime.NumGoroutine() - goroutines
	fmt.Printf("count: kestrel.http3.load connections %d streams %d requests %d in %v heap %+d kB goroutines %+d\n",
		connections, streams, done, span, growth>>10, more)
	if warm == 0 || done == 0 {
		t.Errorf("%d and %d requests", warm, done)
	}
	if limit := int64(8 << 20); growth > limit {
		t.Errorf("%d bytes more in use after %d requests, want less than %d", growth, done, limit)
	}
	if more > connections*streams { // those of the last requests are about to end
		t.Errorf("%d goroutines more after %d requests", more, done)
	}
}

// loadHTTP3 sends requests for a while, each with a body of its own, and gives the number of whole and right answers.
func loadHTTP3(t *testing.T, r *http3Running, clients []*http.Client, streams int, span time.Duration) int64 {
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	var done atomic.Int64
	var work sync.WaitGroup
	for i, client := range clients {
		for j := range streams {
			work.Go(func() {
				for n := 0; ctx.Err() == nil && !t.Failed(); n++ {
					want := strings.Repeat(fmt.Sprint(i, " ", j, " ", n, "\n"), 20)
					resp, err := client.Post(r.url, "text/plain", strings.NewReader(want))
					if err != nil {
						t.Error(err)
						return
					}
					got, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					if err != nil || string(got) != want {
						t.Errorf("got %d bytes, %v", len(got), err)
						return
					}
					done.Add(1)
				}
			})
		}
	}
	work.Wait()
	return done.Load()
}
