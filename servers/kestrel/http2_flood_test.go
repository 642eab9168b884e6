package kestrel

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	h2 "golang.org/x/net/http2"

	"github.com/gorun-dev/gorun/servers/limits"
)

// flood measures what a client that means harm makes the server keep in memory. The tests below are not parallel: it is the
// memory of the whole process.
type flood struct {
	testing.TB
	what   string
	before int64
}

func newFlood(t testing.TB, what string) *flood { return &flood{t, what, inUse()} }

// at is called at the height of it.
func (f *flood) at(count int, of string, limit int64) {
	f.Helper()
	during := inUse()
	fmt.Printf("count: %s, %d %s: %d kB in use before, %d kB during\n", f.what, count, of, f.before>>10, during>>10)
	if during-f.before > limit {
		f.Errorf("%d bytes more are in use, want at most %d", during-f.before, limit)
	}
}

func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// still has another client get an answer.
func (f *flood) still(addr string) {
	f.Helper()
	c := dialWire(f, addr)
	c.ask(1, "GET", true)
	if got := c.status(1); got != "200" {
		f.Errorf("another client got %s", got)
	}
}

// Requests that are reset at once keep their handlers running, of which there are no more than streams; the client is thrown out
// (CVE-2023-44487).
func TestFloodOfResets(t *testing.T) {
	const streams = 20
	var running, most atomic.Int64
	release := make(chan struct{})
	addr := listen(t, &Server{Limits: Limits{HTTP2: limits.HTTP2{MaxStreamsPerConnection: streams}}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := running.Add(1)
		defer running.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if r.Header.Get("do") == "wait" { // as one that waits for a database, and does not look at its context
			<-release
		}
	})}, cleartext())
	f := newFlood(t, "rapid reset")
	c := dialWire(t, addr)
	sent := make(chan int, 1)
	go func() {
		for n := range 100_000 {
			id := uint32(2*n + 1)
			if c.ask(id, "GET", true, "do", "wait") != nil || c.WriteRSTStream(id, h2.ErrCodeCancel) != nil {
				sent <- n
				return
			}
		}
		sent <- 100_000
	}()
	code, told := c.gone()
	f.at(<-sent, "requests", 8<<20)
	if !told || code != h2.ErrCodeEnhanceYourCalm {
		t.Errorf("the client was told %v, %v", told, code)
	}
	if most.Load() > streams {
		t.Errorf("%d handlers ran at once, want at most %d", most.Load(), streams)
	}
	f.still(addr)
	close(release)
}

// A head that does not end is given up, however it is cut into frames (CVE-2024-27316).
func TestFloodOfContinuations(t *testing.T) {
	addr := listen(t, &Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}, cleartext())
	for name, piece := range map[string]int{"long": 16_000, "short": 10, "empty": 0} {
		t.Run(name, func(t *testing.T) {
			f := newFlood(t, "CONTINUATION, "+name)
			c := dialWire(t, addr)
			block := c.fields("x", strings.Repeat("~", max(piece-4, 0)))
			if piece == 0 {
				block = nil
			}
			c.WriteHeaders(h2.HeadersFrameParam{StreamID: 1, BlockFragment: c.fields(":method", "GET")})
			n := 0
			for n < 200_000 && c.WriteContinuation(1, false, block) == nil {
				n++
			}
			f.at(n, "frames", 4<<20)
			f.still(addr)
			if piece > 0 { // without end, one without content costs nothing but time
				c.gone()
			}
		})
	}
}

// A head that is small on the wire and large when it is unpacked is not unpacked.
func TestFloodOfPackedFields(t *testing.T) {
	addr := listen(t, &Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}, cleartext())
	f := newFlood(t, "header bomb")
	c := dialWire(t, addr)
	c.ask(1, "GET", true, "bomb", strings.Repeat("b", 3900)) // has index 62 from now on, or a little more
	c.status(1)
	bomb := append(c.fields(":method", "GET", ":scheme", "http", ":authority", "h", ":path", "/"), bytes.Repeat([]byte{0x80 | 62}, 16_000)...)
	const requests = 50
	for i := range requests { // 3 GB, if it were unpacked
		id := uint32(2*i + 3)
		c.WriteHeaders(h2.HeadersFrameParam{StreamID: id, EndStream: true, EndHeaders: true, BlockFragment: bomb})
		if got := c.status(id); got != "431" {
			t.Fatalf("got %s", got)
		}
	}
	f.at(requests, "requests", 4<<20)
}

// A client that asks and does not listen is thrown out before the answers fill the memory; one whose frames ask for nothing
// costs nothing.
func TestFloodOfSmallFrames(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	for name, tt := range map[string]struct {
		write   func(*wire) error
		batches int
		thrown  bool
	}{
		"PING":       {func(c *wire) error { return c.WritePing(false, [8]byte{1}) }, 5000, true},
		"SETTINGS":   {func(c *wire) error { return c.WriteSettings(h2.Setting{ID: h2.SettingMaxFrameSize, Val: 1 << 14}) }, 300, false},
		"PRIORITY":   {func(c *wire) error { return c.WritePriority(99, h2.PriorityParam{StreamDep: 1}) }, 300, false},
		"empty DATA": {func(c *wire) error { return c.WriteData(1, false, nil) }, 300, false},
		"WINDOW":     {func(c *wire) error { return c.WriteWindowUpdate(1, 1) }, 300, false},
	} {
		t.Run(name, func(t *testing.T) {
			addr := listen(t, &Server{Handler: handler}, cleartext())
			f := newFlood(t, name)
			c := dialWire(t, addr)
			c.ask(1, "POST", false)
			// Many frames in one write, or it would be a flood of system calls at this end.
			var batch bytes.Buffer
			batched := &wire{TB: t, Framer: h2.NewFramer(&batch, nil)}
			const size = 1000
			for range size {
				if err := tt.write(batched); err != nil {
					t.Fatal(err)
				}
			}
			n := 0
			for n < tt.batches {
				if _, err := c.Conn.Write(batch.Bytes()); err != nil {
					break
				}
				n++
			}
			f.at(n*size, "frames", 8<<20)
			if thrown := n < tt.batches; thrown != tt.thrown {
				t.Errorf("thrown out: %v, want %v", thrown, tt.thrown)
			}
			f.still(addr)
		})
	}
}

// Clients that ask for much and take nothing hold little, and not for long.
func TestFloodOfZeroWindows(t *testing.T) {
	const streams = 100
	large := make([]byte, 1<<20)
	entered, left := make(chan struct{}, streams), make(chan error, streams)
	addr := listen(t, &Server{
		Limits: Limits{MinResponseDataRate: limits.DataRate{BytesPerSecond: 10 << 20, GracePeriod: quick.GracePeriod * 5}},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			entered <- struct{}{}
			_, err := w.Write(large)
			left <- err
		}),
	}, cleartext())
	f := newFlood(t, "zero window")
	c := dialWire(t, addr, h2.Setting{ID: h2.SettingInitialWindowSize, Val: 0})
	for i := range streams {
		c.ask(uint32(2*i+1), "GET", true)
	}
	for range streams {
		<-entered
	}
	f.at(streams, "responses of 1 MB", 4<<20)
	for range streams {
		if err := <-left; err == nil {
			t.Error("all was written")
		}
	}
}
