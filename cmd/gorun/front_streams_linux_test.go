package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/gorun-dev/gorun/internal/event"
)

// zeros is an endless stream.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// 100 MB go up and down through the front, and it keeps next to nothing of them.
func TestFrontStreamsWithFlatMemory(t *testing.T) {
	t.Parallel()
	f := witnessSite(t, "OutOfProcess", `"maxAllowedContentLength": 200000000`).start()
	f.ok("/")
	before := f.memory("VmHWM")
	size := int64(100_000_000)
	var all sync.WaitGroup
	for _, chunked := range []bool{false, true} {
		all.Go(func() {
			r, _ := http.NewRequest(http.MethodPost, f.url+"/count", io.LimitReader(zeros{}, size))
			if !chunked {
				r.ContentLength = size
			}
			resp, err := f.client.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if text, _ := io.ReadAll(resp.Body); string(text) != fmt.Sprint(size) {
				t.Errorf("up, chunked %v: %d %s", chunked, resp.StatusCode, text)
			}
		})
		all.Go(func() {
			resp, err := f.client.Get(fmt.Sprintf("%s/bytes?size=%d", f.url, size))
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if n, err := io.Copy(io.Discard, resp.Body); n != size {
				t.Errorf("down: %d bytes, %v", n, err)
			}
		})
	}
	all.Wait()
	grown := f.memory("VmHWM") - before
	t.Logf("count: 4 streams of %d MB grew the front's memory from %d by %d kB", size/1e6, before, grown)
	if grown > 20<<10 {
		t.Errorf("the front has grown by %d kB", grown)
	}
}

// Many WebSockets are open at once. Each gets back what it sends, after all others are open.
func TestFrontManyWebSockets(t *testing.T) {
	t.Parallel()
	for _, hosting := range []string{"OutOfProcess", "InProcess"} {
		t.Run(hosting, func(t *testing.T) {
			t.Parallel()
			n := 200
			if large() {
				n = 1000
			}
			f := witnessSite(t, hosting, `"shutdownTimeLimit": 5`).start()
			f.ok("/")
			before := f.memory("VmRSS")
			conns := make([]net.Conn, n)
			readers := make([]*bufio.Reader, n)
			for i := range conns {
				conns[i], readers[i] = f.upgrade()
			}
			for i, conn := range conns {
				fmt.Fprintf(conn, "message %d\n", i)
			}
			for i, reader := range readers {
				if got, err := reader.ReadString('\n'); got != fmt.Sprintf("message %d\n", i) {
					t.Errorf("%d: got %q, %v", i, got, err)
				}
			}
			t.Logf("count: %d WebSockets at once, %d kB of the front's memory for each", n, (f.memory("VmRSS")-before)/n)
			f.end() // they hold up nothing
			if e := f.all(event.ProcessExited); len(e) != 1 {
				t.Errorf("%d processes have ended", len(e))
			}
		})
	}
}

// upgrade opens a WebSocket.
func (f *fronted) upgrade() (net.Conn, *bufio.Reader) {
	f.t.Helper()
	conn := f.dial()
	fmt.Fprint(conn, "GET /socket HTTP/1.1\r\nHost: front\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	reader := bufio.NewReader(conn)
	resp, err := http.ReadResponse(reader, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols || !strings.EqualFold(resp.Header.Get("Upgrade"), "websocket") {
		f.t.Fatalf("%s %v", resp.Status, resp.Header)
	}
	return conn, reader
}
