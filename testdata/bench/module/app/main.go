// Command app is the app that the benchmark of the module measures: the same program alone, behind each front, and on the
// sockets of the front. With BENCH_STDIN set it ends when its stdin does.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"

	"github.com/gorun-dev/gorun/servers"
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if os.Getenv("BENCH_STDIN") != "" {
		go func() { // ends with the process, when stdin is still open then
			_, _ = io.Copy(io.Discard, os.Stdin) // however it ends
			cancel()
		}()
	}
	if err := servers.Run(ctx, handler()); err != nil {
		log.Fatal(err)
	}
}

// handler has no mux, so that as much as can be of each request is the servers' work.
func handler() http.Handler {
	files := map[string][]byte{"/16k": text(16 << 10), "/1m": text(1 << 20)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, "Hello, World!") // an error is the client's going away, which it counts itself
		case "/16k", "/1m":
			file := files[r.URL.Path]
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Length", strconv.Itoa(len(file)))
			_, _ = w.Write(file)
		case "/echo":
			echo(w, r)
		case "/client":
			fmt.Fprintf(w, "%s %s", r.RemoteAddr, r.Host)
		default:
			http.NotFound(w, r)
		}
	})
}

// text is so many bytes.
func text(size int) []byte { return bytes.Repeat([]byte("0123456789abcde\n"), size/16) }

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write(body)
}
