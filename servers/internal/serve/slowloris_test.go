package serve

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// slowly are requests that stop where a client may go on, a byte at a time.
var slowly = []string{
	"G",
	get("/") + "GET /",
	"GET / HTTP/1.1\r\nHost: h\r\nDrip: ",
	post("Content-Length: 1000\r\n", ""),
	post("Content-Length: 1000\r\nExpect: 100-continue\r\n", ""),
	post(chunked, "1;"),
	post(chunked, "0\r\nDrip: "),
	"POST /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n",
}

// TestSlowlorisIsBounded has a thousand clients that drip. It looks at the memory that they hold, and that no drip buys one of
// them time.
func TestSlowlorisIsBounded(t *testing.T) {
	// Not parallel: it measures the whole process.
	var taken atomic.Int64
	s := handle(func(w http.ResponseWriter, r *http.Request) {
		var piece [64]byte // a handler that holds nothing by itself
		for r.URL.Path != "/unread" {
			if _, err := r.Body.Read(piece[:]); err != nil {
				return
			}
		}
	})
	s.Middleware = []func(net.Conn) (net.Conn, error){func(c net.Conn) (net.Conn, error) { return dripped{c, &taken}, nil }}
	addr := startServer(t, s)
	before := inUse()
	const clients = 1000
	var open []net.Conn
	var sent int64
	for i := range clients {
		c := dial(t, addr).conn
		n, _ := io.WriteString(c, slowly[i%len(slowly)])
		sent += int64(n)
		open = append(open, c)
	}
	for range 3 {
		for _, c := range open {
			n, _ := io.WriteString(c, "x")
			sent += int64(n)
		}
	}
	eventually(t, "all drips are taken in", func() bool { return taken.Load() == sent })
	during := inUse()
	per := (during - before) / clients
	fmt.Printf("count: slowloris: %d connections hold %d bytes each, with their clients'\n", clients, per)
	if per > 32<<10 {
		t.Errorf("%d bytes for a connection, want at most 32 KiB", per)
	}
	k := s.begin()
	eventually(t, "all are cut off", func() bool { // at each look half a minute has gone
		k.beat(k.clock.Load() + int64(31*time.Second))
		k.mu.Lock()
		defer k.mu.Unlock()
		return len(k.conns) == 0
	})
}

// dripped counts what is read from it.
type dripped struct {
	net.Conn
	read *atomic.Int64
}

func (d dripped) Read(p []byte) (int, error) {
	n, err := d.Conn.Read(p)
	d.read.Add(int64(n))
	return n, err
}

// inUse is the memory of heap and stacks.
func inUse() int64 {
	runtime.GC()
	runtime.GC() // what is in pools outlives the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
