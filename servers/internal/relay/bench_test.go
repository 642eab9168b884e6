package relay

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"testing"
)

// BenchmarkForward has small requests on kept connections through the real server to an app on it, all in one process: by a Relay,
// by httputil.ReverseProxy with a transport that keeps as many connections, and without a front. Compare them over several
// interleaved runs: -count 10.
func BenchmarkForward(b *testing.B) {
	app := serveFront(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "Hello, World!")
	}), noTLS)
	transport := &http.Transport{MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024, DisableCompression: true}
	b.Cleanup(transport.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: app})
		r.SetXForwarded()
	}}
	for _, c := range []struct{ name, addr string }{
		{"relay", front(b, newRelay(b, Options{Timeout: DefaultTimeout}), Target{Address: app, Token: "t"}, nil)},
		{"reverseproxy", serveFront(b, proxy, noTLS)},
		{"alone", app},
	} {
		b.Run(c.name, func(b *testing.B) { bench(b, c.addr) })
	}
}

func bench(b *testing.B, addr string) {
	const request = "GET /plaintext HTTP/1.1\r\nHost: localhost:5000\r\nUser-Agent: bench/1.0\r\nAccept: text/plain,text/html;q=0.9,*/*;q=0.5\r\n\r\n"
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		for pb.Next() {
			if err := roundTrip(conn, r, request); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// roundTrip reads a response of the app above with as little work as can be.
func roundTrip(conn net.Conn, r *bufio.Reader, request string) error {
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			_, err = r.Discard(len("Hello, World!"))
			return err
		}
	}
}

// BenchmarkDownload has responses of one megabyte, with a length.
func BenchmarkDownload(b *testing.B) {
	body := make([]byte, 1<<20)
	app := serveFront(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1048576")
		w.Write(body)
	}), noTLS)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: app})
	for _, c := range []struct{ name, addr string }{
		{"relay", front(b, newRelay(b, Options{Timeout: DefaultTimeout}), Target{Address: app}, nil)},
		{"reverseproxy", serveFront(b, proxy, noTLS)},
		{"alone", app},
	} {
		b.Run(c.name, func(b *testing.B) {
			conn, err := net.Dial("tcp", c.addr)
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			r := bufio.NewReaderSize(conn, 64<<10)
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				io.WriteString(conn, get("/"))
				res, err := http.ReadResponse(r, nil)
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, res.Body); n != int64(len(body)) || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}
