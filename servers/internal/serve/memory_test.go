package serve

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestHeaderBombsAreBounded(t *testing.T) {
	// Not parallel: it measures the whole process.
	addr := startServer(t, handle(ok))
	const clients = 100
	before := heap()
	var open []*client
	for i := range clients {
		c := dial(t, addr)
		line := "Bomb: " + strings.Repeat("b", 32_000)
		if i%2 == 0 {
			line = strings.Repeat("Bomb: bbbb\r\n", 98) // as many lines as there may be
		}
		c.send("GET /" + strings.Repeat("p", 8000) + " HTTP/1.1\r\nHost: h\r\n" + line)
		open = append(open, c)
	}
	for _, c := range open { // the bombs are in memory as far as they will be: now they go off
		c.send(strings.Repeat("b", 64<<10) + "\r\n")
	}
	during := heap()
	for _, c := range open {
		c.refused(http.StatusRequestHeaderFieldsTooLarge)
	}
	per := (int64(during) - int64(before)) / clients
	fmt.Printf("count: header bombs: %d connections hold %d bytes each, with their clients'\n", clients, per)
	if per > 128<<10 {
		t.Errorf("%d bytes for a connection, want at most 128 KiB", per)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// counted counts what the server takes in.
type counted struct {
	net.Conn
	read atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

func TestPipelinedBombIsBounded(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	server := &counted{Conn: far}
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			r.Context().Done() // only who waits for the client's end has it read ahead
			eventually(t, "later requests are taken in", func() bool { return server.read.Load() > watched })
		}
		fmt.Fprint(w, server.read.Load())
	})
	t.Cleanup(func() { s.Close() })
	if err := s.ServeConn(server, Binding{}); err != nil {
		t.Fatal(err)
	}
	near.SetDeadline(time.Now().Add(patience))
	c := &client{t, near, bufio.NewReader(near)}
	const more = 2000
	go c.send(get("/first") + strings.Repeat(get("/"), more))
	first := c.want(http.StatusOK)
	n, _ := strconv.Atoi(first)
	fmt.Printf("count: pipelining bomb: %d bytes are taken in while a handler runs\n", n)
	if n > 3*watched {
		t.Errorf("%d bytes were taken in while the first handler ran, want few more than %d", n, watched)
	}
	for range more {
		c.want(http.StatusOK)
	}
}
