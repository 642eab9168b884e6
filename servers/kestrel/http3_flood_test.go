package kestrel

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	h3 "github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
)

// The tests of this file are not parallel: they measure the memory of the process, in which their clients live, too.

// heapGrowth gives what f has left in use, in bytes.
func heapGrowth(f func()) int64 {
	inUse := func() int64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc + stats.StackInuse)
	}
	before := inUse()
	f()
	return inUse() - before
}

// Clients that send their first packet and nothing more, from any address: after a few of them the server keeps nothing, and
// honest clients get through.
func TestHTTP3HandshakeFlood(t *testing.T) {
	const flood = 600
	r := startHTTP3(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "served") })})
	packets := firstPackets(t, r, flood)
	c, err := net.DialUDP("udp4", nil, r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	retries := 0
	growth := heapGrowth(func() { retries = spray(t, c, packets) })
	pending := r.pendingHandshakes()
	fmt.Printf("count: kestrel.http3.handshake_flood packets %d retries %d handshakes %d heap %d kB\n", flood, retries, pending, growth>>10)
	if pending > quicRetryAbove || retries < flood-quicRetryAbove {
		t.Errorf("%d handshakes are open, %d were asked to come again", pending, retries)
	}
	if limit := int64(32 << 20); growth > limit {
		t.Errorf("%d bytes more in use, want less than %d", growth, limit)
	}
	if _, body := fetch(t, r.client(t), request(t, "GET", r.url, nil)); body != "served" {
		t.Errorf("got %q", body)
	}
}

func (r *http3Running) pendingHandshakes() (n int64) {
	r.h3.mu.Lock()
	defer r.h3.mu.Unlock()
	for s := range r.h3.sockets {
		n += s.handshakes.Load()
	}
	return n
}

// firstPackets are those of n clients.
func firstPackets(t *testing.T, r *http3Running, n int) [][]byte {
	t.Helper()
	config := r.tls.Clone()
	config.NextProtos = []string{"h3"}
	config.CurvePreferences = []tls.CurveID{tls.X25519} // so that one packet is all
	c := &catcher{sent: make(chan []byte), closed: make(chan struct{})}
	transport := &quic.Transport{Conn: newQUICSocket(c)}
	defer transport.Close()
	defer c.Close()
	var packets [][]byte
	for range n {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			transport.Dial(ctx, r.addr, config, nil)
		}()
		packets = append(packets, <-c.sent)
		cancel()
		for over := false; !over; {
			select {
			case <-c.sent: // the end of the attempt
			case <-ended:
				over = true
			}
		}
	}
	return packets
}

// catcher is a socket from which nothing goes anywhere.
type catcher struct {
	sent   chan []byte
	closed chan struct{}
	once   sync.Once
}

func (c *catcher) ReadFrom([]byte) (int, net.Addr, error) {
	<-c.closed
	return 0, nil, net.ErrClosed
}

func (c *catcher) WriteTo(p []byte, _ net.Addr) (int, error) {
	select {
	case c.sent <- append([]byte(nil), p...):
	case <-c.closed:
	}
	return len(p), nil
}

func (c *catcher) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

func (c *catcher) LocalAddr() net.Addr              { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
func (c *catcher) SetDeadline(time.Time) error      { return nil }
func (c *catcher) SetReadDeadline(time.Time) error  { return nil }
func (c *catcher) SetWriteDeadline(time.Time) error { return nil }

// spray sends the packets, each when there is an answer to the one before, and counts the answers that are Retry packets.
func spray(t *testing.T, c *net.UDPConn, packets [][]byte) (retries int) {
	t.Helper()
	for _, p := range packets {
		if _, err := c.Write(p); err != nil {
			t.Fatal(err)
		}
		if isRetry(answerTo(t, c, p)) {
			retries++
		}
	}
	return retries
}

// isRetry knows a long header of the type Retry (RFC 9000, 17.2.5).
func isRetry(p []byte) bool { return p[0]&0xf0 == 0xf0 }

// answerTo passes over what the server says again to others.
func answerTo(t *testing.T, c *net.UDPConn, first []byte) []byte {
	t.Helper()
	client := first[6+first[5]:]
	client = client[:1+client[0]] // its connection id, after the server's (RFC 9000, 17.2)
	c.SetReadDeadline(time.Now().Add(limit))
	answer := make([]byte, 2048)
	for {
		n, err := c.Read(answer)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.HasPrefix(answer[5:n], client) {
			return answer[:n]
		}
	}
}

// Requests that are reset as soon as they are sent ("rapid reset"), with handlers that do not care: no more of them run than a
// client may have requests.
func TestHTTP3RapidReset(t *testing.T) {
	const flood = 3000
	var running, most, started atomic.Int64
	finish := make(chan struct{})
	r := startHTTP3(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started.Add(1)
		for n := running.Add(1); ; {
			if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		<-finish
		running.Add(-1)
	})})
	defer close(finish)
	_, conn := r.dial(t)
	client := (&h3.Transport{}).NewClientConn(conn)
	ctx, cancel := context.WithTimeout(t.Context(), 6*limit)
	defer cancel()
	growth := heapGrowth(func() {
		for i := range flood {
			stream, err := client.OpenRequestStream(ctx)
			if err != nil {
				t.Fatalf("request %d: %v", i, err)
			}
			if err := stream.SendRequestHeader(request(t, "POST", r.url, nil)); err != nil {
				t.Fatalf("request %d: %v", i, err)
			}
			stream.CancelWrite(quic.StreamErrorCode(h3.ErrCodeRequestCanceled))
			stream.CancelRead(quic.StreamErrorCode(h3.ErrCodeRequestCanceled))
		}
	})
	fmt.Printf("count: kestrel.http3.rapid_reset requests %d handlers %d at_once %d heap %d kB\n", flood, started.Load(), most.Load(), growth>>10)
	if most.Load() > http3Streams {
		t.Errorf("%d handlers at once, want at most %d", most.Load(), http3Streams)
	}
	if limit := int64(32 << 20); growth > limit {
		t.Errorf("%d bytes more in use, want less than %d", growth, limit)
	}
}

// Heads that are long, or become so when they are decompressed.
func TestHTTP3HeaderBombs(t *testing.T) {
	r := startHTTP3(t, &Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a bomb has come through") })})
	many := func(n int, field ...byte) []byte {
		payload := []byte{0, 0} // no dynamic table (RFC 9204, 4.5.1)
		for range n {
			payload = append(payload, field...)
		}
		return payload
	}
	huffman := append([]byte{0, 0, 0x5f, 0x30}, prefixed7(0x80, 25_000)...) // the value of a known name, compressed
	huffman = append(huffman, make([]byte, 25_000)...)                      // zeros are five bits each
	for _, c := range []struct {
		name  string
		bytes []byte
		code  h3.ErrCode
	}{
		{"a length without anything", headersFrame(1<<30, nil), h3.ErrCodeExcessiveLoad},
		{"known fields, a byte each", headersFrame(30_000, many(29_998, 0xc0|31)), h3.ErrCodeExcessiveLoad},
		{"a value by Huffman", headersFrame(len(huffman), huffman), h3.ErrCodeExcessiveLoad},
		{"a table that does not exist", headersFrame(3, []byte{2, 0, 0x80}), h3.ErrCodeQPACKDecompressionFailed},
	} {
		_, conn := r.dial(t)
		growth := heapGrowth(func() {
			for range 50 {
				if code := bomb(t, conn, c.bytes); code != c.code {
					t.Fatalf("%s: got %v, want %v", c.name, code, c.code)
				}
			}
		})
		fmt.Printf("count: kestrel.http3.header_bomb %q heap %d kB\n", c.name, growth>>10)
		if limit := int64(16 << 20); growth > limit {
			t.Errorf("%s: %d bytes more in use, want less than %d", c.name, growth, limit)
		}
	}
}

// headersFrame is a frame that says it is length bytes long (RFC 9114, 7.2.2).
func headersFrame(length int, payload []byte) []byte {
	return append(quicvarint.Append([]byte{1}, uint64(length)), payload...)
}

// prefixed7 is an integer in seven bits and what follows (RFC 9204, 4.1.1).
func prefixed7(first byte, n int) []byte {
	b := []byte{first | 0x7f}
	for n -= 0x7f; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// bomb sends a request's first bytes and gives the code by which the server wants no more of them.
func bomb(t *testing.T, conn *quic.Conn, first []byte) h3.ErrCode {
	t.Helper()
	stream, err := conn.OpenStreamSync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Write(first); err != nil && !isStreamError(err) {
		t.Fatal(err)
	}
	select {
	case <-stream.Context().Done():
	case <-time.After(limit):
		t.Fatal("the server goes on reading")
	}
	stream.CancelRead(0)
	refused, ok := errors.AsType[*quic.StreamError](context.Cause(stream.Context()))
	if !ok {
		t.Fatal(context.Cause(stream.Context()))
	}
	return h3.ErrCode(refused.ErrorCode)
}

func isStreamError(err error) bool {
	_, ok := errors.AsType[*quic.StreamError](err)
	return ok
}

// Heads that do not come to their end cost what a head may cost, for each request that a client may have at once.
func TestHTTP3SlowHeads(t *testing.T) {
	const connections = 4
	r := startHTTP3(t, &Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("called") })})
	growth := heapGrowth(func() {
		for range connections {
			_, conn := r.dial(t)
			for range http3Streams {
				stream, err := conn.OpenStreamSync(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := stream.Write(headersFrame(32_000, make([]byte, 31_999))); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := conn.OpenStream(); err == nil {
				t.Errorf("more than %d requests at once", http3Streams)
			}
		}
	})
	fmt.Printf("count: kestrel.http3.slow_heads requests %d heap %d kB\n", connections*http3Streams, growth>>10)
	if limit := int64(128 << 20); growth > limit {
		t.Errorf("%d bytes more in use, want less than %d", growth, limit)
	}
}

func BenchmarkHTTP3(b *testing.B) {
	r := startHTTP3(b, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "Hello, World!") })})
	client := r.client(b)
	fetch(b, client, request(b, "GET", r.url, nil))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := client.Get(r.url)
			if err != nil {
				b.Error(err)
				return
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
}
