package serve

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
)

// BenchmarkPlaintext has one small request after the other on kept connections, here and with a bare http.Server.
// Compare them over several interleaved runs: -count 15.
func BenchmarkPlaintext(b *testing.B) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "Hello, World!")
	})
	b.Run("serve", func(b *testing.B) {
		bench(b, startServer(b, &Server{Handler: handler}), plaintextRequest)
	})
	b.Run("nethttp", func(b *testing.B) {
		bench(b, startBare(b, handler), plaintextRequest)
	})
}

// BenchmarkPost has bodies, which take another way here than in net/http.
func BenchmarkPost(b *testing.B) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "Hello, World!")
	})
	b.Run("serve", func(b *testing.B) {
		bench(b, startServer(b, &Server{Handler: handler}), postRequest)
	})
	b.Run("nethttp", func(b *testing.B) {
		bench(b, startBare(b, handler), postRequest)
	})
}

const (
	plaintextRequest = "GET /plaintext HTTP/1.1\r\nHost: localhost:5000\r\nUser-Agent: bench/1.0\r\nAccept: text/plain,text/html;q=0.9,*/*;q=0.5\r\n\r\n"
	postRequest      = "POST /post HTTP/1.1\r\nHost: localhost:5000\r\nContent-Length: 5\r\n\r\nhello"
)

func startBare(b *testing.B, h http.Handler) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: h}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	b.Cleanup(func() {
		server.Close()
		<-served
	})
	return l.Addr().String()
}

func bench(b *testing.B, addr, request string) {
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

// roundTrip reads a response of the handlers above with as little work as can be.
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
