//go:build unix

package httpsys

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"github.com/gorun-dev/gorun/servers/internal/serve"
	"github.com/gorun-dev/gorun/servers/internal/wire"
	"github.com/gorun-dev/gorun/servers/kestrel"
)

// request is one of a client that keeps its connection.
const request = "GET /base/path?query=1 HTTP/1.1\r\nHost: localhost:5000\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\r\n"

// greeting is a small answer.
func greeting(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	io.WriteString(w, "hello")
}

// BenchmarkKeptAlive has requests on one connection answered by an app alone, and by one that shares its ports.
func BenchmarkKeptAlive(b *testing.B) {
	for _, base := range []string{"", "/base"} {
		name := "root"
		if base != "" {
			name = "base"
		}
		b.Run(name+"/alone", func(b *testing.B) {
			client, server := benchPair(b)
			k := &kestrel.Server{Handler: http.HandlerFunc(greeting)}
			b.Cleanup(func() { k.Close() })
			if err := k.ServeConn(server, kestrel.Binding{Protocols: http1}); err != nil {
				b.Fatal(err)
			}
			exchange(b, client)
		})
		for _, caching := range []bool{false, true} {
			name := name + "/shared"
			if caching {
				name += "+cache"
			}
			b.Run(name, func(b *testing.B) {
				client, server := benchPair(b)
				s := &Server{Handler: http.HandlerFunc(greeting), Options: Options{EnableResponseCaching: &caching}, Log: slog.New(slog.DiscardHandler)}
				c, err := newClient(s, nil)
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { c.stop() })
				c.learn(own(client, 1, []string{"http://*:5077" + base + "/"}, "http://*:5077/other/"))
				c.admit(arrival{Handover: wire.Handover{}, conn: server})
				exchange(b, client)
			})
		}
	}
}

// exchange sends the request again and again.
func exchange(b *testing.B, client net.Conn) {
	io.WriteString(client, request)
	first, err := http.ReadResponse(bufio.NewReader(client), nil)
	if err != nil || first.StatusCode != 200 {
		b.Fatalf("got %v, %v", first, err)
	}
	io.Copy(io.Discard, first.Body)
	out, in := []byte(request), make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Write(out); err != nil {
			b.Fatal(err)
		}
		if _, err := client.Read(in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIsElsewhere is what a head costs beside its parsing.
func BenchmarkIsElsewhere(b *testing.B) {
	client, server := benchPair(b)
	c, err := newClient(&Server{Log: slog.New(slog.DiscardHandler)}, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer c.stop()
	c.learn(own(client, 1, []string{"http://*:5077/"}, "http://*:5077/other/"))
	head, refused := serve.NewHeadReader(serve.Limits{}).Read([]byte(request), true)
	if refused != nil {
		b.Fatal(refused.Reason())
	}
	b.ReportAllocs()
	for b.Loop() {
		if c.isElsewhere(server, head.Host, head.Path) {
			b.Fatal("it is not")
		}
	}
}

func benchPair(b *testing.B) (client, server net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err == nil {
		server, err = l.Accept()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { client.Close() })
	return client, server
}
