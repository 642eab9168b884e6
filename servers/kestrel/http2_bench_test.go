package kestrel

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	h2 "golang.org/x/net/http2"
)

// BenchmarkHTTP2 has small requests, many at once on each connection, here and with a bare http.Server. Compare them over
// several interleaved runs: -count 15.
func BenchmarkHTTP2(b *testing.B) {
	plaintext := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "Hello, World!")
	})
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	for _, bench := range []struct {
		name    string
		handler http.Handler
		body    string
	}{{"get", plaintext, ""}, {"post", echo, strings.Repeat("x", 1000)}} {
		b.Run(bench.name+"/kestrel", func(b *testing.B) {
			exchangeFrames(b, listen(b, &Server{Handler: bench.handler}, cleartext()), bench.body)
		})
		b.Run(bench.name+"/nethttp", func(b *testing.B) {
			exchangeFrames(b, listenBare(b, bench.handler), bench.body)
		})
	}
}

func listenBare(b *testing.B, h http.Handler) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: h, Protocols: protocols, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 100, MaxReadFrameSize: 16 << 10}}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	b.Cleanup(func() {
		server.Close()
		<-served
	})
	return l.Addr().String()
}

// exchangeFrames keeps 10 requests under way on a connection, with as little work at this end as can be.
func exchangeFrames(b *testing.B, addr, body string) {
	b.ReportAllocs()
	const atOnce = 10
	c := dialWire(b, addr)
	c.SetDeadline(time.Time{})
	c.ReadMetaHeaders = nil
	block := []byte{0x83, 0x86, 0x84, 0x01, 0x01, 'h'} // POST http / h
	next := uint32(1)
	send := func() {
		c.WriteHeaders(h2.HeadersFrameParam{StreamID: next, EndHeaders: true, EndStream: body == "", BlockFragment: block})
		if body != "" {
			c.WriteData(next, true, []byte(body))
		}
		next += 2
	}
	for range atOnce {
		send()
	}
	taken := 0
	for b.Loop() {
		for {
			f, err := c.ReadFrame()
			if err != nil {
				b.Fatal(err)
			}
			d, ok := f.(*h2.DataFrame)
			if !ok {
				continue
			}
			if taken += int(d.Length); taken > 30_000 {
				c.WriteWindowUpdate(0, uint32(taken))
				taken = 0
			}
			if d.StreamEnded() {
				break
			}
		}
		send()
	}
}
